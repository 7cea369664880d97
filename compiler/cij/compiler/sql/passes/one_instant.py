"""Puts one parameter in place of the own instants of rows, where all rows have the same one.

    e.at > w.as_of - 7 * INTERVAL '1' DAY
    e.at > $as_of - 7 * INTERVAL '1' DAY

In nearly every tick all who move were due at one instant (S12). A condition with a column of the row
cannot become a semi-join, and its calendar steps are lookups in `moment`.
"""

from sqlglot import exp

from cij.compiler.sql.passes.facts import Facts
from cij.compiler.sql.template import Statement

# The column of own instants, and the parameter that replaces it.
AS_OF = "as_of"
# The aliases of rows that move: of `tick_ready`, `tick_batch`, `tick_event`, `tick_entered` and candidates,
# and of queries over them. All others keep their column: a field of an event may be named `as_of` too, and
# queries that find out whether all rows have the same instant call their row `t`.
_MOVING = frozenset("fmnqwx")


def one_instant(statement: Statement, facts: Facts) -> Statement:
    """Return the statement for rows that all have the own instant `$as_of`."""
    if not facts.has_one_instant or not any(map(_is_of_tick, statement.tables)):
        return statement
    found = statement.variant("one_instant", lambda tree: tree.transform(_bound))
    assert found is not None, "the rewritten statement does what the statement does"
    return found


def _is_of_tick(table: str) -> bool:
    """Tell whether a table may have rows that move. A refresh has none, whatever its columns are named."""
    return table.startswith("tick_") or table in ("passage_row", "segment_member")


def _bound(node: exp.Expr) -> exp.Expr:
    if not isinstance(node, exp.Column) or node.name != AS_OF or node.table not in _MOVING:
        return node
    # A column that is only passed on stays: its name is that of the result.
    is_passed_on = isinstance(node.parent, exp.Select)
    return node if is_passed_on else exp.Placeholder(this=AS_OF)
