"""Newcomers: customers who are known only by an event, with what the event says of them (S6).

    newcomer(key, field, value, of_source, of_key, at)

`field` and `value` are an address, such as `email`. Or `of_source` and `of_key` are the key of a
record that has not come yet. The unification reads a newcomer as a record of a source of its own,
after all others. When a record with the same address or key comes, both become one customer, who
keeps the id of the newcomer.
"""

from collections.abc import Sequence

from sqlglot import exp

from cij.compiler.program import Program
from cij.compiler.sql.columns import cast, create, literal, named, number, select
from cij.compiler.sql.parameters import list_of
from cij.compiler.sql.row_locator import ID_HASH, id_hash
from cij.compiler.sql.template import Statement, fill, query

SOURCE = ":newcomer"

# Newcomers of earlier events, with their current id.
KNOWN = query(
    "SELECT k.key, k.customer FROM customer_key AS k JOIN customer AS c ON c.id = k.customer "
    "WHERE k.source = ':newcomer' AND k.key IN (SELECT l.item FROM {keys} AS l)",
    keys=list_of("keys"),
)
# `arriving_newcomer` has the columns of `newcomer` and the id.
REMEMBER = (
    query(
        "INSERT INTO newcomer (key, field, value, of_source, of_key, at) "
        "SELECT a.key, a.field, a.value, a.of_source, a.of_key, $now FROM arriving_newcomer AS a "
        "WHERE NOT EXISTS (SELECT 1 FROM newcomer AS n WHERE n.key = a.key)"
    ),
    query(
        "INSERT INTO customer_id (id, born) SELECT a.id, "
        "(SELECT COALESCE(MAX(i.born), 0) FROM customer_id AS i) "
        "+ ROW_NUMBER() OVER (ORDER BY a.key) FROM arriving_newcomer AS a "
        "WHERE NOT EXISTS (SELECT 1 FROM customer_id AS i WHERE i.id = a.id)"
    ),
    query(
        "INSERT INTO customer_key (source, key, customer, is_present) "
        "SELECT ':newcomer', a.key, a.id, TRUE FROM arriving_newcomer AS a"
    ),
)
ARRIVING = create(
    "arriving_newcomer",
    [
        ("key", "VARCHAR"),
        ("id", "VARCHAR"),
        ("field", "VARCHAR"),
        ("value", "VARCHAR"),
        ("of_source", "VARCHAR"),
        ("of_key", "VARCHAR"),
    ],
)
CLEAR = query("DROP TABLE IF EXISTS arriving_newcomer")


def records(program: Program, consents: int, times: int) -> exp.Expr:
    """Return the query for the newcomers in the shape of `unify_record`.

    `consents` and `times` are the numbers of those columns. A newcomer has none, so they are null.
    """
    fields = program.profile.fields
    columns = [
        named(number(len(program.profile.mappings)), "place"),
        named(literal(SOURCE), "source"),
        fill("n.key AS key"),
    ]
    for i, field in enumerate(fields):
        given = fill("CASE WHEN n.field = {f} THEN n.value END", f=literal(field.name))
        known = given if field.type.kind == "text" else exp.null()
        columns.append(named(cast(known, field.type), f"f{i}"))
    columns += [named(fill("CAST(NULL AS BOOLEAN)"), f"c{i}") for i in range(consents)]
    columns += [named(fill("CAST(NULL AS BIGINT)"), f"t{i}") for i in range(times)]
    return select(columns, "SELECT 1 FROM newcomer AS n")


# Newcomers have the largest numbers of all records, so these edges go from a larger number to a
# smaller one, as all edges must.
EDGES = query(
    f"""
INSERT INTO unify_edge (a, b)
SELECT r.rec, s.rec
FROM newcomer AS n
JOIN unify_record AS r ON r.source = '{SOURCE}' AND r.key = n.key
JOIN unify_record AS s ON s.source = n.of_source AND s.key = n.of_key
"""
)


def insert_customers(program: Program, consents: Sequence[tuple[str, bool]]) -> Statement:
    """Return the statement that inserts a customer for each row of `arriving_newcomer`.

    `consents` are the consent columns, each with its default, since a newcomer has given no answer.
    """
    names = [
        "id",
        ID_HASH,
        "zone",
        *(f.name for f in program.profile.fields),
        *(n for n, _ in consents),
    ]
    mark = named(id_hash(fill("a.id")), ID_HASH)
    columns = [fill("a.id AS id"), mark, named(literal(program.timezone), "zone")]
    for field in program.profile.fields:
        given = fill("CASE WHEN a.field = {f} THEN a.value END", f=literal(field.name))
        known = given if field.type.kind == "text" else exp.null()
        columns.append(named(cast(known, field.type), field.name))
    columns += [named(exp.true() if yes else exp.false(), name) for name, yes in consents]
    table = exp.Schema(
        this=exp.Table(this=exp.to_identifier("customer", quoted=True)),
        expressions=[exp.to_identifier(name, quoted=True) for name in names],
    )
    rows = select(columns, "SELECT 1 FROM arriving_newcomer AS a")
    return Statement(exp.Insert(this=table, expression=rows))
