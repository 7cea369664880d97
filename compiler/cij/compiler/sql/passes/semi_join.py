"""Decorrelation: an EXISTS about the events of each customer becomes a semi-join over all events.

    EXISTS(SELECT 1 FROM event_opened AS e WHERE e.customer = c.id AND e.at > <of c>)
    c.id IN (SELECT e.customer FROM event_opened AS e JOIN customer AS c ON c.id = e.customer
      WHERE e.at > <of c>)

DuckDB decorrelates an EXISTS with a list of all different values of the outer rows. For very many
customers this list costs more than the rest of the statement. The semi-join reads all events, which
is slower for few customers, so the pass applies from `ROWS_MIN` on.

Where only the id of the customers is read, the join of `tick_ready` with them is dropped too.
"""

from sqlglot import exp

from cij.compiler.sql.passes.eliminate_join import eliminate_join
from cij.compiler.sql.passes.facts import Facts
from cij.compiler.sql.template import Statement, fill

# Measured with `python -m bench.engine steps`: below it the EXISTS is as fast.
ROWS_MIN = 100_000

_IN = "c.id IN (SELECT {e}.customer FROM {t} AS {e} JOIN customer AS c ON c.id = {e}.customer WHERE {rest})"


def semi_join(statement: Statement, facts: Facts, rows_min: int = ROWS_MIN) -> Statement:
    """Return the statement with semi-joins where it is for very many customers."""
    return as_semi_join(statement) if facts.rows >= rows_min else statement


def as_semi_join(statement: Statement) -> Statement:
    """Return the statement with each EXISTS that allows it as a semi-join."""
    found = statement.variant(
        "semi_join", lambda tree: _without_lookup(tree.transform(_decorrelated))
    )
    assert found is not None, "the rewritten statement does what the statement does"
    return found


def _decorrelated(node: exp.Expr) -> exp.Expr:
    select = node.this if isinstance(node, exp.Exists) else None
    table = _only_table(select) if isinstance(select, exp.Select) else None
    if table is None or not isinstance(select, exp.Select):
        return node
    tests = list(select.args["where"].this.flatten())
    own = [test for test in tests if _is_own(test, table.alias)]
    rest = [test for test in tests if test not in own]
    if len(own) != 1 or not rest or not all(_reads_only(test, {"c", table.alias}) for test in rest):
        return node
    return fill(_IN, e=table.alias, t=table.name, rest=exp.and_(*rest))


def _only_table(select: exp.Select) -> exp.Table | None:
    """Return the table of a query that reads one table and has only conditions; else None."""
    source, where = select.args.get("from_"), select.args.get("where")
    asked = {name for name, value in select.args.items() if value} - {
        "expressions",
        "from_",
        "where",
    }
    if source is None or not isinstance(where and where.this, exp.And) or asked:
        return None
    return source.this if isinstance(source.this, exp.Table) and source.this.alias else None


def _is_own(test: exp.Expr, row: str) -> bool:
    """Tell whether a condition compares the customer of the event with the id of the customer."""
    sides = (
        [(c.table, c.name) for c in test.find_all(exp.Column)] if isinstance(test, exp.EQ) else []
    )
    return sorted(sides) == sorted([(row, "customer"), ("c", "id")])


def _reads_only(test: exp.Expr, rows: set[str]) -> bool:
    """Tell whether a condition reads only these rows, apart from calendar instants."""
    asked = {column.table for column in test.find_all(exp.Column)}
    tables = {table.name for table in test.find_all(exp.Table)}
    return asked <= {*rows, "moment"} and tables <= {"moment"}


# --- customers of whom only the id is read ------------------------------------------------------

_OF_READY = fill("c.id = w.customer")
_KNOWN = {"id": exp.column("customer", "w", quoted=True)}


def _without_lookup(tree: exp.Expr) -> exp.Expr:
    """Drop the join of `tick_ready` with the customers, where their ids are enough.

    Every open passage has a row in `customer`, so the join neither drops nor adds rows.
    """
    for select in tree.find_all(exp.Select):
        if any(join.args.get("on") == _OF_READY for join in select.args.get("joins") or []):
            eliminate_join(select, "c", _KNOWN)
    return tree
