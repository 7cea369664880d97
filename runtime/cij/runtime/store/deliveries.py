"""The tables `event_delivered` and `event_failed`, as far as the outbox fills them."""

from collections.abc import Mapping

from cij.compiler.sql import Statement, query
from cij.compiler.sql.outbox import CALLS, KEY

_NOTE = """
INSERT INTO {events} (seq, id, customer, at, arrived_at, message_key, channel, message, topic, journey
  REASON)
SELECT $last + ROW_NUMBER() OVER (
    ORDER BY o.settled_at ASC, o.passage ASC, o.effect ASC, o.turn ASC
  ), {key}, o.customer, o.settled_at, $now, {key}, e.channel, e.message, e.topic, e.journey WHY
FROM outbox_row AS o JOIN effect AS e ON e.id = o.effect
WHERE o.outcome = 'OUTCOME' AND NOT o.customer IS NULL AND o.settled_at >= $since AND WHICH
  AND NOT {key} IN (SELECT d.message_key FROM {events} AS d WHERE NOT d.message_key IS NULL)
"""


def _note(outcome: str, which: str, reason: str = "", why: str = "") -> Statement:
    # Only words of this file are put into the text.
    text = _NOTE.replace("OUTCOME", outcome).replace("WHICH", which)
    return query(
        text.replace("REASON", reason).replace("WHY", why), events=f"event_{outcome}", key=KEY
    )


# By the outcome, which is the name of the event. What a call returns is an event of its own, so
# only a call that failed is noted here.
NOTES: Mapping[str, Statement] = {
    "delivered": _note("delivered", f"e.channel <> '{CALLS}'"),
    "failed": _note("failed", "TRUE", ", reason", ", o.reason"),
}
