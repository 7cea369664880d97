"""Calendar instants: instants that depend only on now and on a zone.

`now - 90 days`, `in 1 day at 09:00` and `next monday at 09:00` differ only by zone. So a tick
computes them once for each zone in use, into the table `moment(zone, as_of, name, at)`, and statements
read it. A row that has an instant of its own (S12) reads the steps from that instant, so the table
has `as_of`, the instant from which a step counts. S2 and S4 are implemented here and in `zones.py`, so every engine has the same result.
"""

from dataclasses import dataclass
from functools import lru_cache

from sqlglot import exp

from cij.compiler.expression import ELAPSED_S, Period
from cij.compiler.program import AfterPeriod, Timer, UntilWeekday
from cij.compiler.sql.template import Statement, fill, query

_MONTHS = {"month": 1, "year": 12}
_DAYS = {"day": 1, "week": 7}


@dataclass(frozen=True, slots=True)
class Moment:
    """A calendar step from now, or from the beginning of the day, week, month or year (`floor`).

    `at` is a local time of day. `weekday` is 1 for Monday to 7 for Sunday. `day` is the day of the
    month, where it is not that of now; in a shorter month it is the last day. `elapsed_s` are seconds
    after the step, or before it where they are negative.
    """

    months: int = 0
    days: int = 0
    at: str | None = None
    weekday: int | None = None
    floor: str | None = None
    day: int | None = None
    elapsed_s: int = 0

    @property
    def is_forward(self) -> bool:
        """Tell whether the step leads to what is not before its start."""
        return self.months >= 0 and self.days >= 0 and self.elapsed_s >= 0

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
        parts.append(f"and {self.elapsed_s} seconds" if self.elapsed_s else "")
        return " ".join(p for p in parts if p) or "now"


LOCAL_NOW = "local"
# The table of calendar instants.
MOMENT = "moment"


def is_elapsed(period: Period) -> bool:
    """Tell whether a period is elapsed time, which has the same length in every zone (S2)."""
    return period.unit in ELAPSED_S


def seconds(period: Period) -> int:
    """Return the length of an elapsed period in seconds."""
    return elapsed_s(period)


def most_seconds(period: Period) -> int:
    """Return a length in seconds that the period never exceeds, in any zone at any time of the
    year."""
    if is_elapsed(period):
        return seconds(period)
    days = sum(n * (31 * _MONTHS.get(unit, 0) + _DAYS.get(unit, 0)) for n, unit in period.lengths)
    # A change of the clock adds at most a day: that of a zone which crosses the date line.
    return (days + 1) * 86400 + elapsed_s(period)


def elapsed_s(period: Period) -> int:
    """Return how many seconds of a period are elapsed time."""
    return sum(count * ELAPSED_S.get(unit, 0) for count, unit in period.lengths)


def of_period(period: Period, *, sign: int = 1, at: str | None = None) -> Moment:
    """Return the moment one calendar period after now, or before now with sign -1."""
    months = sum(sign * count * _MONTHS.get(unit, 0) for count, unit in period.lengths)
    days = sum(sign * count * _DAYS.get(unit, 0) for count, unit in period.lengths)
    return Moment(months, days, at, elapsed_s=sign * elapsed_s(period))


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
        "floor VARCHAR, day INTEGER, elapsed_s BIGINT)"
    ),
    # A store may be older than these columns.
    query("ALTER TABLE moment_rule ADD COLUMN IF NOT EXISTS floor VARCHAR"),
    query("ALTER TABLE moment_rule ADD COLUMN IF NOT EXISTS day INTEGER"),
    query("ALTER TABLE moment_rule ADD COLUMN IF NOT EXISTS elapsed_s BIGINT"),
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

