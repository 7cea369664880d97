"""The report of `cij check`."""

from collections.abc import Mapping
from dataclasses import dataclass

from cij.grammar.diagnostic import Diagnostic, Suppressed
from cij.runtime.version_reads import Offers


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The result of a check.

    `texts` has every file to which a diagnostic may refer. `counts` are the numbers of files,
    journeys and so on, by their name in the singular. `offers` is what the program has of what older
    versions read; None where there is no program.
    """

    diagnostics: tuple[Diagnostic, ...]
    suppressed: tuple[Suppressed, ...]
    texts: Mapping[str, str]
    counts: Mapping[str, int]
    offers: Offers | None = None
