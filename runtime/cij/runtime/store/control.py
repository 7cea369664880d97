"""The table `journey_control`: what was ordered for journeys, and what stands still because of it."""

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
# Everything but drafts, with the instant since which it is so.
HELD = query(
    "SELECT k.journey, k.state, k.since FROM journey_control AS k "
    "WHERE k.state IN ('paused', 'resuming', 'stopped', 'failed', 'retrying') ORDER BY k.journey"
)

FORGET = query("DELETE FROM journey_control WHERE journey = $journey")
# Up to which event and tick the journey had gone on is kept for the end of the pause.
PAUSE = query(
    """
INSERT INTO journey_control (journey, state, since, drops_entries, taken, ticked_at)
SELECT $journey, 'paused', $now, $drops, k.value, COALESCE(
  (SELECT CAST(m.value AS TIMESTAMP) FROM meta AS m WHERE m.name = 'last_tick'), $now)
FROM counter AS k WHERE k.name = 'taken'
"""
)
# A journey that failed (S28): from where on its events are to be made up is kept as in a pause.
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

# What they mean for those who want to enter.
ENTRIES = query("SELECT k.journey, k.state, k.drops_entries FROM journey_control AS k")
