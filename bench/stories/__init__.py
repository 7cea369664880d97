"""How long the tests that journeys carry take."""
