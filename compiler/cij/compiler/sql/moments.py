"""Calendar instants: instants that depend only on now and on a zone.

`now - 90 days`, `in 1 day at 09:00` and `next monday at 09:00` differ only by zone. So a tick
computes them once for each zone in use, into the table `moment(zone, name, at)`, and all statements
read it. S2 and S4 are implemented here and in `zones.py`, so every engine has the same result.
"""

from dataclasses import dataclass

from sqlglot import exp

from cij.compiler.expression import Period
from cij.compiler.program import AfterPeriod, Timer, UntilWeekday
from cij.compiler.sql.template import Statement, fill, query

_ELAPSED_S = {"second": 1, "minute": 60, "hour": 3600}
_MONTHS = {"month": 1, "year": 12}
_DAYS = {"day": 1, "week": 7}


@dataclass(frozen=True, slots=True)
class Moment:
    """A calendar step from now, or from the beginning of the day, week, month or year (`floor`).

    `at` is a local time of day. `weekday` is 1 for Monday to 7 for Sunday. `day` is the day of the
    month, where it is not that of now; in a shorter month it is the last day.
    """

    months: int = 0
    days: int = 0
    at: str | None = None
    weekday: int | None = None
    floor: str | None = None
    day: int | None = None

    @property
    def name(self) -> str:
        """The key in the table.

        It is made of the fields, so equal steps of all journeys share a row.
        """
        parts = [f"{self.months} months" * bool(self.months), f"{self.days} days" * bool(self.days)]
        parts.append(f"weekday {self.weekday}" if self.weekday else "")
        parts.append(f"at {self.at}" if self.at else "")
        parts.append(f"of {self.floor}" if self.floor else "")
        parts.append(f"on {self.day}" if self.day else "")
        return " ".join(p for p in parts if p) or "now"


LOCAL_NOW = "local"
# The table of calendar instants.
MOMENT = "moment"


def is_elapsed(period: Period) -> bool:
    """Tell whether a period is elapsed time, which has the same length in every zone (S2)."""
    return period.unit in _ELAPSED_S


def seconds(period: Period) -> int:
    """Return the length of an elapsed period in seconds."""
    return period.count * _ELAPSED_S[period.unit]


def most_seconds(period: Period) -> int:
    """Return a length in seconds that the period never exceeds, in any zone at any time of the
    year."""
    if is_elapsed(period):
        return seconds(period)
    days = period.count * (31 * _MONTHS.get(period.unit, 0) + _DAYS.get(period.unit, 0))
    # A change of the clock adds at most a day: that of a zone which crosses the date line.
    return (days + 1) * 86400


def of_period(period: Period, *, sign: int = 1, at: str | None = None) -> Moment:
    """Return the moment one calendar period after now, or before now with sign -1."""
    months = sign * period.count * _MONTHS.get(period.unit, 0)
    days = sign * period.count * _DAYS.get(period.unit, 0)
    return Moment(months, days, at)


def of_calendar(period: Period, *, is_next: bool) -> Moment:
    """Return the beginning of the current calendar day, week, month or year, or of the next one."""
    start = of_period(period) if is_next else Moment()
    return Moment(start.months, start.days, floor=period.unit)


def of_timer(timer: Timer) -> Moment | None:
    """Return the moment of a timer; None where it is elapsed time or depends on the customer."""
    if isinstance(timer, UntilWeekday):
        return Moment(at=timer.at, weekday=timer.weekday)
    if isinstance(timer, AfterPeriod) and not (is_elapsed(timer.period) and timer.at is None):
        return of_period(timer.period, at=timer.at)
    return None


def instant(moment: Moment, zone: exp.Expr) -> exp.Expr:
    """Return the expression for a moment in the zone that `zone`, an expression, names."""
    return fill(
        "(SELECT moment.at FROM moment WHERE moment.zone = {zone} AND moment.name = {name})",
        zone=zone,
        name=exp.Literal.string(moment.name),
    )


def local_now(zone: exp.Expr) -> exp.Expr:
    """Return the local date and time in a zone at the instant of the tick."""
    return fill(
        "(SELECT moment.at FROM moment WHERE moment.zone = {zone} AND moment.name = 'local')",
        zone=zone,
    )


DDL = (
    query("CREATE TABLE IF NOT EXISTS moment (zone VARCHAR, name VARCHAR, at TIMESTAMP)"),
    query(
        "CREATE TABLE IF NOT EXISTS moment_rule "
        "(name VARCHAR, months INTEGER, days INTEGER, at_time TIME, weekday INTEGER, "
        "floor VARCHAR, day INTEGER)"
    ),
    # A store may be older than these columns.
    query("ALTER TABLE moment_rule ADD COLUMN IF NOT EXISTS floor VARCHAR"),
    query("ALTER TABLE moment_rule ADD COLUMN IF NOT EXISTS day INTEGER"),
)

