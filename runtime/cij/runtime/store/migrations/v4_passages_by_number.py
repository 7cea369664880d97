"""To version 4: passages and moves hold journeys, states, reasons and outcomes as numbers.

Before, `passage` was a table with texts and `move.why` was a text. Rows of the outbox had the text
of their key, which ends with the iteration.
"""

from cij.compiler.sql import query
from cij.compiler.sql.columns import stored_plainly
from cij.runtime.engine import Engine
from cij.runtime.store.interning import keep_names

_OUTCOMES = (
    "ENUM('queued', 'sending', 'delivered', 'failed', 'uncertain', 'cancelled', 'withheld', "
    "'expired', 'no_consent', 'suppressed', 'no_address', 'capped')"
)
_NAMES = query("CREATE TABLE IF NOT EXISTS name (id BIGINT, text VARCHAR)")

_SET_PASSAGES_ASIDE = (
    query("ALTER TABLE passage RENAME TO passage_wide"),
    query("ALTER TABLE move RENAME TO move_wide"),
    # A store may be older than this column.
    query("ALTER TABLE passage_wide ADD COLUMN IF NOT EXISTS customer_row BIGINT"),
)
_MAKE_PASSAGES = (
    stored_plainly(
        query(
            "CREATE TABLE passage_row (id BIGINT, journey BIGINT, version BIGINT, "
            "customer VARCHAR, entry_key VARCHAR, trigger BIGINT, turn BIGINT, is_held_out BOOLEAN, "
            "entered_at TIMESTAMP, entered_from TIMESTAMP, state BIGINT, since TIMESTAMP, "
            "counts_from TIMESTAMP, event BIGINT, wake_at TIMESTAMP, ended_at TIMESTAMP, "
            "outcome BIGINT, cause BIGINT, at_entry VARCHAR, customer_row BIGINT)"
        ),
        *("customer", "at_entry"),
    ),
    query(
        "CREATE TABLE move (passage BIGINT, at TIMESTAMP, path BIGINT, why BIGINT, event BIGINT)"
    ),
)
_TEXTS = query(
    """
SELECT DISTINCT u.name FROM (
  SELECT UNNEST([p.journey, p.version, p.state, p.outcome, p.cause]) AS name FROM passage_wide AS p
  UNION ALL SELECT m.why FROM move_wide AS m
) AS u WHERE NOT u.name IS NULL
"""
)
# In the order of writing, so that later queries skip blocks of old rows.
_FILL_PASSAGES = (
    query(
        """
INSERT INTO passage_row (id, journey, version, customer, entry_key, trigger, turn, is_held_out,
  entered_at, entered_from, state, since, counts_from, event, wake_at, ended_at, outcome, cause,
  at_entry, customer_row)
SELECT p.id, j.id, v.id, p.customer, p.entry_key, p.trigger, p.turn, p.is_held_out,
  p.entered_at, p.entered_from, s.id, p.since, p.counts_from, p.event, p.wake_at, p.ended_at, o.id,
  c.id, p.at_entry, p.customer_row
FROM passage_wide AS p
LEFT JOIN name AS j ON j.text = p.journey
LEFT JOIN name AS v ON v.text = p.version
LEFT JOIN name AS s ON s.text = p.state
LEFT JOIN name AS o ON o.text = p.outcome
LEFT JOIN name AS c ON c.text = p.cause
ORDER BY p.rowid
"""
    ),
    query(
        """
INSERT INTO move (passage, at, path, why, event)
SELECT m.passage, m.at, m.path, l.id, m.event
FROM move_wide AS m LEFT JOIN name AS l ON l.text = m.why
ORDER BY m.rowid
"""
    ),
    query("DROP TABLE passage_wide"),
    query("DROP TABLE move_wide"),
)

_WRITE_OUTBOX = (
    query("ALTER TABLE outbox_row RENAME TO outbox_keyed"),
    stored_plainly(
        query(
            "CREATE TABLE outbox_row (effect BIGINT NOT NULL, passage BIGINT, turn BIGINT, "
            "customer VARCHAR, locale VARCHAR, address VARCHAR, parameters VARCHAR, "
            f"created_at TIMESTAMP, outcome {_OUTCOMES}, reason VARCHAR, attempts INTEGER, "
            "due_at TIMESTAMP, settled_at TIMESTAMP, provider_id VARCHAR, expires_at TIMESTAMP)"
        ),
        *("customer", "address", "parameters"),
    ),
    query(
        """
INSERT INTO outbox_row (effect, passage, turn, customer, locale, address, parameters, created_at,
  outcome, reason, attempts, due_at, settled_at, provider_id, expires_at)
SELECT o.effect, o.passage, CAST(SPLIT_PART(o.key, ':', -1) AS BIGINT), o.customer, o.locale,
  o.address, o.parameters, o.created_at, o.outcome, o.reason, o.attempts, o.due_at, o.settled_at,
  o.provider_id, o.expires_at
FROM outbox_keyed AS o ORDER BY o.rowid
"""
    ),
    query("DROP TABLE outbox_keyed"),
)


def run(engine: Engine) -> None:
    """Rewrite passages, moves and the outbox, where they have the older form."""
    engine.execute(_NAMES)
    if engine.columns_of("passage") and not engine.columns_of("passage_row"):
        for statement in (*_SET_PASSAGES_ASIDE, *_MAKE_PASSAGES):
            engine.execute(statement)
        keep_names(engine, (name for (name,) in engine.rows(_TEXTS)))
        for statement in _FILL_PASSAGES:
            engine.execute(statement)
    if "key" in engine.columns_of("outbox_row"):
        for statement in _WRITE_OUTBOX:
            engine.execute(statement)
