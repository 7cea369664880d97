"""What a story did to its stage, noted apart from the store, and what did not hold."""

from dataclasses import dataclass, field
from datetime import datetime

from cij.compiler.sql import Statement
from cij.runtime.engine import Row
from cij.runtime.story.stage import Stage


@dataclass(frozen=True, slots=True)
class Said:
    """What a customer had agreed to from an instant on."""

    at: datetime
    customer: str
    topic: str
    channel: str
    is_granted: bool


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a customer did."""

    at: datetime
    customer: str
    name: str


@dataclass(frozen=True, slots=True)
class Zoned:
    """The zone that a customer had from an instant on, as it was written."""

    at: datetime
    customer: str
    zone: str


@dataclass(frozen=True, slots=True)
class Barred:
    """A hard bounce or a complaint: nothing more by this channel."""

    at: datetime
    customer: str
    channel: str
    event: str


@dataclass(slots=True)
class Lived:
    """A stage, and what happened on it so far."""

    stage: Stage
    said: list[Said] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    zoned: list[Zoned] = field(default_factory=list)
    barred: list[Barred] = field(default_factory=list)
    _found: dict[Statement, list[Row]] = field(default_factory=dict)

    def rows(self, statement: Statement) -> list[Row]:
        """Return what a query finds, asked once between two looks: several checks ask the same."""
        if statement not in self._found:
            self._found[statement] = self.stage.rows(statement)
        return self._found[statement]

    def look_anew(self) -> None:
        self._found.clear()


@dataclass(frozen=True, slots=True)
class Violation:
    """`rule` is its short name; smaller stories must break the same."""

    rule: str
    journey: str
    customer: str
    text: str
