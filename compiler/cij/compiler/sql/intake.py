"""Event tables, and how rows of sources become events.

    event_<name>(seq, id, customer, at, arrived_at, [message_key, channel,] <fields>)
    arriving(id, customer, reference, at, <fields>)   a scratch table: rows that are not events yet

`at` is the instant at which the event happened, `arrived_at` the one at which the store received
it. `seq` grows over all events together. An event is written once: its id is the key of the row in
its source, or the id that the sender gave it.
"""

from functools import cache

from sqlglot import exp

from cij.compiler.program import Event, Source
from cij.compiler.sql.columns import SQL_TYPES, cast, column, literal, named, select
from cij.compiler.sql.condition import Scope, condition, storable, to_instant, value
from cij.compiler.sql.load import table_of
from cij.compiler.sql.making import make
from cij.compiler.sql.parameters import list_of
from cij.compiler.sql.template import Statement, fill, query

CLEAR = query("DROP TABLE IF EXISTS arriving")

_BUILT_IN = [
    ("seq", "BIGINT"),
    ("id", "VARCHAR"),
    ("customer", "VARCHAR"),
    ("at", "TIMESTAMP"),
    ("arrived_at", "TIMESTAMP"),
]
_INTERACTION = [("message_key", "VARCHAR"), ("channel", "VARCHAR")]


def event_table(event: Event | str) -> str:
    """Return the name of the table of an event."""
    return f"event_{event if isinstance(event, str) else event.name}"


def columns_of(event: Event) -> list[tuple[str, str]]:
    """Return the columns of the table of an event, in order: (name, SQL type)."""
    built_in = _BUILT_IN + (_INTERACTION if event.is_interaction else [])
    there = {name for name, _ in built_in}
    fields = [(f.name, SQL_TYPES[f.type.kind]) for f in event.fields if f.name not in there]
    return built_in + fields


# --- from a source ----------------------------------------------------------------------------


def arriving(event: Event, source: Source) -> Statement:
    """Return the statement that makes `arriving` of the rows that are not events yet.

    `customer` is null where the reference identifies no customer. A row that `where` of the event
    leaves out is none; it becomes one as soon as its values let it.
    """
    assert event.customer is not None, f"event {event.name} names no customer"
    reference = fill("CAST({c} AS VARCHAR)", c=column("s", event.customer.column))
    columns = [
        named(_id(source), "id"),
        fill("u.id AS customer"),
        named(reference, "reference"),
        named(_at(event, source), "at"),
        *(named(tree, name) for name, tree in _fields(event, source)),
    ]
    rows = select(
        columns,
        "SELECT 1 FROM {t} AS s "
        "LEFT JOIN customer_key AS k ON k.source = {of} AND k.key = {reference} "
        "LEFT JOIN customer AS u ON u.id = k.customer "
        "WHERE {wanted} AND NOT EXISTS (SELECT 1 FROM {events} AS e WHERE e.id = {id})",
        wanted=wanted(event, Scope.source("s", source)),
        t=table_of(source.name),
        of=literal(event.customer.source),
        reference=reference,
        events=event_table(event),
        id=_id(source),
    )
    return make("arriving", rows)


def wanted(event: Event, scope: Scope) -> exp.Expr:
    """Return the condition that a row may become an event."""
    return exp.true() if event.where is None else condition(event.where, scope)


def append(event: Event) -> Statement:
    """Return the statement that appends the complete rows of `arriving`, numbered after `$last`.

    A row is complete with a customer and a time. Others stay in the quarantine and are tried again.
    """
    names = [f.name for f in event.fields if f.value is not None]
    columns = [
        fill("$last + ROW_NUMBER() OVER (ORDER BY a.at, a.id)"),
        *(column("a", name) for name in ("id", "customer", "at")),
        fill("$now"),
        *(column("a", name) for name in names),
    ]
    rows = select(
        columns, "SELECT 1 FROM arriving AS a WHERE NOT a.customer IS NULL AND NOT a.at IS NULL"
    )
    insert = exp.Insert(
        this=exp.Schema(
            this=exp.Table(this=exp.to_identifier(event_table(event), quoted=True)),
            expressions=[
                exp.to_identifier(name, quoted=True)
                for name in ["seq", "id", "customer", "at", "arrived_at", *names]
            ],
        ),
        expression=rows,
    )
    return Statement(insert)


def quarantine(event: Event) -> tuple[Statement, Statement]:
    """Return the statements that bring the quarantine of an event's source up to date.

    The first removes rows that are events by now or are no longer in the source. The second adds
    new bad rows. A row that stays keeps its first time.
    """
    holes = {"rows": _refused(event), "name": literal(quarantine_name(event))}
    leave = query(
        "DELETE FROM quarantine WHERE quarantine.source = {name} AND NOT EXISTS ("
        "SELECT 1 FROM {rows} AS n "
        "WHERE n.reason = quarantine.reason AND n.content = quarantine.content)",
        **holes,
    )
    enter = query(
        "INSERT INTO quarantine (source, file, line, reason, content, loaded_at) "
        "SELECT {name}, {of}, NULL, n.reason, n.content, $now FROM {rows} AS n WHERE NOT EXISTS ("
        "SELECT 1 FROM quarantine AS q "
        "WHERE q.source = {name} AND q.reason = n.reason AND q.content = n.content)",
        of=literal(event.source or ""),
        **holes,
    )
    return leave, enter


