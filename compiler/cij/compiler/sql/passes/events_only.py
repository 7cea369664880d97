"""Drops the join with customers from a semi-join over events that reads only their id.

    c.id IN (SELECT e.customer FROM event_x AS e JOIN customer AS c ON c.id = e.customer WHERE e.at > $x)
    c.id IN (SELECT e.customer FROM event_x AS e WHERE e.at > $x AND NOT e.customer IS NULL)

A window reads the zone of the customer. The pass applies where all customers are in one zone: then
`inline_instants` has bound the instants, and no other column of the customer is read.
"""

from sqlglot import exp

from cij.compiler.sql.passes.eliminate_join import eliminate_join
from cij.compiler.sql.passes.facts import Facts
from cij.compiler.sql.template import Statement, fill


def events_only(statement: Statement, facts: Facts) -> Statement:
    """Return the statement without customers in its semi-joins, where all are in one zone."""
    return without_customers(statement) if facts.is_one_zone else statement


def without_customers(statement: Statement) -> Statement:
    """Return the statement without customers in the semi-joins that read only their id."""
    found = statement.variant("events_only", lambda tree: tree.transform(_events_only))
    assert found is not None, "the rewritten statement does what the statement does"
    return found


def _events_only(node: exp.Expr) -> exp.Expr:
    query = node.args.get("query") if isinstance(node, exp.In) else None
    select = query.this if isinstance(query, exp.Subquery) else None
    if isinstance(select, exp.Select) and len(select.args.get("joins") or []) == 1:
        customer = select.expressions[0]
        on = select.args["joins"][0].args.get("on")
        if isinstance(customer, exp.Column) and on == fill("c.id = {x}", x=customer):
            known = fill("NOT {x} IS NULL", x=customer)
            if eliminate_join(select, "c", {"id": customer}):
                # `x IN (…, NULL)` is null and not false for all values that are not in the list.
                select.where(known, copy=False)
    return node
