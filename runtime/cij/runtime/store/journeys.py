"""The tables `journey_state`, `program` and `content`: deployed programs and the starts of
journeys."""

from cij.compiler.sql import query

# --- journeys ---------------------------------------------------------------------------------

STARTED = query("SELECT j.journey FROM journey_state AS j")
# A journey that was a draft starts at `$now`, so that no customer enters for the time before.
RESTART = query(
    "UPDATE journey_state SET started_at = $now, entered_until = NULL WHERE journey = $journey"
)
# Includes journeys of stores from before `journey_state` existed.
KNOWN = query(
    "SELECT j.journey FROM journey_state AS j UNION SELECT p.journey FROM passage AS p ORDER BY 1"
)

# --- programs ---------------------------------------------------------------------------------

PROGRAM = query("SELECT p.text FROM program AS p WHERE p.hash = $hash")
# The newest program has the highest number, also where an older text is deployed again.
PROGRAMS = query("SELECT p.text FROM program AS p ORDER BY p.number DESC NULLS LAST")
NEWEST_PROGRAM = query("SELECT p.text FROM program AS p ORDER BY p.number DESC NULLS LAST LIMIT 1")
REMOVE_PROGRAM = query("DELETE FROM program WHERE hash = $hash")
ADD_PROGRAM = query(
    "INSERT INTO program (hash, text, deployed_at, number) "
    "SELECT $hash, $text, $now, COALESCE(MAX(p.number), 0) + 1 FROM program AS p"
)

# --- messages and actions, by the hash of their content ----------------------------------------

CONTENT = query("SELECT c.hash FROM content AS c WHERE c.hash = $hash")
ADD_CONTENT = query("INSERT INTO content (hash, message) VALUES ($hash, $message)")

# Events before the earliest start of a journey move no passage.
FIRST_START = query("SELECT MIN(j.started_at) FROM journey_state AS j")

STATES = query("SELECT j.journey, j.started_at, j.entered_until FROM journey_state AS j")
# The instant up to which entries have been evaluated.
SET_ENTERED = query(
    "UPDATE journey_state SET entered_until = $now "
    """WHERE journey IN (SELECT UNNEST(FROM_JSON($journeys, '["VARCHAR"]')))"""
)
