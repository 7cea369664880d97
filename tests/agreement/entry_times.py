"""When a journey lets customers in, S6: its start and end, and the instants of its schedules."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from cij.grammar import syntax
from tests.agreement.customer_state import Journey
from tests.agreement.scenario import Scenario
from tests.reference_evaluator import to_instant, to_local

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class EntryTimes:
    """The entry times of one journey, in the journey's zone, else in the project's."""

    def __init__(self, journey: Journey, scenario: Scenario) -> None:
        own = journey.settings.get("timezone")
        self.zone = own.value if own else scenario.zone
        starts, ends = (self._instant(journey.settings.get(name)) for name in ("starts", "ends"))
        self.opens = max(scenario.start, starts or scenario.start)
        self.closes = ends or datetime.max
        self.stopped_at: datetime | None = None
        self.is_begun = False
        headers = journey.headers(syntax.EnterSegment)
        self.calls = {
            id(h): {*self._calls(h.every, scenario.end)} for h in headers if h.every is not None
        }
        self.segments = {h.segment.text for h in headers}

    def is_open(self, now: datetime) -> bool:
        return self.stopped_at is None and self.opens <= now < self.closes

    def is_called(self, header: syntax.EnterSegment, now: datetime) -> bool:
        return now in self.calls.get(id(header), ())

    @property
    def called_at(self) -> set[datetime]:
        """Return the instants of the schedules."""
        return {at for at in set().union(*self.calls.values()) if at < self.closes}

    @property
    def instants(self) -> set[datetime]:
        """Return the instants at which customers may enter without an event."""
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
        """Yield the instants of a schedule. `every 2 weeks` takes every second one, from the first."""
        zone = every.zone.value if every.zone else self.zone
        day, found = to_local(self.opens, zone).date(), 0
        while (at := to_instant(datetime.combine(day, every.at.value), zone)) <= end:
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
