"""Queries over the messages of a simulated period."""

from cij.compiler.sql import query
from cij.compiler.sql.making import make
from cij.compiler.sql.parameters import list_of

# The messages that would leave. One that a rule stopped has another outcome.
SENT = make(
    "plan_sent",
    """
SELECT e.journey, e.channel, e.message, o.customer, o.created_at AS at
FROM outbox_row AS o JOIN effect AS e ON e.id = o.effect
WHERE o.created_at >= $start AND o.created_at <= $until AND e.channel <> 'action'
  AND o.outcome IN ('queued', 'sending', 'delivered', 'uncertain')
""",
)
# Shape: (journey, channel, message, messages, people).
BY_MESSAGE = query(
    "SELECT s.journey, s.channel, s.message, COUNT(*), COUNT(DISTINCT s.customer) "
    "FROM plan_sent AS s GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
)
# Customers who get messages of two journeys on one channel within `$window_s` seconds. Shape: (changed
# journey, other journey, channel, people).
CLASHES = query(
    """
SELECT a.journey, b.journey, a.channel, COUNT(DISTINCT a.customer)
FROM plan_sent AS a JOIN plan_sent AS b
  ON b.customer = a.customer AND b.channel = a.channel AND b.journey <> a.journey
  AND b.at >= a.at - $window_s * INTERVAL '1 second'
  AND b.at <= a.at + $window_s * INTERVAL '1 second'
WHERE a.journey IN (SELECT l.item FROM {changed} AS l)
  AND (a.journey < b.journey OR NOT b.journey IN (SELECT l.item FROM {changed} AS l))
GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3
""",
    changed=list_of("changed"),
)
