"""Calendar instants: instants that depend only on now and on a zone.

`now - 90 days`, `in 1 day at 09:00` and `next monday at 09:00` differ only by zone. So a tick
computes them once for each zone in use, into the table `moment(zone, as_of, name, at)`, and statements
read it. A row that has an instant of its own (S12) reads the steps from that instant, so the table
has `as_of`, the instant from which a step counts. S2 and S4 are implemented here and in `zones.py`, so every engine has the same result.
"""

from dataclasses import dataclass
from functools import lru_cache

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

    `at` is a local time of day. `weekday` is 1 for Monday to 7 for Sunday.
    """

    months: int = 0
    days: int = 0
    at: str | None = None
    weekday: int | None = None
    floor: str | None = None

    @property
    def name(self) -> str:
        """The key in the table.

        It is made of the fields, so equal steps of all journeys share a row.
        """
        parts = [f"{self.months} months" * bool(self.months), f"{self.days} days" * bool(self.days)]
        parts.append(f"weekday {self.weekday}" if self.weekday else "")
        parts.append(f"at {self.at}" if self.at else "")
        parts.append(f"of {self.floor}" if self.floor else "")
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


def instant(moment: Moment, zone: exp.Expr, as_of: exp.Expr) -> exp.Expr:
    """Return the expression for a moment, counted from the instant `as_of`, in the zone that `zone`
    names."""
    return _looked_up(moment.name, zone, as_of)


def local_now(zone: exp.Expr, as_of: exp.Expr) -> exp.Expr:
    """Return the local date and time in a zone at the instant `as_of`."""
    return _looked_up(LOCAL_NOW, zone, as_of)


def _looked_up(name: str, zone: exp.Expr, as_of: exp.Expr) -> exp.Expr:
    return fill(
        "(SELECT moment.at FROM moment "
        "WHERE moment.zone = {zone} AND moment.name = {name} AND moment.as_of = {as_of})",
        zone=zone,
        name=exp.Literal.string(name),
        as_of=as_of,
    )


DDL = (
    query("CREATE TABLE IF NOT EXISTS moment (zone VARCHAR, name VARCHAR, at TIMESTAMP)"),
    # A store may be older than this column.
    query("ALTER TABLE moment ADD COLUMN IF NOT EXISTS as_of TIMESTAMP"),
    query(
        "CREATE TABLE IF NOT EXISTS moment_rule "
        "(name VARCHAR, months INTEGER, days INTEGER, at_time TIME, weekday INTEGER, "
        "floor VARCHAR)"
    ),
    # A store may be older than this column.
    query("ALTER TABLE moment_rule ADD COLUMN IF NOT EXISTS floor VARCHAR"),
)

CLEAR = query("DELETE FROM moment")
CLEAR_RULES = query("DELETE FROM moment_rule")

# `target` is a local time of day on the target day. `later` is the next such day, for when `target`
# is not after now. Weekdays are counted from 2001-01-01, a Monday, because functions for weekdays
# differ between engines and the difference of dates does not.
_TARGET = """
SELECT l.zone, l.as_of, l.name,
  CASE WHEN l.at_time IS NULL THEN l.stepped ELSE l.on_day END AS target,
  CASE WHEN l.at_time IS NULL OR NOT l.forward THEN l.stepped
    ELSE l.on_day + l.again * INTERVAL '1' DAY END AS later,
  NOT l.at_time IS NULL AND l.forward AS is_forward
FROM (
  SELECT s.zone, s.as_of, s.name, s.at_time, s.stepped,
    s.months >= 0 AND s.days >= 0 AS forward,
    CASE WHEN s.weekday IS NULL THEN 1 ELSE 7 END AS again,
    CAST(s.stepped AS DATE) + s.at_time + CASE
      WHEN s.weekday IS NULL THEN 0
      ELSE (s.weekday - 1 - (CAST(s.stepped AS DATE) - CAST('2001-01-01' AS DATE)) % 7 + 7) % 7
    END * INTERVAL '1' DAY AS on_day
  FROM (
    SELECT z.name AS zone, i.as_of, r.name, r.at_time, r.weekday, r.months, r.days,
      CASE r.floor
        WHEN 'day' THEN DATE_TRUNC('day', i.as_of + z.offset_s * INTERVAL '1' SECOND)
        WHEN 'week' THEN DATE_TRUNC('week', i.as_of + z.offset_s * INTERVAL '1' SECOND)
        WHEN 'month' THEN DATE_TRUNC('month', i.as_of + z.offset_s * INTERVAL '1' SECOND)
        WHEN 'year' THEN DATE_TRUNC('year', i.as_of + z.offset_s * INTERVAL '1' SECOND)
        ELSE i.as_of + z.offset_s * INTERVAL '1' SECOND
      END + r.months * INTERVAL '1' MONTH + r.days * INTERVAL '1' DAY AS stepped
    FROM tick_instant AS i
    JOIN zone AS z ON i.as_of >= z.utc_from AND i.as_of < z.utc_to
    CROSS JOIN moment_rule AS r
  ) AS s
) AS l
"""

# The instants from which steps are counted. An author's `now` is one of them (S12).
# The first one is the instant of the tick.
BEGIN_INSTANTS = query(
    "CREATE OR REPLACE TEMPORARY TABLE tick_instant AS SELECT CAST($instant AS TIMESTAMP) AS as_of"
)

# Instants are compared and not local times, because a local time that occurs twice has no order
# with now.
FILL: Statement = query(
    """
INSERT INTO moment (zone, as_of, name, at)
SELECT f.zone, f.as_of, f.name, CASE WHEN f.is_forward AND f.first <= f.as_of THEN f.second ELSE f.first END
FROM (
  SELECT t.zone, t.as_of, t.name, t.is_forward,
    GREATEST(t.target - z.offset_s * INTERVAL '1' SECOND, z.utc_from) AS first,
    GREATEST(t.later - y.offset_s * INTERVAL '1' SECOND, y.utc_from) AS second
  FROM {targets} AS t
  JOIN zone AS z ON z.name = t.zone AND t.target >= z.local_from AND t.target < z.local_to
  JOIN zone AS y ON y.name = t.zone AND t.later >= y.local_from AND t.later < y.local_to
) AS f
UNION ALL
SELECT z.name, i.as_of, 'local', i.as_of + z.offset_s * INTERVAL '1' SECOND
FROM tick_instant AS i JOIN zone AS z ON i.as_of >= z.utc_from AND i.as_of < z.utc_to
""",
    targets=fill(_TARGET),
)


@lru_cache(maxsize=8)
def note_instants(table: str) -> Statement:
    """Return the statement that adds the own instants of the rows of a scratch table to
    `tick_instant`."""
    return query(
        "INSERT INTO tick_instant (as_of) SELECT DISTINCT t.as_of FROM {t} AS t "
        "WHERE NOT t.as_of IN (SELECT i.as_of FROM tick_instant AS i)",
        t=table,
    )


NOTE_INSTANT = query("INSERT INTO tick_instant (as_of) VALUES ($instant)")


def add_rule(moment: Moment) -> Statement:
    """Return the statement that adds `moment` to the rules, so that each tick computes it."""
    return query(
        "INSERT INTO moment_rule (name, months, days, at_time, weekday, floor) "
        "VALUES ({name}, {months}, {days}, {at}, {weekday}, {floor})",
        name=exp.Literal.string(moment.name),
        months=exp.convert(moment.months),
        days=exp.convert(moment.days),
        at=exp.convert(moment.at),
        weekday=exp.convert(moment.weekday),
        floor=exp.convert(moment.floor),
    )
