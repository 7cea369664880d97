"""When time alone can change the members of a segment, so that virtual time can jump to that
instant.

An event leaves `within last D` one D after it happened, and `today()` changes at midnight. Where
the instant is not known exactly, the answer is "at once". The segment is then evaluated at its own
interval, as in a live run.
"""

from collections.abc import Sequence

from pydantic import BaseModel
from sqlglot import exp

from cij.compiler import expression as ex
from cij.compiler.sql import moments
from cij.compiler.sql.template import Statement, fill, query

# How far the end of a window may be from the sum in UTC: by a change of the offset of a zone, and by
# the different lengths of months. A zone that crosses the date line shifts by 24 hours, such as
# Pacific/Apia in 2011; no zone ever shifted by more.
_SHIFT_S = 25 * 3600
_MONTH_SHIFT_S = 4 * 86400
# How far local time may be from UTC, with room for a change of the clock.
_OFFSET_S = 18 * 3600

_END = "e.at + {months} * INTERVAL '1' MONTH + {days} * INTERVAL '1' DAY + {elapsed} * INTERVAL '1' SECOND"

_FAR = """
SELECT MIN({end}) - {margin} * INTERVAL '1' SECOND AS at FROM {events} AS e
WHERE {end} > $now + {margin} * INTERVAL '1' SECOND
"""

# `z` is the period of the zone in which the event happened, `y` the one in which its window ends.
# The end is exact where the local time of the event occurs once, no change of the clock follows
# soon, and every month has the day.
_NEAR = """
SELECT MIN(CASE WHEN q.is_sure THEN q.at ELSE $now END) AS at
FROM (
  SELECT GREATEST(w.target - y.offset_s * INTERVAL '1' SECOND, y.utc_from)
      + {elapsed} * INTERVAL '1' SECOND AS at,
    w.is_sure AND y.utc_to > w.target + {shift} * INTERVAL '1' SECOND AS is_sure
  FROM (
    SELECT v.zone, v.local >= v.local_from AND v.local < v.local_to
        AND ({months} = 0 OR EXTRACT(DAY FROM v.local) < 28) AS is_sure,
      v.local + {months} * INTERVAL '1' MONTH + {days} * INTERVAL '1' DAY AS target
    FROM (
      SELECT c.zone, z.local_from, z.local_to, e.at + z.offset_s * INTERVAL '1' SECOND AS local
      FROM {events} AS e
      JOIN customer AS c ON c.id = e.customer
      JOIN zone AS z ON z.name = c.zone AND e.at >= z.utc_from AND e.at < z.utc_to
      WHERE {end} <= $now + {margin} * INTERVAL '1' SECOND
        AND {end} > $now - {margin} * INTERVAL '1' SECOND
    ) AS v
  ) AS w
  JOIN zone AS y ON y.name = w.zone AND w.target >= y.local_from AND w.target < y.local_to
) AS q
WHERE q.at > $now OR NOT q.is_sure
"""

_ELAPSED = """
SELECT MIN(e.at) + {length} * INTERVAL '1' SECOND AS at FROM {events} AS e
WHERE e.at > $now - {length} * INTERVAL '1' SECOND
"""

_MIDNIGHT = """
SELECT MIN(GREATEST(q.target - y.offset_s * INTERVAL '1' SECOND, y.utc_from)) AS at
FROM (
  SELECT z.name,
    CAST(CAST($now + z.offset_s * INTERVAL '1' SECOND AS DATE) + INTERVAL '1' DAY AS TIMESTAMP)
      AS target
  FROM zone AS z
  WHERE $now >= z.utc_from AND $now < z.utc_to AND z.name IN (SELECT c.zone FROM customer AS c)
) AS q
JOIN zone AS y ON y.name = q.name AND q.target >= y.local_from AND q.target < y.local_to
"""


# What lies beyond the last year of ISO 8601 never comes, and Python has no such instant.
_FIRST = """
SELECT MIN(q.at) FROM {rows} AS q WHERE q.at < CAST('9999-12-31 00:00:00' AS TIMESTAMP)
"""


def next_change(inside: Sequence[BaseModel]) -> Statement | None:
    """Return the query for the first instant after `now` at which time may change a condition.

    `inside` are all parts of the condition (`deep_parts`). Shape: one row, one column. Null means
    never; an instant that is not after `now` means at any time. The result is None where no query
    can answer.
    """
    found: list[exp.Expr] = []
    for part in inside:
        if isinstance(part, ex.Now):
            # A comparison with `now` may change at any instant.
            return None
        if isinstance(part, ex.Today):
            found.append(fill(_MIDNIGHT))
        if isinstance(part, ex.Aggregate) and isinstance(part.window, ex.Last):
            found += _window(part.event, part.window.period)
    if not found:
        return None
    rows = found[0]
    for other in found[1:]:
        rows = exp.union(rows, other, distinct=False, copy=False)
    return query(_FIRST, rows=rows)


def _window(event: str, period: ex.Period) -> list[exp.Expr]:
    """Return the queries for the first event that leaves a window.

    Events whose end is far away are bounded by the sum in UTC, which is cheap. Only the few whose
    end is near are computed in their zone.
    """
    events = f"event_{event}"
    if moments.is_elapsed(period):
        return [fill(_ELAPSED, events=events, length=exp.convert(moments.seconds(period)))]
    step = moments.of_period(period)
    months, days = exp.convert(step.months), exp.convert(step.days)
    elapsed = exp.convert(step.elapsed_s)
    holes: dict[str, exp.Expr | str] = {
        "events": events,
        "end": fill(_END, months=months, days=days, elapsed=elapsed),
        "margin": exp.convert(_MONTH_SHIFT_S if step.months else _SHIFT_S),
    }
    holes_near = {"months": months, "days": days, "elapsed": elapsed, **holes}
    near = fill(_NEAR, shift=exp.convert(_OFFSET_S), **holes_near)
    return [fill(_FAR, **holes), near]
