"""Times of a story: local to the project's zone, with minutes."""

from calendar import monthrange
from datetime import datetime, timedelta

from cij.compiler.expression import ELAPSED_S, Period
from cij.runtime import zones

_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "year": 12}


def shown(at: datetime, zone: str) -> str:
    """Return `2026-03-02 10:00`."""
    return zones.to_local(at, zone).strftime("%Y-%m-%d %H:%M")


def instant(local: str, zone: str) -> datetime:
    """Return the instant of a local time. S4 decides where it is skipped or repeated."""
    return zones.to_instant(datetime.fromisoformat(local), zone)


def later(at: datetime, period: Period, zone: str) -> datetime:
    """Return the instant one period after `at`: elapsed time, or a calendar step in the
    zone (S2), or one after the other."""
    elapsed_s = sum(count * ELAPSED_S.get(unit, 0) for count, unit in period.lengths)
    if period.unit in ELAPSED_S:
        return at + timedelta(seconds=elapsed_s)
    return _on_calendar(at, period, zone) + timedelta(seconds=elapsed_s)


def _on_calendar(at: datetime, period: Period, zone: str) -> datetime:
    stepped = zones.to_local(at, zone)
    for count, unit in period.lengths:
        stepped = _add_months(stepped, count * _MONTHS.get(unit, 0))
        stepped += timedelta(days=count * _DAYS.get(unit, 0))
    # A local time that occurs twice means the first (S4). From inside the second occurrence that
    # would be a step backwards.
    return max(zones.to_instant(stepped, zone), at)


def _add_months(local: datetime, count: int) -> datetime:
    year, month = divmod(local.year * 12 + local.month - 1 + count, 12)
    last = monthrange(year, month + 1)[1]
    return local.replace(year=year, month=month + 1, day=min(local.day, last))
