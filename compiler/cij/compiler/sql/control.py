"""Orders about journeys, as parts of conditions. Only this module knows how a pause is stored."""

# The query for the names of paused journeys (S22), to be used with `IN`.
PAUSED = "SELECT k.journey FROM journey_control AS k WHERE k.state = 'paused'"
# The query for the journeys in which no timer fires: paused ones, and those that failed (S28). It
# has numbers, because passages hold numbers.
STANDING_NUMBERS = (
    "SELECT l.id FROM journey_control AS k JOIN name AS l ON l.text = k.journey "
    "WHERE k.state IN ('paused', 'failed')"
)
# The query for the numbers of journeys that go on in this tick after a pause or a failure.
RESUMING_NUMBERS = (
    "SELECT l.id FROM journey_control AS k JOIN name AS l ON l.text = k.journey "
    "WHERE k.state IN ('resuming', 'retrying')"
)
