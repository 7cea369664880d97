"""The record of a played story, kept apart from the store, and violations of invariants."""

from dataclasses import dataclass, field
from datetime import datetime

from cij.compiler.sql import Statement
from cij.runtime.engine import Row
from cij.runtime.story.stage import Stage


@dataclass(frozen=True, slots=True)
class Said:
    """The consent of a customer to a topic on a channel from an instant on."""

    at: datetime
    customer: str
    topic: str
    channel: str
    is_granted: bool


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a customer."""

    at: datetime
    customer: str
    name: str


@dataclass(frozen=True, slots=True)
class Zoned:
    """The zone of a customer from an instant on, as the story writes it. It may not exist."""

    at: datetime
    customer: str
    zone: str


@dataclass(frozen=True, slots=True)
class Barred:
    """A hard bounce or a complaint. After it the customer must get nothing on this channel."""

    at: datetime
    customer: str
    channel: str
    event: str


@dataclass(slots=True)
class Lived:
    """A stage, and what the story has done on it so far."""

    stage: Stage
    said: list[Said] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    zoned: list[Zoned] = field(default_factory=list)
    barred: list[Barred] = field(default_factory=list)
    _found: dict[Statement, list[Row]] = field(default_factory=dict)

    def rows(self, statement: Statement) -> list[Row]:
        """Return the rows of a query.

        They are cached until `look_anew`, since checks share queries.
        """
        if statement not in self._found:
            self._found[statement] = self.stage.rows(statement)
        return self._found[statement]

    def look_anew(self) -> None:
        self._found.clear()


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that did not hold.

    `rule` is its short name, which a smaller story must violate too.
    """

    rule: str
    journey: str
    customer: str
    text: str
