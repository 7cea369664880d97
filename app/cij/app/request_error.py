"""The errors of requests: mistakes of the caller, and projects with errors.

WorldError
├── RequestError    what was asked for does not exist, or does not fit the project
└── InvalidProject  the journeys have errors, so there is no program
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cij.runtime.errors import WorldError

if TYPE_CHECKING:
    from cij.grammar.diagnostic import Diagnostic


class RequestError(WorldError):
    """A mistake of the caller, such as an unknown name or a field that an event does not have.

    The command line shows it with its usage line; an HTTP service answers with a 4xx code.
    """

    exit_name = "USAGE"


class InvalidProject(WorldError):
    """The journeys have errors.

    They are values, so that each caller can render them in its own way.

    `texts` has every file to which a diagnostic may refer.
    """

    exit_name = "ERRORS"

    def __init__(self, diagnostics: "tuple[Diagnostic, ...]", texts: Mapping[str, str]) -> None:
        count = len(diagnostics)
        super().__init__(f"the project has {count} error{'' if count == 1 else 's'}")
        self.diagnostics = diagnostics
        self.texts = texts