# What goes back begins with its elapsed time, so it has the zone's offset of an earlier instant; `b` has
# these earlier steps, a few different ones.
# `target` is a local time of day on the target day. `later` is the next such day, for when `target`
# is not after now. Weekdays are counted from 2001-01-01, a Monday, because functions for weekdays
# differ between engines and the difference of dates does not.
_TARGET = """
SELECT l.zone, l.as_of, l.name,
  CASE WHEN l.at_time IS NULL THEN l.stepped ELSE l.on_day END AS target,
  CASE WHEN l.at_time IS NULL OR NOT l.forward THEN l.stepped
    ELSE l.on_day + l.again * INTERVAL '1' DAY END AS later,
  NOT l.at_time IS NULL AND l.forward AS is_forward, GREATEST(l.elapsed_s, 0) AS after_s
FROM (
  SELECT s.zone, s.as_of, s.name, s.at_time, s.stepped, s.elapsed_s,
    s.months >= 0 AND s.days >= 0 AS forward,
    CASE WHEN s.weekday IS NULL THEN 1 ELSE 7 END AS again,
    CAST(s.stepped AS DATE) + s.at_time + CASE
      WHEN s.weekday IS NULL THEN 0
      ELSE (s.weekday - 1 - (CAST(s.stepped AS DATE) - CAST('2001-01-01' AS DATE)) % 7 + 7) % 7
    END * INTERVAL '1' DAY AS on_day
  FROM (
    SELECT i.zone, i.as_of, i.name, i.at_time, i.weekday, i.months, i.days, i.elapsed_s,
      {stepped} AS stepped
    FROM (
    SELECT z.name AS zone, t.as_of, r.name, r.at_time, r.weekday, r.months, r.days, r.day,
      r.elapsed_s,
      CASE r.floor
        WHEN 'day' THEN DATE_TRUNC('day', t.start_at + z.offset_s * INTERVAL '1' SECOND)
        WHEN 'week' THEN DATE_TRUNC('week', t.start_at + z.offset_s * INTERVAL '1' SECOND)
        WHEN 'month' THEN DATE_TRUNC('month', t.start_at + z.offset_s * INTERVAL '1' SECOND)
        WHEN 'year' THEN DATE_TRUNC('year', t.start_at + z.offset_s * INTERVAL '1' SECOND)
        ELSE t.start_at + z.offset_s * INTERVAL '1' SECOND
      END + LEAST(r.days, 0) * INTERVAL '1' DAY + r.months * INTERVAL '1' MONTH
        + GREATEST(r.days, 0) * INTERVAL '1' DAY AS stepped
    FROM (
      SELECT n.as_of, b.before_s, n.as_of + b.before_s * INTERVAL '1' SECOND AS start_at
      FROM tick_instant AS n
      CROSS JOIN (SELECT DISTINCT LEAST(COALESCE(d.elapsed_s, 0), 0) AS before_s
        FROM moment_rule AS d) AS b
    ) AS t
    JOIN {near} AS z ON t.start_at >= z.utc_from AND t.start_at < z.utc_to
    JOIN moment_rule AS r ON LEAST(COALESCE(r.elapsed_s, 0), 0) = t.before_s
    ) AS i
  ) AS s
) AS l
"""

# The periods of the zones that the steps of a tick can reach: a few of the hundreds of a zone. No
# engine has an index for an instant between two columns, so a step is compared with each of them. A
# month has at most 31 days; a step to a floor, a weekday or a day of the month moves by at most a
# year more, and a local time differs from its instant by at most a day.
_NEAR = """
(SELECT p.name, p.utc_from, p.utc_to, p.local_from, p.local_to, p.offset_s
FROM zone AS p
CROSS JOIN (SELECT MIN(n.as_of) AS first, MAX(n.as_of) AS last FROM tick_instant AS n) AS i
CROSS JOIN (
  SELECT COALESCE(MIN(LEAST(d.months, 0) * 31 + LEAST(d.days, 0)
      + LEAST(COALESCE(d.elapsed_s, 0), 0) / 86400), 0) - 368 AS back,
    COALESCE(MAX(GREATEST(d.months, 0) * 31 + GREATEST(d.days, 0)), 0) + 368 AS forth
  FROM moment_rule AS d
) AS r
WHERE p.utc_to > i.first + r.back * INTERVAL '1' DAY
  AND p.utc_from < i.last + r.forth * INTERVAL '1' DAY)
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
SELECT f.zone, f.as_of, f.name,
  CASE WHEN f.is_forward AND f.first <= f.as_of THEN f.second ELSE f.first END
    + COALESCE(f.after_s, 0) * INTERVAL '1' SECOND
FROM (
  SELECT t.zone, t.as_of, t.name, t.is_forward, t.after_s,
    GREATEST(t.target - z.offset_s * INTERVAL '1' SECOND, z.utc_from) AS first,
    GREATEST(t.later - y.offset_s * INTERVAL '1' SECOND, y.utc_from) AS second
  FROM {targets} AS t
  JOIN {near} AS z ON z.name = t.zone AND t.target >= z.local_from AND t.target < z.local_to
  JOIN {near} AS y ON y.name = t.zone AND t.later >= y.local_from AND t.later < y.local_to
) AS f
UNION ALL
SELECT z.name, i.as_of, 'local', i.as_of + z.offset_s * INTERVAL '1' SECOND
FROM tick_instant AS i JOIN {near} AS z ON i.as_of >= z.utc_from AND i.as_of < z.utc_to
""",
    targets=fill(_TARGET, stepped=fill(_STEPPED), near=fill(_NEAR)),
    near=fill(_NEAR),
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
        "INSERT INTO moment_rule (name, months, days, at_time, weekday, floor, day, elapsed_s) "
        "VALUES ({name}, {months}, {days}, {at}, {weekday}, {floor}, {day}, {elapsed_s})",
        name=exp.Literal.string(moment.name),
        months=exp.convert(moment.months),
        days=exp.convert(moment.days),
        at=exp.convert(moment.at),
        weekday=exp.convert(moment.weekday),
        floor=exp.convert(moment.floor),
        day=exp.convert(moment.day),
        elapsed_s=exp.convert(moment.elapsed_s),
    )
