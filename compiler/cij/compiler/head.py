"""The head of a journey: everything but its steps. The model and the program share it.

A setting of the head is one field of `Head`, one row in `declarations/head_settings.py` that reads
it, and a line in `explain.py`.
"""

from typing import Annotated, Literal, Union

from pydantic import Field as PydanticField

from cij.compiler.base_node import BaseNode, Place
from cij.compiler.expression import Expression, Period, Unit
from cij.compiler.types import Type

AgainRule = Literal["never", "always", "after"]


class Schedule(BaseNode):
    """Instants of a calendar: every `count` units, at a local time of day.

    `zone` is that of the calendar; None means that of the journey.
    Weeks begin on `weekday` (1 is Monday), months and years on their first day. More than one
    unit is counted from the first such instant of the journey.
    """

    count: int
    unit: Literal["day", "week", "month", "year"]
    weekday: int = 1
    at: str
    zone: str | None = None


class Limit(BaseNode):
    """At most `count` entries in each unit of the local calendar of the journey."""

    count: int
    unit: Unit


class SegmentEntry(BaseNode):
    """Customers who are in the segment at the start, and those who join it later.

    With `is_once` only the former. With `every` those who are in it at these instants.
    """

    kind: Literal["segment"] = "segment"
    segment: str
    is_once: bool = False
    every: Schedule | None = None


class EventEntry(BaseNode):
    kind: Literal["event"] = "event"
    event: str
    where: Expression | None = None


Entry = Annotated[Union[SegmentEntry, EventEntry], PydanticField(discriminator="kind")]


class Goal(BaseNode):
    """`target` is the EndState of a passage that reaches the goal; None if the passage goes on."""

    name: str
    event: str | None = None
    where: Expression | None = None
    condition: Expression | None = None
    within: Period | None = None
    target: str | None = None
    place: Place


class Exit(BaseNode):
    """By an event, or by a condition that is tested whenever the passage wakes (S8)."""

    name: str
    event: str | None = None
    where: Expression | None = None
    condition: Expression | None = None
    target: str
    place: Place


class Renamed(BaseNode):
    """A step that had another name in earlier versions."""

    old: str
    new: str


class Removed(BaseNode):
    """A step of earlier versions that is gone. Passages that are there go on at the state `target`.

    In the model `target` is the step, or the outcome, that the author named.
    """

    step: str
    then: Literal["go_to", "end", "finish"]
    target: str | None = None


class KeptField(BaseNode):
    """A customer's field that a passage keeps with the value it had at entry."""

    name: str
    type: Type


class Head(BaseNode):
    """What decides who enters a journey, when and how often, and under which terms.

    Nobody enters before `starts`, from `ends` on, or while it is a draft; both are local times.
    `version` and `kept` are empty in the model: lowering fills them, because they follow from the
    whole journey. They are fields of the head so that a program's JSON keeps the order of its keys.
    """

    name: str
    version: str = ""
    doc: str
    entries: tuple[Entry, ...]
    again: AgainRule
    again_after: Period | None = None
    per: str | None = None
    suppress: Expression | None = None
    limit: Limit | None = None
    starts: str | None = None
    ends: str | None = None
    is_draft: bool = False
    priority: int = 0
    holdout: str | None = None
    language: Expression | None = None
    timezone: str | None = None
    kept: tuple[KeptField, ...] = ()
    renamed: tuple[Renamed, ...] = ()
    removed: tuple[Removed, ...] = ()
    in_flight: Literal["pin", "adopt"] = "pin"
