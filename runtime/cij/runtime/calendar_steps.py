"""Steps in the local calendar: where a unit begins, and the date some months on.

Local times are naive; what a step means in a zone with changing clocks is for the caller (S4). The
form in SQL, for many zones at once, is in `cij.compiler.sql.moments`.
"""

from calendar import monthrange
from datetime import datetime, time, timedelta

MONTHS = {"month": 1, "year": 12}
DAYS = {"day": 1, "week": 7}


def start_of(unit: str, local: datetime) -> datetime:
    """Return the midnight with which the day, week, month or year began that holds a local time."""
    day = datetime.combine(local.date(), time())
    if unit == "week":
        return day - timedelta(days=day.weekday())
    if unit == "month":
        return day.replace(day=1)
    return day.replace(month=1, day=1) if unit == "year" else day


def plus_months(local: datetime, months: int) -> datetime:
    """Return the same day and time some months later or earlier, or the last day of a shorter month."""
    count = local.year * 12 + local.month - 1 + months
    year, month = count // 12, count % 12 + 1
    day = min(local.day, monthrange(year, month)[1])
    return local.replace(year=year, month=month, day=day)


def plus(unit: str, local: datetime, count: int = 1) -> datetime:
    """Return the local time `count` days, weeks, months or years later."""
    if unit in MONTHS:
        return plus_months(local, count * MONTHS[unit])
    return local + timedelta(days=count * DAYS[unit])
