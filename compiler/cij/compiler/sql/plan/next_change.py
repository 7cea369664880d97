"""When the passing of time alone can change who is in a segment: for virtual time to jump there.

An event leaves `within last D` one D after it happened, and `today()` changes at midnight. Where
that instant cannot be told exactly, the answer is "at once", and the segment is looked at again at
its own interval, as it is live.
"""

from collections.abc import Sequence

from pydantic import BaseModel
from sqlglot import exp

from cij.compiler import expression as ex
from cij.compiler.sql import moments
from cij.compiler.sql.template import Statement, fill, query

# How far the end of a window may be from the plain sum: no zone has ever changed its offset by
# more at once, and no month is shorter by more days. With room to spare.
_SHIFT_S = 3 * 3600
_MONTH_SHIFT_S = 4 * 86400

_END = "e.at + {months} * INTERVAL '1' MONTH + {days} * INTERVAL '1' DAY"

_FAR = """
SELECT MIN({end}) - {margin} * INTERVAL '1' SECOND AS at FROM {events} AS e
WHERE {end} > $now + {margin} * INTERVAL '1' SECOND
"""

# `z` is the period of the zone in which the event happened, `y` that in which its window ends. The
# end is sure where the event's local time occurs once, no change of the clock comes right after,
# and the day is in every month.
_NEAR = """
SELECT MIN(CASE WHEN q.is_sure THEN q.at ELSE $now END) AS at
FROM (
  SELECT GREATEST(w.target - y.offset_s * INTERVAL '1' SECOND, y.utc_from) AS at,
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


def next_change(inside: Sequence[BaseModel]) -> Statement | None:
    """Return the query for the first instant after `now` at which time may change a condition.

    `inside` are its parts. One row, one column; null for never. An instant that is not after `now`
    means: at any time. None where nothing can be told.
    """
    found: list[exp.Expr] = []
    for part in inside:
        if isinstance(part, ex.Now):
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
    return query("SELECT MIN(q.at) FROM {rows} AS q", rows=rows)


def _window(event: str, period: ex.Period) -> list[exp.Expr]:
    """Return the queries for events that will leave a window, and for those about to."""
    events = f"event_{event}"
    if moments.is_elapsed(period):
        return [fill(_ELAPSED, events=events, length=exp.convert(moments.seconds(period)))]
    step = moments.of_period(period)
    months, days = exp.convert(step.months), exp.convert(step.days)
    holes: dict[str, exp.Expr | str] = {
        "events": events,
        "end": fill(_END, months=months, days=days),
        "margin": exp.convert(_MONTH_SHIFT_S if step.months else _SHIFT_S),
    }
    near = fill(_NEAR, months=months, days=days, shift=exp.convert(_SHIFT_S * 6), **holes)
    return [fill(_FAR, **holes), near]
