"""Those who are newly inside go through the first region, and get their passages where they have
come to."""

from functools import cache

from sqlglot import exp

from cij.compiler.sql.condition import column
from cij.compiler.sql.plan.context import Context
from cij.compiler.sql.plan.entering import entry_key, newly_woken
from cij.compiler.sql.plan.leaves import ending, rests_of, state_of, turn_of, until, wake_at
from cij.compiler.sql.plan.moves import is_noted
from cij.compiler.sql.plan.parts import EnteringPlan, RegionPlan, Steps
from cij.compiler.sql.plan.regions import Fork, Region
from cij.compiler.sql.plan.waking import may_be_past
from cij.compiler.sql.template import Statement, fill, query

# What a passage has of its entry, besides that of `tick_ready`.
_OF_ENTRY = ("entry_key", "at_entry", "customer_row")

_SETTLE = """
INSERT INTO passage_row (id, journey, version, customer, entry_key, trigger, turn, is_held_out,
  entered_at, entered_from, state, since, counts_from, event, wake_at, ended_at, outcome, cause,
  at_entry, customer_row)
SELECT m.passage, {journey}, {version}, m.customer, {entry_key}, m.trigger, {turn}, m.is_held_out,
  $now, m.counts_from, {state}, $now, m.counts_from, m.event, m.wake_at, {ended_at}, {outcome},
  {cause}, m.at_entry, m.customer_row
FROM tick_batch AS m
"""


def settling(region: Region, plan: RegionPlan, context: Context) -> EnteringPlan | None:
    """Return how those who are newly inside go through the region; None where their passages have to
    be there before.

    Nobody has met a message of a passage that begins now, so nothing came before they wait.
    """
    is_elsewhere = context.is_shared or region.root != context.journey.start
    if is_elsewhere or not is_noted(region) or may_be_past(region):
        return None
    steps = [(name, s) for name, s in plan.statements if name not in ("clear", "wake again")]
    if any("passage_row" in s.tables for name, s in steps if name != "move"):
        return None
    write = Statement.later(lambda: _settle(region, context))
    settled = tuple((name, write if name == "move" else s) for name, s in steps)
    pick = Statement.later(lambda: _pick_new(plan.pick, context))
    return EnteringPlan(
        steps=tuple((name, pick if name == "pick" else s) for name, s in settled),
        at_once=_at_once(region, settled, context, is_by_row=not plan.sets_fields),
    )


def _pick_new(pick: Statement, context: Context) -> Statement:
    tree = pick.from_rows("tick_ready", newly_woken(context, *_OF_ENTRY)).tree
    outer = tree.expression
    inner = outer.args["from_"].this.this
    for name in _OF_ENTRY:
        outer.append("expressions", column("q", name))
        inner.append("expressions", column("w", name))
    return Statement(tree)


# Rows of `tick_batch`, of those who are newly inside and all come to one leaf.
_COME = "SELECT q.*, {wake} AS wake_at FROM {rows} AS q"


def _at_once(region: Region, steps: Steps, context: Context, *, is_by_row: bool) -> Steps:
    rests = rests_of(region)
    if isinstance(region.tree, Fork) or any(until(rest, context) is not None for rest in rests):
        return ()
    rows = cache(lambda: _come(region, context))

    def of_those(statement: Statement) -> Statement:
        found = _by_row(statement) if is_by_row else statement
        return Statement.later(lambda: found.from_rows("tick_batch", rows()))

    return tuple((name, of_those(s)) for name, s in steps if name != "pick")


def _come(region: Region, context: Context) -> exp.Expr:
    leaf = exp.Literal.number(region.leaves[0].number)
    new = newly_woken(context, *_OF_ENTRY, "zone")
    new.append("expressions", exp.alias_(leaf, "leaf", quoted=True))
    return fill(_COME, wake=wake_at(rests_of(region)), rows=new)


_BY_ID, _BY_ROW = fill("c.id = m.customer"), fill("c.rowid = m.customer_row")


def _by_row(statement: Statement) -> Statement:
    """Return the statement that finds customers by their rows, which is known of who came in in this
    tick. Not where a field is set before: a row that is changed may be another one then."""
    return Statement.later(lambda: _found_by_row(statement))


def _found_by_row(statement: Statement) -> Statement:
    tree = statement.tree.copy()
    for join in tree.find_all(exp.Join):
        if join.args.get("on") == _BY_ID:
            join.set("on", _BY_ROW.copy())
    return Statement(tree)


def _settle(region: Region, context: Context) -> Statement:
    at_end = {"ended_at": exp.null(), "outcome": exp.null(), "cause": exp.null()}
    return query(
        _SETTLE,
        turn=turn_of(region) or column("m", "turn"),
        state=state_of(region),
        entry_key=entry_key("m", context),
        **at_end | ending(region),
        **context.numbers,
    )
