"""The tables of the runtime's own state. Those of data are in `load`, `unify` and `intake`.

Instants are UTC without a zone. There are no indexes: a key is unique because the move and its
effect commit together, and `audit` checks it.
"""

from cij.compiler.sql import moments, names
from cij.compiler.sql.columns import stored_plainly
from cij.compiler.sql.template import Statement, query

META = query("CREATE TABLE IF NOT EXISTS meta (name VARCHAR, value VARCHAR)")

# What was said about a journey from outside: `draft`, `paused`, `resuming`, `stopped`; no row is live.
# `taken` and `ticked_at` say up to which event and instant it had gone on before the pause.
CONTROL = query(
    "CREATE TABLE IF NOT EXISTS journey_control (journey VARCHAR, state VARCHAR, since TIMESTAMP, "
    "drops_entries BOOLEAN, taken BIGINT, ticked_at TIMESTAMP)"
)

# A passage for each entry, and its moves. Names are numbers (`names`), the view has texts. `since`,
# `counts_from` and `event` are for those inside: an end changes only what is asked of it.
PASSAGES: tuple[Statement, ...] = (
    stored_plainly(
        query(
            "CREATE TABLE IF NOT EXISTS passage_row (id BIGINT, journey BIGINT, version BIGINT, "
            "customer VARCHAR, entry_key VARCHAR, trigger BIGINT, turn BIGINT, is_held_out BOOLEAN, "
            "entered_at TIMESTAMP, entered_from TIMESTAMP, state BIGINT, since TIMESTAMP, "
            "counts_from TIMESTAMP, event BIGINT, wake_at TIMESTAMP, ended_at TIMESTAMP, "
            "outcome BIGINT, cause BIGINT, at_entry VARCHAR, customer_row BIGINT)"
        ),
        *("customer", "at_entry"),
    ),
    query(
        "CREATE TABLE IF NOT EXISTS move "
        "(passage BIGINT, at TIMESTAMP, path BIGINT, why BIGINT, event BIGINT)"
    ),
    names.DDL,
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

DDL: tuple[Statement, ...] = (
    *PASSAGES,
    query("CREATE TABLE IF NOT EXISTS counter (name VARCHAR, value BIGINT)"),
    query(
        "CREATE TABLE IF NOT EXISTS program "
        "(hash VARCHAR, text VARCHAR, deployed_at TIMESTAMP, number BIGINT)"
    ),
    query("CREATE TABLE IF NOT EXISTS visit (path BIGINT, n INTEGER, state VARCHAR, why VARCHAR)"),
    # A row a state. Rows of one passage and instant are in the order of `written` and `n`.
    query(
        """
CREATE VIEW IF NOT EXISTS history AS
SELECT m.passage, m.at, v.n, v.state, COALESCE(v.why, l.text) AS why,
  CASE WHEN v.n = 0 THEN m.event END AS event, m.rowid AS written
FROM move AS m JOIN visit AS v ON v.path = m.path LEFT JOIN name AS l ON l.id = m.why
"""
    ),
    query(
        "CREATE TABLE IF NOT EXISTS conversion (journey VARCHAR, version VARCHAR, goal VARCHAR, "
        "passage BIGINT, customer VARCHAR, event BIGINT, at TIMESTAMP)"
    ),
    query(
        "CREATE TABLE IF NOT EXISTS split_arm "
        "(journey VARCHAR, split VARCHAR, arm VARCHAR, passage BIGINT, at TIMESTAMP)"
    ),
    query(
        "CREATE TABLE IF NOT EXISTS winner (journey VARCHAR, split VARCHAR, arm VARCHAR, "
        "people BIGINT, conversions BIGINT, at TIMESTAMP)"
    ),
    query("CREATE TABLE IF NOT EXISTS event_ahead (seq BIGINT, event VARCHAR, at TIMESTAMP)"),
    stored_plainly(
        query(
            "CREATE TABLE IF NOT EXISTS segment_member "
            "(segment BIGINT, customer VARCHAR, since TIMESTAMP)"
        ),
        "customer",
    ),
    query(
        "CREATE TABLE IF NOT EXISTS segment_state "
        "(segment VARCHAR, evaluated_at TIMESTAMP, definition VARCHAR, joined_at TIMESTAMP)"
    ),
    query(
        "CREATE TABLE IF NOT EXISTS journey_state "
        "(journey VARCHAR, started_at TIMESTAMP, entered_until TIMESTAMP)"
    ),
    query(
        "CREATE TABLE IF NOT EXISTS entry_queue (number BIGINT, journey VARCHAR, "
        "customer VARCHAR, entry_key VARCHAR, trigger BIGINT, entered_from TIMESTAMP, "
        "segment BIGINT, queued_at TIMESTAMP)"
    ),
    query(
        "CREATE TABLE IF NOT EXISTS turned_away (journey VARCHAR, customer VARCHAR, "
        "entry_key VARCHAR, trigger BIGINT, at TIMESTAMP, reason VARCHAR)"
    ),
    # Who must get nothing: an address, a customer or both; on one channel or (null) on all.
    query(
        "CREATE TABLE IF NOT EXISTS suppression (channel VARCHAR, address VARCHAR, "
        "customer VARCHAR, reason VARCHAR, at TIMESTAMP)"
    ),
    CONTROL,
    *moments.DDL,
)

# Until version 5 these said segments by their names. They are written anew: DuckDB cannot read back
# from its log that a column was changed by a function, so a crash would lose the store.
SAY_SEGMENTS = {
    "segment_member": "customer, since",
    "entry_queue": "number, journey, customer, entry_key, trigger, entered_from, queued_at",
}


def set_aside(table: str) -> Statement:
    """Return the statement that makes room for a table that says segments by number."""
    return query("ALTER TABLE {t} RENAME TO {old}", t=table, old=f"{table}_named")


def segments_to_numbers(table: str) -> tuple[Statement, ...]:
    """Return what fills it from the one set aside, with numbers as `names.number_of` makes them."""
    columns, old = SAY_SEGMENTS[table], f"{table}_named"
    return (
        query(
            f"INSERT INTO {{t}} (segment, {columns}) "
            f"SELECT CAST('0x' || SUBSTRING(SHA256(segment), 1, 15) AS BIGINT), {columns} FROM {{old}}",
            t=table,
            old=old,
        ),
        query("DROP TABLE {old}", old=old),
    )


# Of one tick only; emptied in the transaction that filled them.
SCRATCH: tuple[Statement, ...] = (
    query(
        "CREATE TEMPORARY TABLE IF NOT EXISTS tick_ready (journey BIGINT, version BIGINT, "
        "passage BIGINT NOT NULL, customer VARCHAR NOT NULL, trigger BIGINT, turn BIGINT NOT NULL, "
        "is_held_out BOOLEAN NOT NULL, root BIGINT, why BIGINT, event BIGINT, "
        "counts_from TIMESTAMP)"
    ),
    # Who has just entered, in the order of their numbers: `tick_candidate`.
    query(
        "CREATE TEMPORARY TABLE IF NOT EXISTS tick_entered (customer VARCHAR, entry_key VARCHAR, "
        "trigger BIGINT, counts_from TIMESTAMP, is_held_out BOOLEAN, at_entry VARCHAR, "
        "customer_row BIGINT, zone VARCHAR)"
    ),
    # Where those go who are due at one rest, the only ones: `falling_due`.
    query(
        "CREATE TEMPORARY TABLE IF NOT EXISTS tick_due (passage BIGINT, why BIGINT, event BIGINT, "
        "counts_from TIMESTAMP, customer VARCHAR, trigger BIGINT, turn BIGINT, "
        "is_held_out BOOLEAN, leaf INTEGER, wake_at TIMESTAMP, at_entry VARCHAR)"
    ),
    # Where people go of whom several regions at once move few.
    query(
        "CREATE TEMPORARY TABLE IF NOT EXISTS tick_move (passage BIGINT, state BIGINT, "
        "counts_from TIMESTAMP, event BIGINT, wake_at TIMESTAMP, turn BIGINT, outcome BIGINT, "
        "cause BIGINT)"
    ),
    # Where the timers of live rests lead; of a run, not of a tick.
    query(
        "CREATE TEMPORARY TABLE IF NOT EXISTS timeout "
        "(journey BIGINT, version BIGINT, state BIGINT, root BIGINT)"
    ),
    query(
        "CREATE TEMPORARY TABLE IF NOT EXISTS tick_event "
        "(seq BIGINT, event VARCHAR, customer VARCHAR, at TIMESTAMP, round BIGINT)"
    ),
    # Who did something since the last tick that a segment reads.
    query("CREATE TEMPORARY TABLE IF NOT EXISTS tick_active (customer VARCHAR)"),
)

VISITED = query("SELECT DISTINCT v.path FROM visit AS v")

# The tables of what is done once: a row has the key of its step, passage and turn.
KEYED = ("outbox", "field_write")


def audit(table: str) -> Statement:
    """Return the query for keys that stand twice in one of `KEYED`, with their number: none (S19)."""
    return query(
        "SELECT o.key, COUNT(*) FROM {table} AS o GROUP BY o.key HAVING COUNT(*) > 1 ORDER BY o.key",
        table=table,
    )


AUDIT = audit("outbox")
