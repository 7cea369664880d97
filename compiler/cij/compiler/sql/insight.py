"""Queries about one customer: the values that conditions read, and where these came from.

All have the parameter `customer`. Those that evaluate an expression also have `now`.
"""

from collections.abc import Sequence

from sqlglot import exp

from cij.compiler import expression as ex
from cij.compiler.program import Event, Journey, Latest, Mapping, Program
from cij.compiler.sql import canonical_addresses
from cij.compiler.sql.columns import column, literal, named, number, select
from cij.compiler.sql.condition import row_conditions, strict, value
from cij.compiler.sql.intake import columns_of, event_table
from cij.compiler.sql.load import table_of
from cij.compiler.sql.plan.context import Context
from cij.compiler.sql.plan.governing import rules_of
from cij.compiler.sql.scope import Catalog, Scope
from cij.compiler.sql.template import Statement, fill, query

_SHOWN_ROWS = 3


def who(program: Program) -> Statement:
    """Return the query for the customers that the text `$who` may identify.

    Shape: (id, how). An id or an old one, also of somebody who is in no source any more, a key of a source with or without `source:`, an address,
    whose canonical form for each field is a parameter of the field's name.
    """
    parts = [
        fill("SELECT c.id AS id, 'id' AS how FROM customer AS c WHERE c.id = $who"),
        fill("SELECT a.customer, 'id' FROM absent AS a WHERE a.customer = $who"),
        fill("SELECT a.customer, 'id' FROM customer_alias AS a WHERE a.alias = $who"),
        fill(
            "SELECT k.customer, CONCAT(k.source, ':', k.key) FROM customer_key AS k "
            "WHERE k.key = $who OR CONCAT(k.source, ':', k.key) = $who"
        ),
    ]
    for name in canonical_addresses.fields_of(program):
        has = canonical_addresses.has_address(name, exp.Placeholder(this=name))
        text = "SELECT c.id, {name} FROM customer AS c WHERE {has}"
        parts.append(fill(text, name=literal(name), has=has))
    rows = exp.union(*parts, distinct=False)
    return query("SELECT u.id, MIN(u.how) FROM {rows} AS u GROUP BY u.id ORDER BY u.id", rows=rows)


def readings(
    nodes: Sequence[ex.Expression], program: Program, journey: Journey, event: str | None = None
) -> Statement:
    """Return the query for the values of expressions, one column for each, in one row.

    Parameters: `passage`, which may be null, and `event`, the number of the event that a filter
    tests.
    """
    context = Context(program, journey, Catalog.of(program), rules_of(program))
    scope = context.scope_of("p", column("p", "turn"))
    joins = ""
    # Outer joins keep the row for a customer without a passage or event.
    if event is not None:
        scope, joins = scope.with_event("e"), "LEFT JOIN {events} AS e ON e.seq = $event "
    tree = select(
        [named(_read(node, scope), f"v{i}") for i, node in enumerate(nodes)],
        f"SELECT 1 FROM customer AS c LEFT JOIN passage_row AS p ON p.id = $passage {joins}"
        "WHERE c.id = $customer",
        **({"events": f"event_{event}"} if event is not None else {}),
    )
    return Statement(context.with_triggers(tree, "p", *nodes))


def _read(node: ex.Expression, scope: Scope) -> exp.Expr:
    return strict(node, scope) if node.type.kind == "boolean" else value(node, scope)


def counted_rows(node: ex.Aggregate, program: Program, journey: Journey) -> Statement:
    """Return the query for the last events that an aggregate counts.

    Shape: (at, id, value, count), where the count is of all events and not only of those shown.
    Parameters: `now`, and `passage`, which may be null.
    """
    context = Context(program, journey, Catalog.of(program), rules_of(program))
    outer = context.scope
    inner = outer.inside_aggregate()
    assert inner.event is not None
    shown = value(node.value, inner) if node.value is not None else exp.null()
    tree = fill(
        "SELECT {at}, {id}, {shown}, COUNT(*) OVER () FROM customer AS c "
        "LEFT JOIN passage_row AS p ON p.id = $passage "
        f"WHERE c.id = $customer ORDER BY {{at}} DESC, {{seq}} DESC LIMIT {_SHOWN_ROWS}",
        at=column(inner.event, "at"),
        id=column(inner.event, "id"),
        seq=column(inner.event, "seq"),
        shown=shown,
    )
    # The events come last, because which of them count may depend on the entering event.
    context.with_triggers(tree, "p", node)
    counted = fill(
        "SELECT 1 FROM x JOIN {t} AS {e} ON {rows}",
        t=f"event_{node.event}",
        e=inner.event,
        rows=exp.and_(*row_conditions(node, outer, inner), copy=False),
    )
    tree.append("joins", counted.args["joins"][0].copy())
    return Statement(tree)


def origins(program: Program, place: int, node: ex.Expression, time: str | None) -> Statement:
    """Return the query for the values that one mapping of the profile gives to a field.

    Shape: (key, value, time or null), one row for each record of the customer.
    """
    mapping = program.profile.mappings[place]
    source = next(s for s in program.sources if s.name == mapping.source)
    return query(
        "SELECT k.key, {value}, {time} FROM {t} AS s "
        "JOIN customer_key AS k ON k.source = {source} AND k.key = CAST({key} AS VARCHAR) "
        "WHERE k.customer = $customer ORDER BY k.key",
        value=value(node, Scope.source("s", source)),
        time=column("s", time) if time is not None else exp.null(),
        t=table_of(source.name),
        source=literal(source.name),
        key=column("s", source.key),
    )


def time_column(program: Program, name: str, mapping: Mapping) -> str | None:
    """Return the column with the time of a field in a source; None unless `latest` merges the
    field."""
    field = next(f for f in program.profile.fields if f.name == name)
    return field.merge.columns.get(mapping.source) if isinstance(field.merge, Latest) else None


def events_of(event: Event) -> Statement:
    """Return the query for the customer's events of one name.

    Shape: the columns of `columns_of`.
    """
    return Statement(
        select(
            [column("e", name) for name, _ in columns_of(event)],
            "SELECT 1 FROM {t} AS e WHERE e.customer = $customer ORDER BY e.at, e.seq",
            t=event_table(event),
        )
    )


def recent_events(event: str) -> Statement:
    """Return the query for the customer's last events of one name. Parameters: `now`, `since`.

    Shape: (seq, id, at), the latest first.
    """
    return query(
        "SELECT e.seq, e.id, e.at FROM {t} AS e WHERE e.customer = $customer AND e.at <= $now "
        "AND e.at >= $since ORDER BY e.at DESC, e.seq DESC LIMIT {n}",
        t=event_table(event),
        n=number(_SHOWN_ROWS),
    )
