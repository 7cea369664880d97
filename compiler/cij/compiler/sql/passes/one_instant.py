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
# Aliases of rows in queries that find out whether all rows have the same instant.
_ASKED = ("moment", "i", "t")


def one_instant(statement: Statement, facts: Facts) -> Statement:
    """Return the statement for rows that all have the own instant `$as_of`."""
    if not facts.has_one_instant:
        return statement
    found = statement.variant("one_instant", lambda tree: tree.transform(_bound))
    assert found is not None, "the rewritten statement does what the statement does"
    return found


def _bound(node: exp.Expr) -> exp.Expr:
    if not isinstance(node, exp.Column) or node.name != AS_OF or node.table in _ASKED:
        return node
    # A column that is only passed on stays: its name is that of the result.
    is_passed_on = isinstance(node.parent, exp.Select)
    return node if is_passed_on else exp.Placeholder(this=AS_OF)
