"""The types of parameters: one for each name, in all statements of the plan."""

from collections.abc import Mapping

# The parameters of the statements of a plan. DuckDB infers their types; PostgreSQL needs them.
PARAMETER_TYPES: Mapping[str, str] = {
    # Instants: of the tick, of the journey, of the last evaluation of entries.
    **dict.fromkeys(("now", "opens", "closes", "entered_until", "horizon", "last"), "TIMESTAMP"),
    **dict.fromkeys(
        ("ticked_at", "since", "tick", "as_of", "due", "earliest", "instant"), "TIMESTAMP"
    ),
    # Numbers: of events, passages and states; of a round; how many.
    **dict.fromkeys(("taken", "until", "round", "first", "entered", "capacity", "state"), "BIGINT"),
    # The number of the name of an event.
    "why": "BIGINT",
    # The name of an event, a journey or a channel, a reason in words.
    **dict.fromkeys(("event", "journey", "channel", "reason"), "VARCHAR"),
    # A JSON list of versions as numbers.
    "versions": "VARCHAR",
}
