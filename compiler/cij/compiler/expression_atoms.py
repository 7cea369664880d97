"""The expressions that have no other expression inside. `expression.py` has the others."""

from typing import Literal

from cij.compiler.base_node import BaseNode
from cij.compiler.outcomes import OUTCOMES
from cij.compiler.types import BOOLEAN, DATE, DATETIME, DURATION, Type, enum

# The units of elapsed time, in seconds. The others are steps of the calendar (S2).
ELAPSED_S: dict[str, int] = {"second": 1, "minute": 60, "hour": 3600}
Unit = Literal["second", "minute", "hour", "day", "week", "month", "year"]


class Typed(BaseNode):
    """What all expressions have."""

    type: Type
    is_nullable: bool = False


class Constant(Typed):
    """A literal. Decimals, money, percent (as a fraction), dates and times are ISO text."""

    op: Literal["constant"] = "constant"
    value: bool | int | str


class Remainder(BaseNode):
    """The `3 hours` of `2 days 3 hours`."""

    count: int
    unit: Unit


class Period(Typed):
    """`7 days`. Day and longer are calendar steps, hour and shorter elapsed time (S2).

    `rest` is a second step, of a smaller unit that has no fixed ratio to the first.
    """

    op: Literal["period"] = "period"
    type: Type = DURATION
    count: int
    unit: Unit
    rest: Remainder | None = None

    @property
    def lengths(self) -> tuple[tuple[int, Unit], ...]:
        """The counts and units of the steps, in the order in which they are taken."""
        first = (self.count, self.unit)
        return (first,) if self.rest is None else (first, (self.rest.count, self.rest.unit))

    @property
    def is_whole_days(self) -> bool:
        """Tell whether all steps are steps of the calendar."""
        return all(unit not in ELAPSED_S for _, unit in self.lengths)


class Now(Typed):
    """The instant of the tick."""

    op: Literal["now"] = "now"
    type: Type = DATETIME


class Today(Typed):
    """The local date of the customer at the instant of the tick."""

    op: Literal["today"] = "today"
    type: Type = DATE


class Field(Typed):
    """A field of the unified customer; `id` is one and is never missing."""

    op: Literal["field"] = "field"
    name: str


class Column(Typed):
    """A column of a source, in the source's own filter, a mapping or an event definition."""

    op: Literal["column"] = "column"
    source: str
    name: str


class ColumnBefore(Typed):
    """The value that a column had before the record was changed."""

    op: Literal["column_before"] = "column_before"
    is_nullable: bool = True
    source: str
    name: str


class EventField(Typed):
    """A field of the event row that is looked at: in an aggregate, a filter or a pattern."""

    op: Literal["event_field"] = "event_field"
    event: str
    name: str


class TriggerField(Typed):
    """A field of the event by which the passage entered; one of `events` it was."""

    op: Literal["trigger_field"] = "trigger_field"
    events: tuple[str, ...]
    name: str


class Consent(Typed):
    """The customer's consent to a topic, on one channel or (None) on any of the topic's."""

    op: Literal["consent"] = "consent"
    type: Type = BOOLEAN
    topic: str
    channel: str | None = None


class Member(Typed):
    """`in segment S`."""

    op: Literal["member"] = "member"
    type: Type = BOOLEAN
    segment: str


class MeasureValue(Typed):
    """The value of a measure for the customer."""

    op: Literal["measure"] = "measure"
    measure: str


class HashShare(Typed):
    """True for the people whose salted hash lies in [low, high): S14.

    Units: shares of 1 as decimal text. Source: semantics.md S14, architecture.md on `md5`.
    """

    op: Literal["hash_share"] = "hash_share"
    type: Type = BOOLEAN
    salt: str
    low: str
    high: str


class Again(Typed):
    """True while a loop has another iteration: its digit in the passage's `turn` is not the last.

    The loop counts from 0 in steps of `unit`, and has `size` iterations.
    """

    op: Literal["again"] = "again"
    type: Type = BOOLEAN
    unit: int
    size: int


class AtEntry(Typed):
    """The value that a customer's field had when the passage entered (S11)."""

    op: Literal["at_entry"] = "at_entry"
    name: str


