"""Steps in the local calendar: the start of a unit, and the date some months later.

Local times are datetimes without a zone. The caller converts the result to an instant (S4). The
same steps in SQL, for many zones at once, are in `cij.compiler.sql.moments`.
"""

from calendar import monthrange
from datetime import datetime, time, timedelta

MONTHS = {"month": 1, "year": 12}
DAYS = {"day": 1, "week": 7}


def start_of(unit: str, local: datetime) -> datetime:
    """Return the midnight at which the day, week, month or year of a local time began."""
    day = datetime.combine(local.date(), time())
    if unit == "week":
        return day - timedelta(days=day.weekday())
    if unit == "month":
        return day.replace(day=1)
    return day.replace(month=1, day=1) if unit == "year" else day


def plus_months(local: datetime, months: int) -> datetime:
    """Return the same day and time `months` later, or earlier where negative.

    In a shorter month it is the last day (S2).
    """
    count = local.year * 12 + local.month - 1 + months
    first = local.replace(year=count // 12, month=count % 12 + 1, day=1)
    return on_day(first, local.day)


def on_day(local: datetime, day: int) -> datetime:
    """Return the same time on a day of its month; in a shorter month on the last day."""
    return local.replace(day=min(day, monthrange(local.year, local.month)[1]))


def plus(unit: str, local: datetime, count: int = 1) -> datetime:
    """Return the local time `count` days, weeks, months or years later."""
    if unit in MONTHS:
        return plus_months(local, count * MONTHS[unit])
    return local + timedelta(days=count * DAYS[unit])
