"""What the passes share while one project is compiled."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cij.compiler.column_statistics import Catalog
from cij.compiler.library import Library
from cij.compiler.mistake_list import MistakeList
from cij.compiler.model import Model
from cij.compiler.program import Event
from cij.compiler.typecheck.environment import Awaited, Called
from cij.grammar import syntax
from cij.grammar.diagnostic import Diagnostic

__all__ = ["Build", "Catalog", "SendSite"]


@dataclass(slots=True)
class SendSite:
    """One `send` step, and what a message can rely on there.

    Attributes:
        parameters: the names that the step gives, also where the value has a mistake.
        trigger: the events that the passage may have entered by.
        known: the customer's fields that cannot be missing, by the conditions on the way.
        results: the calls whose results can be read, and the named events of waits.
    """

    step: syntax.Send
    journey: str
    parameters: tuple[str, ...]
    trigger: tuple[Event, ...]
    known: frozenset[str]
    is_trigger_broken: bool = False
    results: Mapping[str, Called | Awaited] = field(default_factory=dict)


@dataclass(slots=True)
class Build:
    """The model so far, the mistakes so far, and what was written.

    Attributes:
        declared: the syntax trees of plain declarations, by kind and name.
        texts: those of the `.journey` files, to find a place inside a text literal.
        contents: the texts of files that messages name, by path from the project's folder.
        send_sites: the steps that send each message.
        broken: fields that were declared with a mistake: `points` of the customer, `purchase.amount`
            of an event. Using one is no further mistake.
        run_fragments: the fragments that a journey runs.
        library: all modules that there are.
        used: the modules that the project uses.
    """

    model: Model
    diagnostics: MistakeList
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
    constant_fault: Callable[[str], str | None] = lambda expression: None
    library: Library = field(default_factory=dict)
    used: frozenset[str] = frozenset()

    def report(self, diagnostic: Diagnostic) -> None:
        self.diagnostics.append(diagnostic)
