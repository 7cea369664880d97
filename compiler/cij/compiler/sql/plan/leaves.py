"""What depends on the leaf that somebody reaches: state, turn, end, and when the timer is due."""

from collections.abc import Sequence

from sqlglot import exp

from cij.compiler import program as pg
from cij.compiler.sql import moments
from cij.compiler.sql.condition import column, to_instant, to_local, value, zone_of
from cij.compiler.sql.interning import numbered
from cij.compiler.sql.plan.context import Context, text
from cij.compiler.sql.plan.loops import turn_after
from cij.compiler.sql.plan.regions import Leaf, Region
from cij.compiler.sql.template import fill


def by_leaf(values: dict[int, exp.Expr]) -> exp.Expr:
    """Return what belongs to the leaf that `m` has come to; no CASE where it is the same for all.

    Joined as a table of constants it would be the other side of the join where the planner takes
    `tick_batch` for empty, and rows would come in no order: an update of scattered rows takes DuckDB
    fifty times as long.
    """
    found = list(values.values())
    if all(tree == found[0] for tree in found):
        return found[0]
    case = exp.Case(this=exp.column("leaf", "m", quoted=True))
    for number, tree in sorted(values.items()):
        case = case.when(exp.Literal.number(number), tree, copy=False)
    return case


def state_of(region: Region) -> exp.Expr:
    """Return the state in which a passage is at its leaf."""
    return by_leaf({x.number: numbered(x.final.id) for x in region.leaves})


def turn_of(region: Region) -> exp.Expr | None:
    """Return the turn in which a passage is at its leaf; None where no loop is touched."""
    if not any(leaf.turns for leaf in region.leaves):
        return None
    case = exp.Case(this=exp.column("leaf", "m", quoted=True))
    for leaf in region.leaves:
        if leaf.turns:
            turn = turn_after(column("m", "turn"), leaf.turns)
            case = case.when(exp.Literal.number(leaf.number), turn, copy=False)
    return case.else_(column("m", "turn"), copy=False)


def ending(region: Region) -> dict[str, exp.Expr]:
    """Return what is noted of an end, by column; nothing where no path ends."""
    ends = {x.number: x.final for x in region.leaves if isinstance(x.final, pg.EndState)}
    inside = {x.number: exp.null() for x in region.leaves if x.number not in ends}
    if not ends:
        return {}
    return {
        "ended_at": by_leaf(inside | {n: fill("$now") for n in ends}),
        "outcome": by_leaf(inside | {n: numbered(end.outcome) for n, end in ends.items()}),
        "cause": by_leaf(inside | {n: numbered(end.cause) for n, end in ends.items()}),
    }


# --- when the timer is due --------------------------------------------------------------------


def rests_of(region: Region) -> list[Leaf]:
    """Return the leaves at which people wait."""
    return [x for x in region.leaves if isinstance(x.final, pg.WaitState) and not x.is_cut]


def wake_at(rests: Sequence[Leaf]) -> exp.Expr:
    """Return when a row `q` of those who move is to wake: `leaf`, `zone` and `until_N` are in it."""
    if not rests:
        return fill("CAST(NULL AS TIMESTAMP)")
    case = exp.Case(this=exp.column("leaf", "q", quoted=True))
    for leaf in rests:
        assert isinstance(leaf.final, pg.WaitState)
        due = _due(leaf.number, leaf.final.timer)
        case = case.when(exp.Literal.number(leaf.number), due, copy=False)
    return fill("CAST({case} AS TIMESTAMP)", case=case)


def _due(number: int, timer: pg.Timer) -> exp.Expr:
    moment = moments.of_timer(timer)
    if moment is not None:
        return moments.instant(moment, exp.column("zone", "q", quoted=True))
    if isinstance(timer, pg.AfterPeriod):
        seconds = exp.convert(moments.seconds(timer.period))
        return fill("$now + {n} * INTERVAL '1' SECOND", n=seconds)
    # A moment that is not known is as good as past: the passage goes on at once.
    return fill("COALESCE({u}, $now)", u=exp.column(f"until_{number}", "q", quoted=True))


def needs_zone(rests: Sequence[Leaf]) -> bool:
    """Tell whether `wake_at` asks for the zone of the customer."""
    return any(
        isinstance(leaf.final, pg.WaitState) and moments.of_timer(leaf.final.timer) is not None
        for leaf in rests
    )


def moment_of(leaf: Leaf) -> object:
    """Return the moment that a leaf waits for, as it is written; None where it waits otherwise."""
    timer = leaf.final.timer if isinstance(leaf.final, pg.WaitState) else None
    return timer.moment if isinstance(timer, pg.UntilMoment) else None


def until(leaf: Leaf, context: Context) -> exp.Expr | None:
    """Return that moment as an instant of the customer `c`, null where it is not known."""
    assert isinstance(leaf.final, pg.WaitState)
    timer = leaf.final.timer
    if not isinstance(timer, pg.UntilMoment):
        return None
    zone = zone_of(context.scope)
    moment = value(timer.moment, context.scope)
    if timer.moment.type.kind == "datetime" and timer.at is None:
        return moment
    day = moment if timer.moment.type.kind == "date" else to_local(moment, zone)
    at = text(timer.at or "00:00:00")
    return to_instant(fill("CAST({day} AS DATE) + CAST({at} AS TIME)", day=day, at=at), zone)
