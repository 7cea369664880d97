"""Statements that find forgotten people in what comes in again, by their marks (S27).

    forgotten(mark, at)   a mark is a hash of `$key`, the key of the store, and of what identifies somebody

`cij.runtime.forgotten` makes the same marks of single texts.
"""

from functools import cache

from sqlglot import exp

from cij.compiler.program import Program, Source
from cij.compiler.sql.canonical_addresses import fields_of
from cij.compiler.sql.columns import column, literal
from cij.compiler.sql.template import Statement, fill, query

RECORD, ADDRESS, ID = "record", "address", "id"


def _mark(kind: str, *parts: exp.Expr) -> exp.Expr:
    texts = [fill("$key"), literal(kind), *parts]
    separated = [each for text in texts for each in (fill("CHR(31)"), text)][1:]
    return fill("SHA256({text})", text=exp.func("CONCAT", *separated, dialect="duckdb"))


def _is_forgotten(mark: exp.Expr) -> exp.Expr:
    return fill("{mark} IN (SELECT f.mark FROM forgotten AS f)", mark=mark)


def _record(source: exp.Expr, key: exp.Expr) -> exp.Expr:
    return _mark(RECORD, source, fill("CAST({k} AS VARCHAR)", k=key))


def places_of(program: Program, source: Source) -> tuple[tuple[str, str], ...]:
    """Return (source of customers, column with the key of its records) for the columns of a source."""
    found = {(m.source, source.key) for m in program.profile.mappings if m.source == source.name}
    events = (e for e in program.events if e.source == source.name)
    found |= {(e.customer.source, e.customer.column) for e in events if e.customer is not None}
    return tuple(sorted(found))


def leave_out(table: str, places: tuple[tuple[str, str], ...]) -> tuple[Statement, ...]:
    """Return the statements that delete rows of forgotten people from a table with rows of a source.

    These are their own records, and the rows of events that refer to one.
    """
    return tuple(
        query(
            "DELETE FROM {t} WHERE {gone}",
            t=table,
            gone=_is_forgotten(_record(literal(of), column(table, name))),
        )
        for of, name in places
    )


def mark_records(program: Program) -> tuple[Statement, ...]:
    """Return the statements that mark the records that have an address of somebody forgotten.

    They read `unify_record`, and change as many rows as there are such records without a mark.
    """
    positions = {f.name: f"f{i}" for i, f in enumerate(program.profile.fields)}
    return tuple(_mark_records(name, positions[name]) for name in fields_of(program))


@cache
def _mark_records(field: str, position: str) -> Statement:
    form = fill("COALESCE(a.canonical, {own})", own=column("r", position))
    record = _record(fill("r.source"), fill("r.key"))
    return query(
        "INSERT INTO forgotten (mark, at) SELECT DISTINCT {record}, $now FROM unify_record AS r "
        "LEFT JOIN canonical_address AS a ON a.field = {field} AND a.written = {own} "
        "WHERE NOT {own} IS NULL AND {gone} AND NOT {known}",
        record=record,
        field=literal(field),
        own=column("r", position),
        gone=_is_forgotten(_mark(ADDRESS, literal(field), form)),
        known=_is_forgotten(record),
    )


# From what is unified, and from what was kept for its comparisons.
LEAVE_OUT_RECORDS = (
    query(
        "DELETE FROM unify_record WHERE {gone}",
        gone=_is_forgotten(_record(fill("unify_record.source"), fill("unify_record.key"))),
    ),
    query(
        "DELETE FROM canonical_address WHERE {gone}",
        gone=_is_forgotten(
            _mark(ADDRESS, fill("canonical_address.field"), fill("canonical_address.canonical"))
        ),
    ),
)

# The customers of a store who were forgotten in another one, which has the same key.
MARKED = query(
    "SELECT k.customer FROM customer_key AS k WHERE {record} "
    "UNION SELECT i.id FROM customer_id AS i WHERE {id}",
    record=_is_forgotten(_record(fill("k.source"), fill("k.key"))),
    id=_is_forgotten(_mark(ID, fill("i.id"))),
)
