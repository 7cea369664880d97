"""What is ordered for a journey from outside, as text of conditions: what is paused is written here alone."""

# A query for the names of the journeys that are paused (S22), to be read with `IN`.
PAUSED = "SELECT k.journey FROM journey_control AS k WHERE k.state = 'paused'"
# The journeys in which no timer fires: those that are paused, and those that failed (S28). As the
# numbers that passages have.
STANDING_NUMBERS = (
    "SELECT l.id FROM journey_control AS k JOIN name AS l ON l.text = k.journey "
    "WHERE k.state IN ('paused', 'failed')"
)
