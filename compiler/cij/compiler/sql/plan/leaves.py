"""Values that depend on the leaf of a passage: state, iteration, end, and when its timer is due."""

from collections.abc import Sequence, Set as AbstractSet
from dataclasses import replace

from sqlglot import exp

from cij.compiler import program as pg
from cij.compiler.sql import moments
from cij.compiler.sql.condition import column, to_instant, to_local, value, zone_of
from cij.compiler.sql.interning import numbered
from cij.compiler.sql.plan.context import Context, in_numbers, text
from cij.compiler.sql.plan.loops import turn_after
from cij.compiler.sql.plan.regions import Leaf, Region
from cij.compiler.sql.plan.series import due_in_series
from cij.compiler.sql.template import fill


def by_leaf(values: dict[int, exp.Expr]) -> exp.Expr:
    """Return the value for the leaf of the row `m`, as a `CASE`; the value itself where all are
    equal.

    A join with a table of constants would be slower. Where DuckDB estimates `tick_batch` as empty,
    it scans the constants first, and the rows lose their order. An update of rows out of order
    takes DuckDB fifty times as long.
    """
    found = list(values.values())
    if all(tree == found[0] for tree in found):
        return found[0]
    case = exp.Case(this=exp.column("leaf", "m", quoted=True))
    for number, tree in sorted(values.items()):
        case = case.when(exp.Literal.number(number), tree, copy=False)
    return case


def state_of(region: Region) -> exp.Expr:
    """Return the number of the state of a passage at its leaf."""
    return by_leaf({x.number: numbered(x.final.id) for x in region.leaves})


def turn_of(region: Region) -> exp.Expr | None:
    """Return the iteration of a passage at its leaf; None where no path changes it."""
    if not any(leaf.turns for leaf in region.leaves):
        return None
    case = exp.Case(this=exp.column("leaf", "m", quoted=True))
    for leaf in region.leaves:
        if leaf.turns:
            turn = turn_after(column("m", "turn"), leaf.turns)
            case = case.when(exp.Literal.number(leaf.number), turn, copy=False)
    return case.else_(column("m", "turn"), copy=False)


def ending(region: Region) -> dict[str, exp.Expr]:
    """Return the columns that describe an end; none where no path ends.

    Their values are null for paths that lead to a wait.
    """
    ends = {x.number: x.final for x in region.leaves if isinstance(x.final, pg.EndState)}
    inside = {x.number: exp.null() for x in region.leaves if x.number not in ends}
    if not ends:
        return {}
    return {
        "ended_at": by_leaf(inside | {n: fill("m.acted_at") for n in ends}),
        "outcome": by_leaf(inside | {n: numbered(end.outcome) for n, end in ends.items()}),
        "cause": by_leaf(inside | {n: numbered(end.cause) for n, end in ends.items()}),
    }


# --- when the timer is due --------------------------------------------------------------------


def rests_of(region: Region) -> list[Leaf]:
    """Return the leaves that are waits."""
    return [x for x in region.leaves if isinstance(x.final, pg.WaitState) and not x.is_cut]


def acted_at(leaves: Sequence[Leaf]) -> exp.Expr:
    """Return the instant at which the passage of the row `q` takes its path (S12).

    That is its own instant `as_of`. Where something is sent or done on the path it is the real one.
    """
    real = [leaf.number for leaf in leaves if leaf.is_real]
    if not real:
        return exp.column("as_of", "q", quoted=True)
    if len(real) == len(leaves):
        return fill("$now")
    return fill(
        "CASE WHEN {real} THEN $now ELSE q.as_of END",
        real=in_numbers(exp.column("leaf", "q", quoted=True), real),
    )


def wake_at(rests: Sequence[Leaf], series: AbstractSet[str] = frozenset()) -> exp.Expr:
    """Return the instant at which the passage of the row `q` is to wake; null for ends and cuts.

    `q` has the columns `leaf`, `as_of`, `zone` (see `needs_zone`), `until_N` for each leaf N with
    `until`, and those of `series.add_days` for each leaf whose wait is in `series`. A wait counts from
    the instant at which the passage takes its path (`acted_at`).
    """
    if not rests:
        return fill("CAST(NULL AS TIMESTAMP)")
    case = exp.Case(this=exp.column("leaf", "q", quoted=True))
    for leaf in rests:
        assert isinstance(leaf.final, pg.WaitState)
        begins = acted_at([leaf])
        due = _due(leaf, leaf.final.timer, begins, is_series=leaf.final.id in series)
        case = case.when(exp.Literal.number(leaf.number), due, copy=False)
    return fill("CAST({case} AS TIMESTAMP)", case=case)


def _due(leaf: Leaf, timer: pg.Timer, begins: exp.Expr, *, is_series: bool) -> exp.Expr:
    # Calendar steps depend only on the zone, so a tick computes them once and this reads them.
    moment = moments.of_timer(timer)
    if moment is not None:
        zone: exp.Expr = exp.column("zone", "q", quoted=True)
        if isinstance(timer, pg.UntilWeekday) and timer.zone is not None:
            zone = text(timer.zone)
        if is_series:
            return due_in_series(leaf, moment, zone, begins)
        return moments.instant(moment, zone, begins)
    if isinstance(timer, pg.AfterPeriod):
        seconds = exp.convert(moments.seconds(timer.period))
        return fill("{begins} + {n} * INTERVAL '1' SECOND", begins=begins, n=seconds)
    # An unknown moment counts as past (S12), so the passage goes on at once and does not wait
    # forever.
    until = exp.column(f"until_{leaf.number}", "q", quoted=True)
    return fill("COALESCE({u}, {begins})", begins=begins, u=until)


def needs_zone(rests: Sequence[Leaf]) -> bool:
    """Tell whether `wake_at` reads the zone of the customer."""
    return any(
        isinstance(leaf.final, pg.WaitState) and moments.of_timer(leaf.final.timer) is not None
        for leaf in rests
    )


def moment_of(leaf: Leaf) -> object:
    """Return the written expression of the moment that a leaf waits for; None for other timers."""
    timer = leaf.final.timer if isinstance(leaf.final, pg.WaitState) else None
    return timer.moment if isinstance(timer, pg.UntilMoment) else None


def until(leaf: Leaf, context: Context) -> exp.Expr | None:
    """Return the moment that a leaf waits for as an instant of the customer `c`; None for other
    timers.

    The instant is null where the moment is unknown for a customer.
    """
    assert isinstance(leaf.final, pg.WaitState)
    timer = leaf.final.timer
    if not isinstance(timer, pg.UntilMoment):
        return None
    scope = context.scope if leaf.is_real else context.scope.as_of("w")
    if timer.zone is not None:
        scope = replace(scope, journey_zone=timer.zone, has_own_zone=False)
    zone = zone_of(scope)
    moment = value(timer.moment, scope)
    if timer.moment.type.kind == "datetime" and timer.at is None:
        return moment
    # `at` is a local time, so an instant has to become a local day first.
    day = moment if timer.moment.type.kind == "date" else to_local(moment, zone)
    at = text(timer.at or "00:00:00")
    return to_instant(fill("CAST({day} AS DATE) + CAST({at} AS TIME)", day=day, at=at), zone)
