"""The views of the store: rows with texts instead of numbers, for people and for reports."""

from dataclasses import dataclass

from cij.compiler.sql import Statement, query
from cij.compiler.sql.outbox import KEY


@dataclass(frozen=True, slots=True)
class View:
    """A view over the table `over`. It exists wherever that table does."""

    name: str
    over: str
    ddl: Statement

    @property
    def drop(self) -> Statement:
        """The statement that removes the view."""
        return query("DROP VIEW IF EXISTS {v}", v=self.name)


PASSAGE = View(
    "passage",
    "passage_row",
    query(
        """
CREATE VIEW IF NOT EXISTS passage AS
SELECT r.id, j.text AS journey, v.text AS version, r.customer,
  COALESCE(r.entry_key, '') AS entry_key, r.trigger, r.turn, r.is_held_out, r.entered_at,
  r.entered_from, s.text AS state, COALESCE(r.ended_at, r.since) AS since,
  CASE WHEN r.ended_at IS NULL THEN r.counts_from END AS counts_from,
  CASE WHEN r.ended_at IS NULL THEN r.event END AS event, r.wake_at, r.ended_at,
  o.text AS outcome, c.text AS cause, r.at_entry, r.customer_row
FROM passage_row AS r
LEFT JOIN name AS j ON j.id = r.journey
LEFT JOIN name AS v ON v.id = r.version
LEFT JOIN name AS s ON s.id = r.state
LEFT JOIN name AS o ON o.id = r.outcome
LEFT JOIN name AS c ON c.id = r.cause
"""
    ),
)

# One row for each visited state. `written` and `n` order the rows of one passage and instant.
# `written` is DuckDB's own row number, because a column would cost 8 bytes for each move.
HISTORY = View(
    "history",
    "move",
    query(
        """
CREATE VIEW IF NOT EXISTS history AS
SELECT m.passage, m.at, v.n, v.state, COALESCE(v.why, l.text) AS why,
  CASE WHEN v.n = 0 THEN m.event END AS event, m.rowid AS written
FROM move AS m JOIN visit AS v ON v.path = m.path LEFT JOIN name AS l ON l.id = m.why
"""
    ),
)

# A queued row is due from its creation, unless it has a later time. The outcome is cast to text,
# because an enum would sort in the order of its declaration.
OUTBOX = View(
    "outbox",
    "outbox_row",
    query(
        """
CREATE VIEW IF NOT EXISTS outbox AS
SELECT {key} AS key, e.journey, e.version, o.passage, e.step, o.customer, e.channel, e.topic,
  e.message, e.content, o.locale, o.address, o.parameters, o.created_at,
  CAST(o.outcome AS TEXT) AS outcome, o.reason, COALESCE(o.attempts, 0) AS attempts,
  CASE WHEN o.outcome = 'queued' THEN COALESCE(o.due_at, o.created_at) ELSE o.due_at END AS due_at,
  o.settled_at, o.provider_id, o.expires_at
FROM outbox_row AS o JOIN effect AS e ON e.id = o.effect
""",
        key=KEY,
    ),
)

VIEWS = (PASSAGE, HISTORY, OUTBOX)
