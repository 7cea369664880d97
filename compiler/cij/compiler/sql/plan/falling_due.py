"""Those whose time has come at one rest, where nobody else is woken: they are read where they stand.

Of very many a table of all who are woken would be a copy of what `passage_row` says. Where they go is
written into `due_now` in the place of `moving`, which is made anew each time: DuckDB reads a table on
as many cores as it had rows for when the transaction began.
"""

from sqlglot import exp

from cij.compiler.sql.interning import TIMER, numbered
from cij.compiler.sql.plan.context import Context
from cij.compiler.sql.plan.parts import RegionPlan, Steps
from cij.compiler.sql.template import Statement, fill, query

# As rows of `woken` would be.
_DUE = """
SELECT {journey} AS journey, {version} AS version, p.id AS passage, p.customer, p.trigger, p.turn,
  p.is_held_out, {root} AS root, {timer} AS why, CAST(NULL AS BIGINT) AS event, $now AS counts_from
FROM passage_row AS p
WHERE p.wake_at <= $now AND p.version = {version} AND p.state = $rest
"""
CLEAR_DUE = query("DELETE FROM due_now")
_STILL_THERE = """
passage_row.wake_at <= $now AND passage_row.version = {version} AND passage_row.state = $rest
"""


def falling_due(plan: RegionPlan, context: Context) -> Steps:
    """Return how those at the rest `$rest` go through the region; nothing where journeys share it."""
    if context.is_shared:
        return ()
    instead = {
        "pick": Statement.later(lambda: _pick(plan.pick, plan.root, context)),
        "move": Statement.later(lambda: _move(plan.move, context)),
    }
    steps = ((name, instead.get(name, each)) for name, each in plan.statements if name != "clear")
    return (*((name, _over(each)) for name, each in steps), ("clear", CLEAR_DUE))


def _over(statement: Statement) -> Statement:
    return Statement.later(lambda: statement.over({"moving m": "due_now"}))


def _pick(pick: Statement, root: str, context: Context) -> Statement:
    here = {"timer": numbered(TIMER), **context.numbers_of("p")}
    rows = pick.from_rows("woken", fill(_DUE, root=numbered(root), **here)).tree.expression
    columns = [exp.to_identifier(each.alias_or_name, quoted=True) for each in rows.expressions]
    table = exp.Schema(this=exp.to_table("due_now"), expressions=columns)
    return Statement(exp.Insert(this=table, expression=rows))


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
