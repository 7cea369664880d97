"""Queries for what identifies one person, whose ids are the JSON list `$ids` (S27)."""

from cij.compiler.sql import Statement, query
from cij.compiler.sql.columns import column
from cij.compiler.sql.parameters import list_of

_IDS = list_of("ids")

ALIASES = query(
    "SELECT a.alias FROM customer_alias AS a WHERE a.customer IN (SELECT l.item FROM {ids} AS l)",
    ids=_IDS,
)
KEYS = query(
    "SELECT k.source, k.key FROM customer_key AS k "
    "WHERE k.customer IN (SELECT l.item FROM {ids} AS l)",
    ids=_IDS,
)
WRITES = query(
    "SELECT DISTINCT w.value FROM field_write AS w WHERE w.field = $field "
    "AND NOT w.value IS NULL AND w.customer IN (SELECT l.item FROM {ids} AS l)",
    ids=_IDS,
)
SENT_TO = query(
    "SELECT DISTINCT o.address FROM outbox_row AS o WHERE NOT o.address IS NULL "
    "AND o.customer IN (SELECT l.item FROM {ids} AS l)",
    ids=_IDS,
)
PASSAGES = query(
    "INSERT INTO forget_passage (id) SELECT p.id FROM passage_row AS p "
    "WHERE p.customer IN (SELECT f.id FROM forget_customer AS f)"
)


def values(field: str) -> Statement:
    """Return the query for the values of a field of the customer."""
    return query(
        "SELECT DISTINCT {c} FROM customer AS c WHERE c.id IN (SELECT l.item FROM {ids} AS l)",
        c=column("c", field),
        ids=_IDS,
    )


def of_records(place: str) -> Statement:
    """Return the query for a column of `unify_record`, of the records `$keys`: a JSON list of
    `source:key`."""
    return query(
        "SELECT DISTINCT {c} FROM unify_record AS r "
        "WHERE CONCAT(r.source, ':', r.key) IN (SELECT l.item FROM {keys} AS l)",
        c=column("r", place),
        keys=list_of("keys"),
    )


def events(table: str) -> Statement:
    """Return the statement that notes the numbers of the person's events of a table."""
    return query(
        "INSERT INTO forget_event (seq) SELECT e.seq FROM {t} AS e "
        "WHERE e.customer IN (SELECT f.id FROM forget_customer AS f)",
        t=table,
    )
