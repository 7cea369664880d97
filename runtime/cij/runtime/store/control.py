"""The table `journey_control`: orders about journeys, and which journeys do not run because of
them."""

from cij.compiler.sql import query

STATES = query("SELECT k.journey, k.state FROM journey_control AS k")
STATE = query("SELECT k.state FROM journey_control AS k WHERE k.journey = $journey")
IN_STATE = query("SELECT k.journey FROM journey_control AS k WHERE k.state = $state")
RESUMING = query(
    "SELECT k.journey, k.taken, k.ticked_at, k.state = 'retrying' FROM journey_control AS k "
    "WHERE k.state IN ('resuming', 'retrying') ORDER BY k.journey"
)
STANDING_STILL = query(
    "SELECT k.journey FROM journey_control AS k WHERE k.state IN ('paused', 'failed')"
)
# All states except drafts, with the instant from which each holds.
HELD = query(
    "SELECT k.journey, k.state, k.since FROM journey_control AS k "
    "WHERE k.state IN ('paused', 'resuming', 'stopped', 'failed', 'retrying') ORDER BY k.journey"
)

FORGET = query("DELETE FROM journey_control WHERE journey = $journey")
# The last event and tick before the pause are kept, because its end handles everything after them
# (S22).
PAUSE = query(
    """
INSERT INTO journey_control (journey, state, since, drops_entries, taken, ticked_at)
SELECT $journey, 'paused', $now, $drops, k.value, COALESCE(
  (SELECT CAST(m.value AS TIMESTAMP) FROM meta AS m WHERE m.name = 'last_tick'), $now)
FROM counter AS k WHERE k.name = 'taken'
"""
)
# For a journey that failed (S28) the last event and tick are kept as for a pause, for the retry.
FAIL = query(
    """
INSERT INTO journey_control (journey, state, since, drops_entries, taken, ticked_at)
SELECT $journey, 'failed', $now, FALSE, k.value, COALESCE(
  (SELECT CAST(m.value AS TIMESTAMP) FROM meta AS m WHERE m.name = 'last_tick'), $now)
FROM counter AS k WHERE k.name = 'taken'
"""
)
SET_STATE = query("UPDATE journey_control SET state = $state WHERE journey = $journey")
DROP_ENTRIES = query("UPDATE journey_control SET drops_entries = $drops WHERE journey = $journey")
RESUME = query(
    "UPDATE journey_control SET state = 'resuming', since = $now WHERE journey = $journey"
)
PAUSE_AGAIN = query(
    "UPDATE journey_control SET state = 'paused', drops_entries = $drops WHERE journey = $journey"
)
STOP = query(
    "INSERT INTO journey_control (journey, state, since) VALUES ($journey, 'stopped', $now)"
)
BEGIN_DRAFT = query(
    "INSERT INTO journey_control (journey, state, since) VALUES ($journey, 'draft', $now)"
)
END_DRAFT = query("DELETE FROM journey_control WHERE journey = $journey AND state = 'draft'")

# The states that matter for entries.
ENTRIES = query("SELECT k.journey, k.state, k.drops_entries FROM journey_control AS k")
