"""The entry queue of a journey with a limit.

Customers wait in the order of arrival; at one instant the smaller id is first. Whether a customer
may enter is decided when they leave the queue. A customer who may not enter uses up no place.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cij.grammar import syntax
from tests.agreement.contact_rules import begin, following
from tests.agreement.customer_state import CustomerState, Journey, Passage
from tests.reference_evaluator import Occurrence, to_local

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Waiting:
    """A customer who waits to enter: since when, by which event or from which segment."""

    customer: CustomerState
    key: str
    at: datetime
    since: datetime
    trigger: Occurrence | None = None
    segment: str | None = None

    @property
    def place(self) -> tuple[datetime, str, str]:
        return self.at, self.customer.drawn.id, self.key


class Queue:
    """The queue of one journey, and when customers entered it."""

    def __init__(self, journey: Journey, zone: str) -> None:
        self.journey, self.zone = journey, zone
        self.rate: syntax.Rate | None = journey.settings.get("limit")
        self.entered: list[datetime] = []
        self.line: list[Waiting] = []

    def add(self, arrivals: list[Waiting]) -> None:
        """Append new customers. One who waits already is not added again."""
        for new in sorted(arrivals, key=lambda c: c.place):
            if not any(w.customer is new.customer and w.key == new.key for w in self.line):
                self.line.append(new)

    def has_room(self, now: datetime) -> bool:
        if self.rate is None:
            return True
        since = _begin(self.rate.unit, now, self.zone)
        return sum(at >= since for at in self.entered) < self.rate.count

    def begin(self, now: datetime) -> datetime:
        """Return when the current period of the limit began."""
        return datetime.min if self.rate is None else _begin(self.rate.unit, now, self.zone)

    def next_period(self, now: datetime) -> datetime | None:
        """Return when the next period of the limit begins; None if the queue is empty."""
        return self.next_room(now) if self.line else None

    def next_room(self, now: datetime) -> datetime | None:
        """Return when the next period of the limit begins; None without a limit."""
        if self.rate is None:
            return None
        if self.rate.unit == "hour":
            return _hour(now, self.zone, _MINUTE) + _MINUTE
        return following(self.rate.unit, now, self.zone)

    def leave(self, gone: list[Waiting]) -> None:
        self.line = [w for w in self.line if w not in gone]

    def passage(self, waiting: Waiting, now: datetime) -> Passage:
        """Return the passage the waiting customer would have; goals and exits are tested on it."""
        no_serial = (0, "", "")
        found = Passage(
            self.journey, 0, no_serial, waiting.trigger, waiting.key, now, waiting.at, False, ()
        )
        found.entered_from = waiting.at
        return found


def _begin(unit: str, now: datetime, zone: str) -> datetime:
    return _hour(now, zone, -_MINUTE) if unit == "hour" else begin(unit, now, zone)


def _hour(now: datetime, zone: str, step: timedelta) -> datetime:
    """Return the last minute, forwards or backwards, within the same hour of the local clock.

    A change of the clock ends the hour.
    """
    at = now - timedelta(seconds=now.second, microseconds=now.microsecond)
    while _shown(at + step, zone) == _shown(at, zone):
        at += step
    return at


def _shown(at: datetime, zone: str) -> tuple[datetime, timedelta]:
    local = to_local(at, zone)
    return local.replace(minute=0), local - at
