"""Whether keys are unique: there is no index on them, so a query tells (S19)."""

from cij.compiler.sql import Statement, query

# The tables of what is done once: a row has the key of its step, passage and turn.
KEYED = ("outbox", "field_write")


def doubles(table: str) -> Statement:
    """Return the query for the keys that more than one row of a table in `KEYED` has: none."""
    return query(
        "SELECT o.key, COUNT(*) FROM {table} AS o GROUP BY o.key HAVING COUNT(*) > 1 ORDER BY o.key",
        table=table,
    )


def count(table: str) -> Statement:
    """Return the query for the number of rows of a table."""
    return query("SELECT COUNT(*) FROM {table}", table=table)


DOUBLE_MESSAGES = doubles("outbox")
