"""The head of a journey: who enters, again, goals, exits, changes."""

from dataclasses import dataclass
from typing import Union

from cij.grammar.syntax.expressions import Duration, Expression, Text, Time
from cij.grammar.syntax.nodes import Name, Node
from cij.grammar.syntax.settings import Renamed, Setting
from cij.grammar.syntax.steps import Pattern, Weekday

__all__ = [
    "Again",
    "EnterOn",
    "EnterSegment",
    "Exit",
    "Goal",
    "Header",
    "Removed",
    "Schedule",
]


@dataclass(frozen=True, slots=True)
class Schedule(Node):
    """`every monday at 09:00`, `every 2 weeks at 09:00 in "Europe/Madrid"`."""

    weekday: Weekday | None
    period: Duration | None
    at: Time
    zone: Text | None


@dataclass(frozen=True, slots=True)
class EnterSegment(Node):
    segment: Name
    is_once: bool
    every: Schedule | None


@dataclass(frozen=True, slots=True)
class EnterOn(Node):
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Again(Node):
    """`again never`, `again always`, `again after D`. `rule` is never, always or after."""

    rule: str
    after: Duration | None


@dataclass(frozen=True, slots=True)
class Exit(Node):
    """`exit [NAME] on E` or `exit [NAME] when C`.

    Exactly one of `pattern` and `condition` is set.
    """

    name: Name | None
    pattern: Pattern | None
    condition: Expression | None


@dataclass(frozen=True, slots=True)
class Goal(Node):
    """`goal NAME on E [within D] [and stay]` or `goal NAME when C …`."""

    name: Name
    pattern: Pattern | None
    condition: Expression | None
    within: Duration | None
    is_stay: bool


@dataclass(frozen=True, slots=True)
class Removed(Node):
    """`removed X then go to Y | end [NAME] | finish`. `then` is `go to`, `end` or `finish`."""

    step: Name
    then: str
    target: Name | None


Header = Union[EnterSegment, EnterOn, Again, Exit, Goal, Renamed, Removed, Setting]