CLEAR = query("DELETE FROM moment")
CLEAR_RULES = query("DELETE FROM moment_rule")

# The last day of a month is the day before the first one of the next month. Functions for it differ
# between engines.
_STEPPED = """
CASE WHEN i.day IS NULL THEN i.stepped
  ELSE i.stepped + (LEAST(i.day, EXTRACT(DAY FROM DATE_TRUNC('month', i.stepped)
    + INTERVAL '1' MONTH - INTERVAL '1' DAY)) - EXTRACT(DAY FROM i.stepped)) * INTERVAL '1' DAY
END
"""

# `target` is a local time of day on the target day. `later` is the next such day, for when `target`
# is not after now. Weekdays are counted from 2001-01-01, a Monday, because functions for weekdays
# differ between engines and the difference of dates does not.
_TARGET = """
SELECT l.zone, l.name,
  CASE WHEN l.at_time IS NULL THEN l.stepped ELSE l.on_day END AS target,
  CASE WHEN l.at_time IS NULL OR NOT l.forward THEN l.stepped
    ELSE l.on_day + l.again * INTERVAL '1' DAY END AS later,
  NOT l.at_time IS NULL AND l.forward AS is_forward
FROM (
  SELECT s.zone, s.name, s.at_time, s.stepped,
    s.months >= 0 AND s.days >= 0 AS forward,
    CASE WHEN s.weekday IS NULL THEN 1 ELSE 7 END AS again,
    CAST(s.stepped AS DATE) + s.at_time + CASE
      WHEN s.weekday IS NULL THEN 0
      ELSE (s.weekday - 1 - (CAST(s.stepped AS DATE) - CAST('2001-01-01' AS DATE)) % 7 + 7) % 7
    END * INTERVAL '1' DAY AS on_day
  FROM (
    SELECT i.zone, i.name, i.at_time, i.weekday, i.months, i.days, {stepped} AS stepped
    FROM (
    SELECT z.name AS zone, r.name, r.at_time, r.weekday, r.months, r.days, r.day,
      CASE r.floor
        WHEN 'day' THEN DATE_TRUNC('day', $now + z.offset_s * INTERVAL '1' SECOND)
        WHEN 'week' THEN DATE_TRUNC('week', $now + z.offset_s * INTERVAL '1' SECOND)
        WHEN 'month' THEN DATE_TRUNC('month', $now + z.offset_s * INTERVAL '1' SECOND)
        WHEN 'year' THEN DATE_TRUNC('year', $now + z.offset_s * INTERVAL '1' SECOND)
        ELSE $now + z.offset_s * INTERVAL '1' SECOND
      END + r.months * INTERVAL '1' MONTH + r.days * INTERVAL '1' DAY AS stepped
    FROM zone AS z CROSS JOIN moment_rule AS r
    WHERE $now >= z.utc_from AND $now < z.utc_to
    ) AS i
  ) AS s
) AS l
"""

# Instants are compared and not local times, because a local time that occurs twice has no order
# with now.
FILL: Statement = query(
    """
INSERT INTO moment (zone, name, at)
SELECT f.zone, f.name, CASE WHEN f.is_forward AND f.first <= $now THEN f.second ELSE f.first END
FROM (
  SELECT t.zone, t.name, t.is_forward,
    GREATEST(t.target - z.offset_s * INTERVAL '1' SECOND, z.utc_from) AS first,
    GREATEST(t.later - y.offset_s * INTERVAL '1' SECOND, y.utc_from) AS second
  FROM {targets} AS t
  JOIN zone AS z ON z.name = t.zone AND t.target >= z.local_from AND t.target < z.local_to
  JOIN zone AS y ON y.name = t.zone AND t.later >= y.local_from AND t.later < y.local_to
) AS f
UNION ALL
SELECT z.name, 'local', $now + z.offset_s * INTERVAL '1' SECOND
FROM zone AS z WHERE $now >= z.utc_from AND $now < z.utc_to
""",
    targets=fill(_TARGET, stepped=fill(_STEPPED)),
)


def add_rule(moment: Moment) -> Statement:
    """Return the statement that adds `moment` to the rules, so that each tick computes it."""
    return query(
        "INSERT INTO moment_rule (name, months, days, at_time, weekday, floor, day) "
        "VALUES ({name}, {months}, {days}, {at}, {weekday}, {floor}, {day})",
        name=exp.Literal.string(moment.name),
        months=exp.convert(moment.months),
        days=exp.convert(moment.days),
        at=exp.convert(moment.at),
        weekday=exp.convert(moment.weekday),
        floor=exp.convert(moment.floor),
        day=exp.convert(moment.day),
    )
