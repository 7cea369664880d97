"""When a journey lets people in, S6: from when until when, and at which instants of the calendar."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from cij.grammar import syntax
from tests.agreement.passages import Journey
from tests.agreement.tale import Tale
from tests.reference_evaluator import to_instant, to_local

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Door:
    """The way into one journey, by the journey's zone, else the project's."""

    def __init__(self, journey: Journey, tale: Tale) -> None:
        own = journey.settings.get("timezone")
        self.zone = own.value if own else tale.zone
        starts, ends = (self._instant(journey.settings.get(name)) for name in ("starts", "ends"))
        self.opens = max(tale.start, starts or tale.start)
        self.closes = ends or datetime.max
        self.stopped_at: datetime | None = None
        headers = journey.headers(syntax.EnterSegment)
        self.calls = {
            id(h): {*self._calls(h.every, tale.end)} for h in headers if h.every is not None
        }
        self.segments = {h.segment.text for h in headers}

    def is_open(self, now: datetime) -> bool:
        return self.stopped_at is None and self.opens <= now < self.closes

    def is_called(self, header: syntax.EnterSegment, now: datetime) -> bool:
        return now in self.calls.get(id(header), ())

    @property
    def instants(self) -> set[datetime]:
        """Return when somebody may enter though nothing happens to him."""
        found = set().union(*self.calls.values())
        if self.segments:
            found.add(self.opens)
        return {at for at in found if at < self.closes}

    def _instant(self, node: Any) -> datetime | None:
        if node is None:
            return None
        at = node.value
        local = at if isinstance(at, datetime) else datetime.combine(at, time())
        return to_instant(local, self.zone)

    def _calls(self, every: syntax.Schedule, end: datetime) -> Iterator[datetime]:
        """Yield the instants of a schedule: of every 2 weeks, every second from the first on."""
        day, found = to_local(self.opens, self.zone).date(), 0
        while (at := to_instant(datetime.combine(day, every.at.value), self.zone)) <= end:
            if _is_day(every, day) and at >= self.opens:
                if found % (every.period.count if every.period else 1) == 0:
                    yield at
                found += 1
            day += timedelta(days=1)


def _is_day(every: syntax.Schedule, day: date) -> bool:
    """Weeks begin on Monday, months on their first day."""
    if every.weekday is not None:
        return _DAYS[day.weekday()] == every.weekday.name
    assert every.period is not None
    begins = {"day": True, "week": day.weekday() == 0, "month": day.day == 1}
    return begins[every.period.unit]
