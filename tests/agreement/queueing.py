"""The queue in front of a journey with a limit: who came, and may not come in yet.

They wait in the order in which they came; of those who come at one instant the smaller id is first.
At his turn everybody is looked at as if he came then; who may not enter uses up no place.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cij.grammar import syntax
from tests.agreement.passages import Journey, Life, Passage
from tests.agreement.ruling import begin, following
from tests.reference_evaluator import Occurrence, to_local

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Waiting:
    """Who waits to enter, since when, by which event or from which segment."""

    life: Life
    key: str
    at: datetime
    since: datetime
    trigger: Occurrence | None = None
    segment: str | None = None

    @property
    def place(self) -> tuple[datetime, str, str]:
        return self.at, self.life.customer.id, self.key


class Queue:
    """Those in front of one journey, and how many of its limit are in."""

    def __init__(self, journey: Journey, zone: str) -> None:
        self.journey, self.zone = journey, zone
        self.rate: syntax.Rate | None = journey.settings.get("limit")
        self.entered: list[datetime] = []
        self.line: list[Waiting] = []

    def add(self, comers: list[Waiting]) -> None:
        """Nobody waits twice."""
        for comer in sorted(comers, key=lambda c: c.place):
            if not any(w.life is comer.life and w.key == comer.key for w in self.line):
                self.line.append(comer)

    def has_room(self, now: datetime) -> bool:
        if self.rate is None:
            return True
        since = _begin(self.rate.unit, now, self.zone)
        return sum(at >= since for at in self.entered) < self.rate.count

    def looks(self, now: datetime) -> datetime | None:
        """Return when the next period begins, if somebody waits for it."""
        if self.rate is None or not self.line:
            return None
        if self.rate.unit == "hour":
            return _hour(now, self.zone, _MINUTE) + _MINUTE
        return following(self.rate.unit, now, self.zone)

    def leave(self, gone: list[Waiting]) -> None:
        self.line = [w for w in self.line if w not in gone]

    def passage(self, waiting: Waiting, now: datetime) -> Passage:
        """Return what the one who waits would be inside: his goals and exits are asked of it."""
        found = Passage(
            self.journey, 0, waiting.trigger, waiting.key, now, waiting.at, False, (), None, None
        )
        found.entered_from = waiting.at
        return found


def _begin(unit: str, now: datetime, zone: str) -> datetime:
    return _hour(now, zone, -_MINUTE) if unit == "hour" else begin(unit, now, zone)


def _hour(now: datetime, zone: str, step: timedelta) -> datetime:
    """Return the last minute, forwards or backwards, that the clock shows in the same hour; an hour in
    which it is changed ends there.
    """
    at = now - timedelta(seconds=now.second, microseconds=now.microsecond)
    while _shown(at + step, zone) == _shown(at, zone):
        at += step
    return at


def _shown(at: datetime, zone: str) -> tuple[datetime, timedelta]:
    local = to_local(at, zone)
    return local.replace(minute=0), local - at