class EnteredAt(Typed):
    """The instant from which the passage counts: that of the entering event, or of the entry."""

    op: Literal["entered_at"] = "entered_at"
    type: Type = DATETIME


class Result(Typed):
    """The latest value that came back of what a step called; missing until one has come.

    The call may be from any iteration of a loop.
    """

    op: Literal["result"] = "result"
    journey: str
    step: str
    action: str
    name: str


class Noted(Typed):
    """A field of the event that ended a wait, by the name that the wait gives it; missing without one.

    In a loop it is that of the latest iteration.
    """

    op: Literal["noted"] = "noted"
    event: str
    step: str
    name: str


class SendOutcome(Typed):
    """What has become of the message of a step of this passage; missing before the step.

    In a loop it is that of the latest iteration.
    """

    op: Literal["send_outcome"] = "send_outcome"
    type: Type = enum(*OUTCOMES)
    is_nullable: bool = True
    step: str


class OfMessage(Typed):
    """True for an event row that is an interaction with what a step of this passage has sent.

    The message may be from any iteration of a loop.
    """

    op: Literal["of_message"] = "of_message"
    type: Type = BOOLEAN
    journey: str
    step: str


class FirstCome(Typed):
    """True for the first `count` passages that come to the step, over all versions."""

    op: Literal["first_come"] = "first_come"
    type: Type = BOOLEAN
    counter: str
    count: int


class Winner(Typed):
    """True when this arm of the split has won; with no arm, when any has."""

    op: Literal["winner"] = "winner"
    type: Type = BOOLEAN
    journey: str
    split: str
    arm: str | None = None


class Choice(BaseNode):
    """A message that may be the best; `address` is the field that holds the address, if there is one."""

    message: str
    channel: str
    topic: str
    address: str | None = None


class Best(Typed):
    """True when the choice at `place` is the one that this customer most likely reacts to.

    Order: those that can reach the customer come first; then the share of messages on its channel of the last 90 days that the
    customer opened or clicked; the share of all customers that reacted to the message; then the
    order in which the choices are written.
    """

    op: Literal["best"] = "best"
    type: Type = BOOLEAN
    choices: tuple[Choice, ...]
    place: int


class Hours(BaseNode):
    """Quiet hours, every day by the clock of the customer: [start, end), past midnight if it is less."""

    start: str
    end: str


class Cap(BaseNode):
    """At most `count` messages in a window, over all journeys: on one channel or (None) on any.

    Time: the window is the last `period`, or the unit of the calendar that now lies in. What is
    too much waits (`waits`) or is left out. `policy` is where it is written.
    """

    policy: str
    count: int
    channel: str | None = None
    period: Period
    is_calendar: bool = False
    waits: bool = False


class Expired(Typed):
    """True for a passage that is held at a send, in one of `states`, for longer than `period`."""

    op: Literal["expired"] = "expired"
    type: Type = BOOLEAN
    states: tuple[str, ...]
    period: Period


class Listed(Typed):
    """True if the customer, or their address on the channel, is on the suppression list."""

    op: Literal["listed"] = "listed"
    type: Type = BOOLEAN
    channel: str
    address: str


class InQuiet(Typed):
    """True where the customer's clock shows quiet hours."""

    op: Literal["in_quiet"] = "in_quiet"
    type: Type = BOOLEAN
    hours: tuple[Hours, ...]


class OverCap(Typed):
    """True where one more message would exceed one of `caps` and none of `unless`.

    Customers who arrive at the same instant are counted one after the other. Those whose message has
    `expired` come last.
    """

    op: Literal["over_cap"] = "over_cap"
    type: Type = BOOLEAN
    caps: tuple[Cap, ...]
    unless: tuple[Cap, ...] = ()
    expired: Expired | None = None


class HeldUntil(Typed):
    """When a held message may be looked at again: the hours or the windows are over, or it expires."""

    op: Literal["held_until"] = "held_until"
    type: Type = DATETIME
    hours: tuple[Hours, ...] = ()
    caps: tuple[Cap, ...] = ()
    expired: Expired | None = None
