"""What an expression may name, by the place where it stands."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from cij.compiler import program as pg
from cij.compiler.column_statistics import Catalog
from cij.compiler.expression import Expression
from cij.compiler.mistake_list import MistakeList
from cij.compiler.model import Model
from cij.grammar.diagnostic import Diagnostic
from cij.grammar.syntax import Declaration

# Why `trigger` cannot be read at a place; some say it more exactly.
NO_TRIGGER = "there may be none here"
ENTRY_IS_ASKED = "here it is asked whether somebody enters"


@dataclass(frozen=True, slots=True)
class Called:
    """A labelled `do`: its step by the whole name, and what it called."""

    journey: str
    step: str
    action: pg.Action


@dataclass(frozen=True, slots=True)
class Awaited:
    """The event that ended a wait, by the whole name that the wait gives it."""

    step: str
    event: pg.Event


@dataclass(frozen=True, slots=True)
class Sent:
    """A labelled `send`: its step by the whole name, and the channels that it may use."""

    journey: str
    step: str
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Environment:
    """What can be named at one place.

    Attributes:
        model: the declarations that are resolved so far.
        diagnostics: the mistakes so far.
        declared: the syntax trees by kind and name, for what may be used before it is typed.
        typed_measure: types a measure when it is first used.
        source: whose columns can be read.
        has_before: `before.COLUMN` is the column of the record before a change.
        has_customer: the fields of the customer can be read.
        event: the innermost event row, inside of an aggregate.
        trigger: the events that a passage may have entered by.
        measure_stack: the measures that are being typed now, to find one that needs itself.
        broken: names that were declared with a mistake. Using one is no further mistake.
        catalog: what is known of the columns of the sources.
        is_trigger_broken: an entering event has a mistake, so naming the trigger is no further one.
        has_passage: the place is inside of a journey.
        bindings: the arguments of a fragment by the names of its parameters; None has a mistake.
        results: the calls on the way to this place, by their labels; and the named events of waits.
        sends: the messages that were sent on some way to this place, by their labels.
        no_trigger: why the entering event cannot be read here.
        outer_event: the event row around that of `event`, of which `event.` could be meant too.
    """

    model: Model
    diagnostics: MistakeList
    declared: Mapping[str, Mapping[str, Declaration]]
    typed_measure: "Callable[[str, Environment], pg.Measure | None]"
    source: pg.Source | None = None
    has_before: bool = False
    has_customer: bool = False
    event: pg.Event | None = None
    trigger: tuple[pg.Event, ...] = ()
    measure_stack: tuple[str, ...] = ()
    broken: set[str] = field(default_factory=set)
    catalog: Catalog = field(default_factory=dict)
    is_trigger_broken: bool = False
    has_passage: bool = False
    bindings: "Mapping[str, Expression | None]" = field(default_factory=dict)
    results: "Mapping[str, Called | Awaited]" = field(default_factory=dict)
    sends: Mapping[str, Sent] = field(default_factory=dict)
    no_trigger: str = NO_TRIGGER
    outer_event: pg.Event | None = None

    def report(self, diagnostic: Diagnostic) -> None:
        """Keep a mistake. The same one is kept once, though a condition be looked at twice."""
        if diagnostic not in self.diagnostics:
            self.diagnostics.append(diagnostic)

    def with_event(self, event: pg.Event | None) -> "Environment":
        return replace(self, event=event, outer_event=self.event if event else None)

    def before_entry(self, reason: str) -> "Environment":
        """Return the environment of a condition that is asked before somebody enters."""
        return replace(self, no_trigger=reason)

    def with_trigger(self, events: tuple[pg.Event, ...], *, is_broken: bool) -> "Environment":
        return replace(self, trigger=events, is_trigger_broken=is_broken, has_passage=True)

    def is_consequence(self, name: str) -> bool:
        """Tell whether a customer's field or measure `name` is unknown by another's mistake."""
        if not self.has_customer:
            return False
        is_measure = name in self.declared["measure"] and name not in self.model.measures
        return self.model.profile is None or name in self.broken or is_measure

    def field(self, name: str) -> pg.ProfileField | None:
        """Return the customer's field of this name, if customers are in reach."""
        if not self.has_customer or self.model.profile is None:
            return None
        return next((f for f in self.model.profile.fields if f.name == name), None)

    @property
    def field_names(self) -> list[str]:
        profile = self.model.profile
        if not self.has_customer or profile is None:
            return []
        return ["id", *(f.name for f in profile.fields)]
