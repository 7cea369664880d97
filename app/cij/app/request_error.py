"""What a front door has to tell the person who asked, apart from failures of the world.

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
    """The caller's mistake: a name that nothing has, a field that an event has not.

    The command line shows it with its usage line; an HTTP service answers with a 4xx code.
    """

    exit_name = "USAGE"


class InvalidProject(WorldError):
    """Carries the errors as values: each front door renders them in its own way.

    `texts` has every file that a diagnostic may point into.
    """

    exit_name = "ERRORS"

    def __init__(self, diagnostics: "tuple[Diagnostic, ...]", texts: Mapping[str, str]) -> None:
        count = len(diagnostics)
        super().__init__(f"the project has {count} error{'' if count == 1 else 's'}")
        self.diagnostics = diagnostics
        self.texts = texts
