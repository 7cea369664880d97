"""What the passes share while one project is compiled."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cij.compiler.column_statistics import Catalog
from cij.compiler.library import Library
from cij.compiler.model import Model
from cij.compiler.program import Event
from cij.compiler.typecheck.environment import Called
from cij.grammar import syntax
from cij.grammar.diagnostic import Diagnostic

__all__ = ["Build", "Catalog", "SendSite"]


@dataclass(slots=True)
class SendSite:
    """One `send` step: what a message can rely on there.

    `known` are the customer's fields that the conditions on the way promise to be known;
    `parameters` all that it gives, also where the value has a mistake; `results` the calls whose
    results it can read.
    """

    step: syntax.Send
    journey: str
    parameters: tuple[str, ...]
    trigger: tuple[Event, ...]
    known: frozenset[str]
    is_trigger_broken: bool = False
    results: Mapping[str, Called] = field(default_factory=dict)


@dataclass(slots=True)
class Build:
    """The model so far, the mistakes so far, and what was written.

    `contents` are the texts of files that messages name, by path from the project's folder;
    `texts` are those of the `.journey` files, to find a place inside a text literal. `broken` are
    fields that were declared with a mistake, of the customer as `points`, of events as
    `purchase.amount`: whoever names one makes no mistake of his own. `library` are the modules that
    there are, `used` those that the project uses.
    """

    model: Model
    diagnostics: list[Diagnostic]
    declared: dict[str, dict[str, syntax.Declaration]]
    journeys: dict[str, syntax.Journey]
    texts: Mapping[str, str]
    contents: Mapping[str, str]
    catalog: Catalog
    send_sites: dict[str, list[SendSite]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    fragments: dict[str, syntax.Fragment] = field(default_factory=dict)
    run_fragments: set[str] = field(default_factory=set)
    policies: dict[str, syntax.Policy] = field(default_factory=dict)
    is_zone: Callable[[str], bool] = lambda name: True
    library: Library = field(default_factory=dict)
    used: frozenset[str] = frozenset()

    def report(self, diagnostic: Diagnostic) -> None:
        self.diagnostics.append(diagnostic)
