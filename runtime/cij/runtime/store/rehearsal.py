"""The outbox in virtual time: what would be written, and what cannot be."""

from cij.compiler.sql import query
from cij.compiler.sql.control import PAUSED
from cij.compiler.sql.outbox import CALLS
from cij.compiler.sql.parameters import list_of, rows_of
from cij.runtime.store.outbox import ID

CONTENTS = query(f"SELECT DISTINCT e.content FROM effect AS e WHERE e.channel <> '{CALLS}'")
DUE = query(
    f"""
SELECT o.effect, o.passage, o.turn, e.content, o.locale, o.parameters
FROM outbox_row AS o JOIN effect AS e ON e.id = o.effect
WHERE o.outcome = 'queued' AND COALESCE(o.due_at, o.created_at) <= $now
  AND e.content IN (SELECT l.item FROM {{contents}} AS l) AND NOT e.journey IN ({PAUSED})
ORDER BY o.effect, o.passage, o.turn
""",
    contents=list_of("contents"),
)
FAIL = query(
    """
UPDATE outbox_row SET outcome = 'failed', reason = s.reason, settled_at = $now, due_at = NULL
FROM {rows} AS s
WHERE outbox_row.passage = s.passage AND outbox_row.effect = s.effect AND outbox_row.turn = s.turn
""",
    rows=rows_of("rows", {**ID, "reason": "VARCHAR"}),
)
