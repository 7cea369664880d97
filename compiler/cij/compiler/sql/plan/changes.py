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
from cij.compiler.sql.condition import column, to_instant, to_local
from cij.compiler.sql.template import Statement, fill, query

_HOUR_S, _DAY_S = 3600, 86400
# No zone has changed its offset by more at once; with room to spare.
_SHIFT_S = 3 * _HOUR_S

# Lower and upper bounds of the length of a month, with room for the end of February.
_MONTH_S = (28 * _DAY_S - 4 * _DAY_S, 31 * _DAY_S + 4 * _DAY_S)

_FAR = """
SELECT MIN(e.at) + {early} * INTERVAL '1' SECOND AS at FROM {events} AS e
WHERE e.at > $now - {early} * INTERVAL '1' SECOND
"""

_NEAR = """
SELECT MIN(CASE WHEN {is_plain} THEN {exact} ELSE $now END) AS at
FROM {events} AS e JOIN customer AS c ON c.id = e.customer
WHERE e.at <= $now - {early} * INTERVAL '1' SECOND AND e.at > $now - {late} * INTERVAL '1' SECOND
  AND ({exact} > $now OR NOT {is_plain})
"""

_MIDNIGHT = """
SELECT MIN({midnight}) AS at FROM (SELECT DISTINCT c.zone FROM customer AS c) AS z
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
            found.append(_midnight())
        if isinstance(part, ex.Aggregate) and isinstance(part.window, ex.Last):
            found += _window(part.event, part.window.period)
    if not found:
        return None
    rows = found[0]
    for other in found[1:]:
        rows = exp.union(rows, other, distinct=False, copy=False)
    return query("SELECT MIN(q.at) FROM {rows} AS q", rows=rows)


def _midnight() -> exp.Expr:
    zone = column("z", "zone")
    today = fill("CAST({local} AS DATE)", local=to_local(fill("$now"), zone))
    tomorrow = fill("CAST({today} + INTERVAL '1' DAY AS TIMESTAMP)", today=today)
    return fill(_MIDNIGHT, midnight=to_instant(tomorrow, zone))


def _window(event: str, period: ex.Period) -> list[exp.Expr]:
    """Return the queries for events that will leave a window, and for those about to."""
    events = f"event_{event}"
    if moments.is_elapsed(period):
        return [fill(_FAR, events=events, early=exp.convert(moments.seconds(period)))]
    step = moments.of_period(period)
    early = step.days * _DAY_S - _SHIFT_S + step.months * _MONTH_S[0]
    late = step.days * _DAY_S + _SHIFT_S + step.months * _MONTH_S[1]
    holes: dict[str, exp.Expr | str] = {"events": events, "early": exp.convert(early)}
    far, near = fill(_FAR, **holes), fill(_NEAR, late=exp.convert(late), **holes, **_exact(step))
    return [far, near]


def _exact(step: moments.Moment) -> dict[str, exp.Expr]:
    """Return the instant at which an event leaves, and whether that can be relied on.

    Across a change of the clock, at a time that occurs twice, or in months it cannot.
    """
    at, zone = column("e", "at"), column("c", "zone")
    if step.months:
        return {"exact": fill("$now"), "is_plain": exp.false()}
    local = to_local(at, zone)
    days = exp.convert(step.days)
    exact = to_instant(fill("{a} + {d} * INTERVAL '1' DAY", a=local, d=days), zone)
    is_plain = fill(
        "({exact} = {at} + {d} * INTERVAL '1' DAY AND {same} = {at})",
        exact=exact,
        at=at,
        d=days,
        same=to_instant(local, zone),
    )
    return {"exact": exact, "is_plain": is_plain}
