"""The statements that choose a sample of customers, and remove the others from a copy."""

from cij.compiler.sql import Statement, query

WHOLE = query("SELECT COUNT(*) FROM customer AS c")
# Shape: (customers, highest hash of them or null).
LOWEST = query(
    """
SELECT COUNT(*), MAX(s.hash) FROM (
  SELECT MD5(c.id) AS hash, ROW_NUMBER() OVER (ORDER BY MD5(c.id)) AS n FROM customer AS c
) AS s WHERE s.n <= $count
"""
)
LEAVE_OUT = (
    query("DELETE FROM customer WHERE MD5(customer.id) > $bound"),
    query("DELETE FROM past_consent WHERE MD5(past_consent.customer) > $bound"),
)


def leave_out_events(event: str) -> Statement:
    """Return the statement that removes the events of customers outside. Anonymous ones stay."""
    return query("DELETE FROM {t} WHERE MD5({t}.customer) > $bound", t=f"event_{event}")
