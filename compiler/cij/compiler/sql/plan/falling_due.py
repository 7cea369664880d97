"""Those whose time has come at one rest, where nobody else is woken: they are read where they stand.

Of very many a table of all who are woken would be a copy of what `passage_row` says.
"""

from sqlglot import exp

from cij.compiler.sql.names import TIMER, numbered
from cij.compiler.sql.plan.context import Context
from cij.compiler.sql.plan.parts import DuePlan, RegionPlan
from cij.compiler.sql.template import Statement, fill

# As rows of `woken` would be.
_DUE = """
SELECT {journey} AS journey, {version} AS version, p.id AS passage, p.customer, p.trigger, p.turn,
  p.is_held_out, {root} AS root, {timer} AS why, CAST(NULL AS BIGINT) AS event, $now AS counts_from
FROM passage_row AS p
WHERE p.wake_at <= $now AND p.version = {version} AND p.state = $rest
"""
_STILL_THERE = """
passage_row.wake_at <= $now AND passage_row.version = {version} AND passage_row.state = $rest
"""


def falling_due(plan: RegionPlan, context: Context) -> DuePlan | None:
    """Return how those at the rest `$rest` go through the region; None where journeys share it."""
    if context.is_shared:
        return None
    here = {"root": numbered(plan.root), "timer": numbered(TIMER), **context.numbers_of("p")}
    return DuePlan(plan.pick.from_rows("woken", fill(_DUE, **here)), _move(plan.move, context))


def _move(move: Statement, context: Context) -> Statement:
    """Return the move that asks nobody where he goes, where all go the same way."""
    tree = move.tree.copy()
    assert isinstance(tree, exp.Update)
    changes = [change.expression for change in tree.expressions]
    if any(column.table == "m" for each in changes for column in each.find_all(exp.Column)):
        return move
    tree.set("from_", None)
    tree.set("where", exp.Where(this=fill(_STILL_THERE, version=context.numbers["version"])))
    return Statement(tree)
