"""The local calendar of a journey: the instants of its entries, and the starts of its periods.

Every local time is one instant (S4), also where it is skipped or repeated. So `every day at 02:30`
has one instant on each day.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from cij.compiler.expression import Unit
from cij.compiler.program import Schedule
from cij.runtime.calendar_steps import DAYS, MONTHS, plus, start_of
from cij.runtime.zones import period_at, to_instant, to_local


def next_call(every: Schedule, zone: str, first: datetime, after: datetime | None) -> datetime:
    """Return the first instant of a schedule after `after`; from `first` on where `after` is None.

    `first` is the first instant of the journey. A schedule such as every 2 weeks counts from there.
    """
    start = _first_day(every, zone, first)
    skipped = 0 if after is None else _turns_until(every, start, to_local(after, zone).date())
    # The estimate may be one too high, so the search begins one occurrence earlier.
    for day in _days(every, start, max(skipped - 1, 0)):
        at = _at(day, every, zone)
        if after is None or at > after:
            return at
    raise AssertionError("a calendar has no end")


def _at(day: date, every: Schedule, zone: str) -> datetime:
    return to_instant(datetime.combine(day, time.fromisoformat(every.at)), zone)


def _first_day(every: Schedule, zone: str, first: datetime) -> date:
    day = _aligned(to_local(first, zone).date(), every)
    while _at(day, every, zone) < first:
        day = _aligned(day + timedelta(days=1), every)
    return day


def _aligned(day: date, every: Schedule) -> date:
    """Return the first day from `day` on at which a unit begins."""
    if every.unit == "week":
        return day + timedelta(days=(every.weekday - day.isoweekday()) % 7)
    if every.unit == "month" and day.day > 1:
        return _after(day.replace(day=1), "month", 1)
    if every.unit == "year" and (day.month, day.day) > (1, 1):
        return date(day.year + 1, 1, 1)
    return day


def _days(every: Schedule, start: date, turn: int) -> Iterator[date]:
    while True:
        yield _after(start, every.unit, turn * every.count)
        turn += 1


def _turns_until(every: Schedule, start: date, day: date) -> int:
    """Return the number of occurrences that have begun before `day`, or one less."""
    if every.unit in MONTHS:
        months = (day.year - start.year) * 12 + day.month - start.month
        return months // (every.count * MONTHS[every.unit])
    return (day - start).days // (every.count * DAYS[every.unit])


def _after(day: date, unit: str, count: int) -> date:
    return plus(unit, datetime.combine(day, time()), count).date()


# --- periods ----------------------------------------------------------------------------------

_SHORT = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
}


def period_start(unit: Unit, zone: str, now: datetime) -> datetime:
    """Return the instant at which the current unit of the local calendar began.

    An hour that occurs twice is two hours. An hour in which the clock changes begins again at the
    change.
    """
    if unit in _SHORT:
        return max(_short_start(unit, zone, now), period_at(now, zone).utc_from)
    return min(to_instant(start_of(unit, to_local(now, zone)), zone), now)


def next_period(unit: Unit, zone: str, now: datetime) -> datetime:
    """Return the instant, later than `now`, at which the next unit of the local calendar begins."""
    if unit in _SHORT:
        after = _short_start(unit, zone, now) + _SHORT[unit]
        return min(after, period_at(now, zone).utc_to)
    local = to_local(now, zone)
    after = to_instant(plus(unit, start_of(unit, local)), zone)
    if after > now:
        return after
    # Inside a day that occurs twice, the next day begins after its second occurrence.
    later = plus(unit, local)
    return to_instant(start_of("day", later) if unit in MONTHS else later, zone)


def _short_start(unit: Unit, zone: str, now: datetime) -> datetime:
    """Return the start of the hour, minute or second, if the clock has not changed since."""
    return now - (to_local(now, zone) - datetime.min) % _SHORT[unit]
