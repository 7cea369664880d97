"""Row ids in the place of a count: the numbers of those who enter come from the places of their rows.

    $first - 1 + ROW_NUMBER() OVER (ORDER BY n.customer ASC, n.entry_key ASC)
    $first - 1 + (n.rowid - (SELECT MIN(f.rowid) FROM tick_entered AS f) + 1)

DuckDB counts a window on one core, in twice the time of all the rest of a mass entry. The rows of
`tick_entered` are inserted in the order of the window, so their row ids follow it without a gap.
"""

from sqlglot import exp

from cij.compiler.sql.passes.facts import Facts
from cij.compiler.sql.template import Statement, fill

_TABLE = "tick_entered"
_PLACE = fill("n.rowid - (SELECT MIN(f.rowid) FROM tick_entered AS f) + 1")


def number_rows(statement: Statement, facts: Facts) -> Statement:
    """Return the statement with row ids where it numbers the rows of `tick_entered`."""
    if _TABLE not in statement.tables:
        return statement
    found = statement.variant("number_rows", lambda tree: tree.transform(_placed))
    assert found is not None, "the rewritten statement does what the statement does"
    return found


def _placed(node: exp.Expr) -> exp.Expr:
    if not isinstance(node, exp.Window) or not isinstance(node.this, exp.RowNumber):
        return node
    select = node.find_ancestor(exp.Select)
    source = select.args.get("from_") if select else None
    is_of_entered = source is not None and source.this.name == _TABLE and source.this.alias == "n"
    return exp.Paren(this=_PLACE.copy()) if is_of_entered else node
