"""What `cij check` has to say of a project."""

from collections.abc import Mapping
from dataclasses import dataclass

from cij.grammar.diagnostic import Diagnostic, Suppressed


@dataclass(frozen=True, slots=True)
class CheckReport:
    """`texts` has every file that a diagnostic may point into; `counts` is how many there are of
    each kind of thing, by its name in the singular."""

    diagnostics: tuple[Diagnostic, ...]
    suppressed: tuple[Suppressed, ...]
    texts: Mapping[str, str]
    counts: Mapping[str, int]
