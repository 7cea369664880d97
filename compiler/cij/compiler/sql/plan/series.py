"""Series: a wait of months that a loop repeats counts from the first date of the series (S2).

    series(passage, state, day, ends, at)   the wait at `state` wants `day`, but the month is shorter

A wait from 31 January ends on 28 February. If the same wait begins again on that day, it goes on from
the 31st. So only waits that ended on another day than they wanted have a row. Where an iteration takes
longer, the next wait begins on a later day, and a new series begins with it.
"""

from collections.abc import Iterable

from sqlglot import exp

from cij.compiler import program as pg
from cij.compiler.sql import moments
from cij.compiler.sql.condition import column, to_local, zone_of
from cij.compiler.sql.interning import numbered
from cij.compiler.sql.plan.context import Context, in_numbers
from cij.compiler.sql.plan.regions import Leaf
from cij.compiler.sql.template import Statement, fill, query
from cij.compiler.verify import targets

# A month may lack these days. All months have the others.
_LATE_DAYS = (29, 30, 31)


def series_of(journey: pg.Journey) -> frozenset[str]:
    """Return the ids of the waits of a journey that make a series."""
    found = [s for s in journey.states if isinstance(s, pg.WaitState) and step_of(s) is not None]
    if not found:
        # Most journeys have none, and need no walk.
        return frozenset()
    ways = {s.id: targets(s) for s in journey.states}
    return frozenset(s.id for s in found if s.id in _reached(ways[s.id], ways))


def step_of(state: pg.WaitState) -> moments.Moment | None:
    """Return the step of a wait of months or years; None for other waits.

    A wait of months and more goes on from where it ended: `1 month 3 days` has no day to come back to.
    """
    moment = moments.of_timer(state.timer)
    if moment is None or moment.days or moment.elapsed_s:
        return None
    return moment if moment.months else None


def _reached(start: Iterable[str], ways: dict[str, tuple[str, ...]]) -> set[str]:
    found, ahead = set[str](), [*start]
    while ahead:
        state = ahead.pop()
        if state not in found:
            found.add(state)
            ahead += ways[state]
    return found


def moments_of_series(journey: pg.Journey) -> list[moments.Moment]:
    """Return the steps that the series of a journey may need besides those of single waits."""
    series = series_of(journey)
    steps = [step_of(s) for s in journey.states if isinstance(s, pg.WaitState) and s.id in series]
    return [_wanting(day, step) for step in steps if step for day in _LATE_DAYS]


def _wanting(day: int, step: moments.Moment) -> moments.Moment:
    return moments.Moment(step.months, step.days, step.at, day=day)


def due_in_series(leaf: Leaf, step: moments.Moment, zone: exp.Expr, begins: exp.Expr) -> exp.Expr:
    """Return the instant of a step from `begins`, for the row `q` with the columns of `add_days`."""
    name = f"series_{leaf.number}"
    kept = {"ends": column("q", f"{name}_ends"), "day": column("q", name)}
    case = exp.Case(this=fill(_DAY, now=moments.local_now(zone, begins), **kept))
    for late in _LATE_DAYS:
        due = moments.instant(_wanting(late, step), zone, begins)
        case = case.when(exp.convert(late), due, copy=False)
    return case.else_(moments.instant(step, zone, begins), copy=False)


def add_days(rows: exp.Select, rests: list[Leaf], context: Context) -> None:
    """Add the columns `series_N` and `series_N_ends` to `rows`: what is kept for the wait of leaf N."""
    for leaf in _in_series(rests, context):
        name = f"series_{leaf.number}"
        _join(rows, leaf, name, "w")
        for kept, shown in (("day", name), ("ends", f"{name}_ends")):
            rows.append("expressions", exp.alias_(column(name, kept), shown, quoted=True))


# The day that a wait goes on from; null where it begins on another date than the one before ended.
_DAY = "CASE WHEN {ends} = CAST({now} AS DATE) THEN {day} END"


def _join(rows: exp.Select, leaf: Leaf, name: str, of: str) -> None:
    join = fill(
        "SELECT 1 FROM x LEFT JOIN series AS {s} ON {passage} = {of} AND {state} = {rest}",
        s=name,
        passage=column(name, "passage"),
        of=column(of, "passage"),
        state=column(name, "state"),
        rest=numbered(leaf.final.id),
    )
    rows.append("joins", join.args["joins"][0].copy())


def _in_series(rests: list[Leaf], context: Context) -> list[Leaf]:
    series = series_of(context.journey)
    return [leaf for leaf in rests if leaf.final.id in series]


# --- what is kept -----------------------------------------------------------------------------

_NOTE = """
SELECT m.passage, m.acted_at, m.wake_at, {zone} AS zone,
  COALESCE({kept}, EXTRACT(DAY FROM {now})) AS day
FROM tick_batch AS m
JOIN customer AS c ON c.id = m.customer
WHERE {leaves}
"""
_KEEP = """
INSERT INTO series (passage, state, day, ends, at)
SELECT n.passage, {state}, n.day, CAST({ends} AS DATE), n.acted_at
FROM {noted} AS n
WHERE EXTRACT(DAY FROM {ends}) < n.day AND n.day >= 29
"""
# What was kept for the wait before, or for a passage that has ended.
_FORGET = """
DELETE FROM series
WHERE {which} AND EXISTS(
  SELECT 1 FROM tick_batch AS m
  WHERE m.passage = series.passage AND series.at < m.acted_at AND {leaves}
)
"""


def kept_series(rests: list[Leaf], ends: list[int], context: Context) -> list[Statement]:
    """Return the statements that keep the days which waits want, and forget those of before.

    `ends` are the numbers of the leaves at which a passage ends.
    """
    found: list[Statement] = []
    for leaf in _in_series(rests, context):
        state = numbered(leaf.final.id)
        found.append(_keep(leaf, state, context))
        found.append(_forget(fill("series.state = {s}", s=state), [leaf.number]))
    if ends and series_of(context.journey):
        found.append(_forget(exp.true(), ends))
    return found


def _keep(leaf: Leaf, state: exp.Expr, context: Context) -> Statement:
    zone, name = zone_of(context.scope), f"series_{leaf.number}"
    now = to_local(column("m", "acted_at"), zone)
    noted = fill(
        _NOTE,
        kept=fill(_DAY, ends=column(name, "ends"), day=column(name, "day"), now=now.copy()),
        now=now,
        zone=zone.copy(),
        leaves=_at([leaf.number]),
    )
    assert isinstance(noted, exp.Select)
    _join(noted, leaf, name, "m")
    ends = to_local(column("n", "wake_at"), column("n", "zone"))
    return query(_KEEP, state=state.copy(), ends=ends, noted=noted)


def _forget(which: exp.Expr, leaves: list[int]) -> Statement:
    return query(_FORGET, which=which, leaves=_at(leaves))


def _at(leaves: list[int]) -> exp.Expr:
    return in_numbers(exp.column("leaf", "m", quoted=True), leaves)
