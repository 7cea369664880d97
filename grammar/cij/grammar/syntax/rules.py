"""The rules of policies and the statements of tests."""

from dataclasses import dataclass
from typing import Union

from cij.grammar.syntax.expressions import DateTime, Duration, Expression, Path, Text, TimeRange
from cij.grammar.syntax.nodes import Name, Node
from cij.grammar.syntax.settings import Setting

__all__ = [
    "After",
    "AtMost",
    "CaseRow",
    "CaseTable",
    "Clock",
    "Down",
    "ExpectDone",
    "ExpectEnded",
    "ExpectHas",
    "ExpectMember",
    "ExpectNoOther",
    "ExpectNothing",
    "ExpectSent",
    "ExpectWaiting",
    "Given",
    "GivenRow",
    "Happens",
    "NeverSend",
    "OnCapWait",
    "Quiet",
    "RequireConsent",
    "Rule",
    "Statement",
]


@dataclass(frozen=True, slots=True)
class RequireConsent(Node):
    """`every send requires consent`."""


@dataclass(frozen=True, slots=True)
class Quiet(Node):
    """`quiet 21:00..08:00`."""

    hours: TimeRange


@dataclass(frozen=True, slots=True)
class AtMost(Node):
    """`at most 3 email per 7 days`, `… per calendar week`. `messages` has no channel."""

    count: int
    channel: Name | None
    per: Duration
    is_calendar: bool


@dataclass(frozen=True, slots=True)
class NeverSend(Node):
    """`never send sms when age < 18`."""

    channel: Name | None
    condition: Expression


@dataclass(frozen=True, slots=True)
class OnCapWait(Node):
    """`on cap wait`."""


Rule = Union[RequireConsent, Quiet, AtMost, NeverSend, OnCapWait, Setting]


@dataclass(frozen=True, slots=True)
class Clock(Node):
    """`clock 2026-03-02 10:00`."""

    moment: DateTime | Path


@dataclass(frozen=True, slots=True)
class CaseRow(Node):
    """`"few points" (10, "HELLO")`: one case, with a value for each column."""

    title: Text
    values: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class CaseTable(Node):
    """`cases (points, code) {…}`: the test is played once for each row."""

    columns: tuple[Name, ...]
    rows: tuple[CaseRow, ...]


@dataclass(frozen=True, slots=True)
class Given(Node):
    """`given customer "ana" {…}`."""

    customer: Text
    settings: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class GivenRow(Node):
    """`given product "p1" {…}`: a row of an entity, by its key."""

    entity: Name
    row: Text
    settings: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class Happens(Node):
    """`event opened(reward) by "ana" {…}`, with or without an `after` before it."""

    event: Name
    label: Name | None
    customer: Text
    settings: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class After(Node):
    """`after 2 days [event …]`, the event on the same line. A `Path` is a column: `case.x`."""

    duration: Duration | Path
    event: Happens | None


@dataclass(frozen=True, slots=True)
class Down(Node):
    """`the runtime is down for 3 hours`."""

    duration: Duration | Path


@dataclass(frozen=True, slots=True)
class ExpectSent(Node):
    """`expect sent email M to "ana" [for KEY] [at T] [where …]`."""

    channel: Name
    message: Name | Path
    customer: Text
    at: DateTime | Path | None
    key: Text | None = None
    where: Expression | None = None


@dataclass(frozen=True, slots=True)
class ExpectNothing(Node):
    """`expect nothing sent to "bob"`."""

    customer: Text


@dataclass(frozen=True, slots=True)
class ExpectNoOther(Node):
    """`expect no other message to "bob"`."""

    customer: Text


@dataclass(frozen=True, slots=True)
class ExpectEnded(Node):
    """`expect "ana" ended [as OUTCOME] [for KEY]`."""

    customer: Text
    outcome: Name | Path | None
    key: Text | None = None


@dataclass(frozen=True, slots=True)
class ExpectWaiting(Node):
    """`expect "ana" waiting at LABEL [for KEY] [until T]`."""

    customer: Text
    step: Name | Path
    until: DateTime | Path | None
    key: Text | None = None


@dataclass(frozen=True, slots=True)
class ExpectMember(Node):
    """`expect "ana" [not] in segment S`."""

    customer: Text
    segment: Name
    is_negated: bool


@dataclass(frozen=True, slots=True)
class ExpectHas(Node):
    """`expect "ana" has points > 5`."""

    customer: Text
    condition: Expression


@dataclass(frozen=True, slots=True)
class ExpectDone(Node):
    """`expect done ACTION for "ana" [where …]`."""

    action: Name
    customer: Text
    where: Expression | None = None


Statement = Union[
    Clock,
    CaseTable,
    Given,
    GivenRow,
    Happens,
    After,
    Down,
    ExpectSent,
    ExpectNothing,
    ExpectNoOther,
    ExpectEnded,
    ExpectWaiting,
    ExpectMember,
    ExpectHas,
    ExpectDone,
]
