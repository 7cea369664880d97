"""When a wait ends: S2, S4, S12 with Python's own calendar."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

from cij.grammar import syntax
from tests.reference_evaluator import on_calendar, stepped, to_instant, to_local

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def due(step: Any, now: datetime, zone: str, value: Callable[[Any], Any]) -> datetime:
    """Return when the timer of a wait that begins now ends it."""
    if isinstance(step, syntax.WaitUntil) and step.zone is not None:
        zone = step.zone.value
    match step:
        case syntax.Wait(duration=duration, at=syntax.Time(value=at)):
            return _at(on_calendar(to_local(now, zone), duration, 1).date(), at, zone)
        case syntax.Wait(duration=duration):
            return _instant(stepped(now, duration, 1, zone))
        case syntax.WaitUntil(moment=syntax.Weekday(name=name), at=at):
            return _next_weekday(name, at.value if at else time(), now, zone)
        case syntax.WaitUntil(moment=moment, at=at):
            return _until(value(moment), at, now, zone)
    return _instant(stepped(now, step.up_to, 1, zone))


def _next_weekday(name: str, at: time, now: datetime, zone: str) -> datetime:
    today = to_local(now, zone).date()
    days = (today + timedelta(days=n) for n in range(15))
    wanted = (_at(d, at, zone) for d in days if _DAYS[d.weekday()] == name)
    return next(found for found in wanted if found > now)


def _until(moment: Any, at: syntax.Time | None, now: datetime, zone: str) -> datetime:
    """An unknown moment counts as past."""
    if moment is None:
        return now
    if isinstance(moment, datetime):
        if at is None:
            return moment
        moment = to_local(moment, zone).date()
    assert isinstance(moment, date)
    return _at(moment, at.value if at else time(), zone)


def _at(day: date, at: time, zone: str) -> datetime:
    return to_instant(datetime.combine(day, at), zone)


def _instant(found: Any) -> datetime:
    assert isinstance(found, datetime)
    return found
