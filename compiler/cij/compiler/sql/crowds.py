"""Questions about the events of each customer, asked once for very many.

    EXISTS(SELECT 1 FROM event_opened AS e WHERE e.customer = c.id AND e.at > <of c>)
    c.id IN (SELECT e.customer FROM event_opened AS e JOIN customer AS c ON c.id = e.customer
      WHERE e.at > <of c>)

Asked of each, an engine first makes a list of all that differs from one to the other, which takes it
longer than the rest. Asked once it goes through all events, which is too much for a few customers.

Where nothing else is asked of the customers of those who move, they are not looked up at all.
"""

from sqlglot import exp

from cij.compiler.sql.sparing import spare
from cij.compiler.sql.template import Statement, fill

_IN = "c.id IN (SELECT {e}.customer FROM {t} AS {e} JOIN customer AS c ON c.id = {e}.customer WHERE {rest})"


def for_many(statement: Statement) -> Statement:
    """Return the statement that does the same, quicker where it is about very many customers."""
    found = statement.variant("many", lambda tree: _not_looked_up(tree.transform(_asked_once)))
    assert found is not None, "it does what the statement does"
    return found


def _asked_once(node: exp.Expr) -> exp.Expr:
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
    """Return the table that a query reads, if it is one and the query has nothing but conditions."""
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
    """Tell whether a condition says that the event is one of the customer."""
    sides = (
        [(c.table, c.name) for c in test.find_all(exp.Column)] if isinstance(test, exp.EQ) else []
    )
    return sorted(sides) == sorted([(row, "customer"), ("c", "id")])


def _reads_only(test: exp.Expr, rows: set[str]) -> bool:
    """Tell whether a condition reads these rows and no others, but for moments."""
    asked = {column.table for column in test.find_all(exp.Column)}
    tables = {table.name for table in test.find_all(exp.Table)}
    return asked <= {*rows, "moment"} and tables <= {"moment"}


def of_events_alone(statement: Statement) -> Statement:
    """Return the statement whose questions about events leave out the customers, where nothing is
    asked of them but whose the events are."""
    found = statement.variant("events alone", lambda tree: tree.transform(_of_events_alone))
    assert found is not None, "it does what the statement does"
    return found


def _of_events_alone(node: exp.Expr) -> exp.Expr:
    query = node.args.get("query") if isinstance(node, exp.In) else None
    select = query.this if isinstance(query, exp.Subquery) else None
    if isinstance(select, exp.Select) and len(select.args.get("joins") or []) == 1:
        customer = select.expressions[0]
        on = select.args["joins"][0].args.get("on")
        if isinstance(customer, exp.Column) and on == fill("c.id = {x}", x=customer):
            known = fill("NOT {x} IS NULL", x=customer)
            if spare(select, "c", {"id": customer}):
                # Nobody is in a list with something unknown in it.
                select.where(known, copy=False)
    return node


# --- customers of whom only the id is asked -----------------------------------------------------

_OF_WOKEN = fill("c.id = w.customer")
_SAID = {"id": exp.column("customer", "w", quoted=True)}


def _not_looked_up(tree: exp.Expr) -> exp.Expr:
    """Leave out the join with the customers of those who are woken, where their ids are enough.

    Who is inside is a customer.
    """
    for select in tree.find_all(exp.Select):
        if any(join.args.get("on") == _OF_WOKEN for join in select.args.get("joins") or []):
            spare(select, "c", _SAID)
    return tree
