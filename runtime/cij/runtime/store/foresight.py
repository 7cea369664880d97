"""Queries that compare the customers and segments of now with those that a run would make."""

from cij.compiler.sql import query
from cij.compiler.sql.making import make

BEFORE = (
    make("plan_customer", "SELECT c.id FROM customer AS c"),
    make(
        "plan_key", "SELECT k.source, k.key, k.customer FROM customer_key AS k WHERE k.is_present"
    ),
    make("plan_member", "SELECT s.segment, s.customer FROM segment_member AS s"),
)

NEW = query(
    "SELECT COUNT(*) FROM customer AS c LEFT JOIN plan_customer AS p ON p.id = c.id "
    "WHERE p.id IS NULL"
)
# Records that lead to another customer than before.
OTHER_ID = query(
    "SELECT COUNT(DISTINCT p.customer) FROM plan_key AS p "
    "JOIN customer_key AS k ON k.source = p.source AND k.key = p.key AND k.is_present "
    "WHERE k.customer <> p.customer"
)
# Sources that have lost keys which another source has only now. Shape: (old, new, keys).
SAME_KEYS = query(
    """
SELECT p.source, k.source, COUNT(*)
FROM plan_key AS p
JOIN customer_key AS k ON k.key = p.key AND k.is_present AND k.source <> p.source
WHERE NOT EXISTS(SELECT 1 FROM customer_key AS o
    WHERE o.source = p.source AND o.is_present)
  AND NOT EXISTS(SELECT 1 FROM plan_key AS b WHERE b.source = k.source)
GROUP BY p.source, k.source
ORDER BY COUNT(*) DESC, p.source, k.source
"""
)
