"""A large group that is due at one wait, while no other passage is ready, is read where it is
stored.

A table of ready passages would be a copy of rows of `passage_row`. The batch is inserted into
`tick_due`, and `tick_batch` is not made: DuckDB reads a table on as many cores as it had rows for
when the transaction began, and `tick_batch` is new in each transaction.
"""

from sqlglot import exp

from cij.compiler.sql.interning import TIMER, numbered
from cij.compiler.sql.plan.plan_parts import JourneyPlan, RegionPlan, Steps
from cij.compiler.sql.template import Statement, fill, query

# The due rows of `passage_row` in the shape of `tick_ready`.
_DUE = """
SELECT {journey} AS journey, {version} AS version, p.id AS passage, p.customer, p.trigger, p.turn,
  p.is_held_out, {root} AS root, {timer} AS why, CAST(NULL AS BIGINT) AS event,
  $as_of AS counts_from, $as_of AS as_of
FROM passage_row AS p
WHERE p.wake_at <= $due AND p.version = {version} AND p.state = $state
"""
CLEAR_DUE = query("DELETE FROM tick_due")
_STILL_THERE = """
passage_row.wake_at <= $due AND passage_row.version = {version} AND passage_row.state = $state
"""


def due_form(plan: JourneyPlan, region: RegionPlan) -> Steps:
    """Return the steps of a region for all passages that are due at the state `$state`."""
    instead = {
        "pick": Statement.later(lambda: _pick(plan, region)),
        "move": Statement.later(lambda: _move(plan, region)),
    }
    steps = ((name, instead.get(name, s)) for name, s in region.statements if name != "clear")
    return (*((name, _over(s)) for name, s in steps), ("clear", CLEAR_DUE))


def _over(statement: Statement) -> Statement:
    return Statement.later(lambda: statement.over({"tick_batch m": "tick_due"}))


def _pick(plan: JourneyPlan, region: RegionPlan) -> Statement:
    here = {
        "root": numbered(region.root),
        "timer": numbered(TIMER),
        "journey": numbered(plan.name),
        "version": numbered(plan.version),
    }
    return region.pick.from_rows("tick_ready", fill(_DUE, **here)).as_insert("tick_due")


def _move(plan: JourneyPlan, region: RegionPlan) -> Statement:
    """Return the move without a join, where it writes the same values for all passages."""
    move = region.move
    tree = move.tree.transform(_at_once, region.destination.acted_at)
    assert isinstance(tree, exp.Update), "a move is an update"
    changes = [change.expression for change in tree.expressions]
    if any(column.table == "m" for each in changes for column in each.find_all(exp.Column)):
        return move
    # All of them were due at one instant.
    tree.set("from_", None)
    tree.set("where", exp.Where(this=fill(_STILL_THERE, version=numbered(plan.version))))
    return Statement(tree)


def _at_once(node: exp.Expr, acted_at: exp.Expr | None) -> exp.Expr:
    """Return the instant at which everybody takes their path in place of the column `acted_at`."""
    is_asked = isinstance(node, exp.Column) and (node.table, node.name) == ("m", "acted_at")
    if not is_asked or acted_at is None:
        return node
    return (
        acted_at.copy() if isinstance(acted_at, exp.Placeholder) else exp.Placeholder(this="as_of")
    )