def quarantine_name(event: Event) -> str:
    """Return the value of the column `source` in the quarantine for rows that cannot become
    events."""
    return f"event {event.name}"


def refused_count(event: Event) -> Statement:
    """Return the query for the number of rows of `arriving` without a customer or a time."""
    return query("SELECT COUNT(*) FROM {rows} AS n", rows=_refused(event))


def _refused(event: Event) -> exp.Expr:
    assert event.customer is not None
    return fill(
        "SELECT CASE WHEN a.at IS NULL THEN 'the time `at` is missing' "
        "WHEN a.reference IS NULL THEN {no_reference} "
        "ELSE CONCAT({head}, a.reference, '\") leads to no customer') END AS reason, "
        "CONCAT('id=', a.id) AS content "
        "FROM arriving AS a WHERE a.customer IS NULL OR a.at IS NULL",
        head=literal(f'{event.customer.source}("'),
        no_reference=literal(f"the column {event.customer.column} is missing"),
    )


def rewrite(event: Event, source: Source) -> Statement:
    """Return the statement that computes `at` and the fields of existing events again.

    It runs when the declaration of an event has changed. A row without a time keeps its old values.
    """
    columns = {"at": _at(event, source), **dict(_fields(event, source))}
    rows = select(
        [named(_id(source), "#id"), *(named(tree, name) for name, tree in columns.items())],
        "SELECT 1 FROM {t} AS s",
        t=table_of(source.name),
    )
    tree = fill(
        'UPDATE {t} SET id = 1 FROM {rows} AS n WHERE {t}.id = n."#id" AND NOT n.at IS NULL',
        t=event_table(event),
        rows=rows,
    )
    changes = [
        exp.EQ(this=exp.column(exp.to_identifier(name, quoted=True)), expression=column("n", name))
        for name in columns
    ]
    tree.set("expressions", changes)
    return Statement(tree)


def regroup(event: Event, source: Source) -> Statement:
    """Return the statement that gives events to the customer of their reference, after a split.

    After a merge `identity.follow` is enough; only the source knows to which part an event belongs.
    """
    assert event.customer is not None
    rows = fill(
        "SELECT {id} AS id, k.customer FROM {t} AS s JOIN customer_key AS k "
        "ON k.source = {of} AND k.key = CAST({c} AS VARCHAR)",
        id=_id(source),
        t=table_of(source.name),
        of=literal(event.customer.source),
        c=column("s", event.customer.column),
    )
    return query(
        "UPDATE {t} SET customer = n.customer FROM {rows} AS n "
        "WHERE {t}.id = n.id AND {t}.customer <> n.customer",
        t=event_table(event),
        rows=rows,
    )


def _id(source: Source) -> exp.Expr:
    return fill("CAST({k} AS VARCHAR)", k=column("s", source.key))


def _at(event: Event, source: Source) -> exp.Expr:
    assert event.at is not None, f"event {event.name} has no time"
    tree = value(event.at, Scope.source("s", source))
    if event.at.type.kind != "date":
        return tree
    # A date is a local day of the source, so its instant is local midnight.
    midnight = fill("CAST({a} AS TIMESTAMP)", a=tree)
    return to_instant(midnight, literal(source.timezone))


def _fields(event: Event, source: Source) -> list[tuple[str, exp.Expr]]:
    return [
        (f.name, cast(storable(f.value, f.type, Scope.source("s", source)), f.type))
        for f in event.fields
        if f.value is not None
    ]


# --- from outside -----------------------------------------------------------------------------


def _items(name: str) -> exp.Expr:
    return fill("SELECT DISTINCT l.item FROM {list} AS l", list=list_of(name))


# The customers that texts mean which are no ids, `$who`, a JSON list: an alias, or a key written
# `source:key`. Shape: a row (text, id) for each text; the id is null where nobody is meant.
# Not all engines take a negative length, which a text without a colon would have.
WHO = query(
    """
SELECT w.item, COALESCE(a.customer, v.id)
FROM {who} AS w
LEFT JOIN customer_alias AS a ON a.alias = w.item
LEFT JOIN customer_key AS k
  ON k.source = SUBSTRING(w.item, 1, GREATEST(STRPOS(w.item, ':') - 1, 0))
  AND k.key = SUBSTRING(w.item, STRPOS(w.item, ':') + 1)
LEFT JOIN customer AS v ON v.id = k.customer
""",
    who=_items("who"),
)


def known(event: Event) -> Statement:
    """Return the query for the ids of existing events among `$ids`, a JSON list."""
    return _known(event_table(event))


def is_known(event: Event) -> Statement:
    """Return the query for `$id` if it is an existing event.

    For one id it is faster than `known`.
    """
    return _is_known(event_table(event))


@cache
def _known(table: str) -> Statement:
    return query(
        "SELECT e.id FROM {t} AS e WHERE e.id IN (SELECT x.item FROM {ids} AS x)",
        t=table,
        ids=_items("ids"),
    )


@cache
def _is_known(table: str) -> Statement:
    return query("SELECT e.id FROM {t} AS e WHERE e.id = $id", t=table)
