"""Queries that check that keys are unique (S19).

There is no index on keys, which would slow inserts.
"""

from cij.compiler.sql import Statement, query

# The tables of effects that happen once: the key of a row has its step, passage and iteration.
KEYED = ("outbox", "field_write")


def doubles(table: str) -> Statement:
    """Return the query for keys that more than one row of a table in `KEYED` has.

    It must find none.
    """
    return query(
        "SELECT o.key, COUNT(*) FROM {table} AS o GROUP BY o.key HAVING COUNT(*) > 1 ORDER BY o.key",
        table=table,
    )


def count(table: str) -> Statement:
    """Return the query for the number of rows of a table."""
    return query("SELECT COUNT(*) FROM {table}", table=table)


DOUBLE_MESSAGES = doubles("outbox")
