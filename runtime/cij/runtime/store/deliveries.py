"""The table `event_delivered`, as far as the outbox fills it."""

from cij.compiler.sql import query
from cij.compiler.sql.outbox import CALLS, KEY

EVENT = "delivered"

# Calls are no messages: what they return is an event of its own.
NOTE = query(
    f"""
INSERT INTO event_{EVENT} (seq, id, customer, at, arrived_at, message_key, channel)
SELECT $last + ROW_NUMBER() OVER (
    ORDER BY o.settled_at ASC, o.passage ASC, o.effect ASC, o.turn ASC
  ), {{key}}, o.customer, o.settled_at, $now, {{key}}, e.channel
FROM outbox_row AS o JOIN effect AS e ON e.id = o.effect
WHERE o.outcome = 'delivered' AND NOT o.customer IS NULL AND o.settled_at >= $since AND e.channel <> '{CALLS}'
  AND NOT {{key}} IN (SELECT d.message_key FROM event_{EVENT} AS d WHERE NOT d.message_key IS NULL)
""",
    key=KEY,
)
