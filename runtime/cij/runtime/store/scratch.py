"""The scratch tables of ticks.

They are made once for a connection, and each transaction empties them.

Making them in each tick would take longer than a small tick.
"""

from cij.compiler.sql.table import Table

TEXT, NUMBER, COUNT, YES, INSTANT = "VARCHAR", "BIGINT", "INTEGER", "BOOLEAN", "TIMESTAMP"

# Passages that are ready: where each goes on, and why. Everywhere here `as_of` is the own instant of a
# row (S12): when it was due, which is the instant of the tick or before it.
READY = Table(
    "tick_ready",
    (
        *(("journey", NUMBER), ("version", NUMBER), ("passage", NUMBER), ("customer", TEXT)),
        *(("trigger", NUMBER), ("turn", NUMBER), ("is_held_out", YES), ("root", NUMBER)),
        *(("why", NUMBER), ("event", NUMBER), ("counts_from", INSTANT), ("as_of", INSTANT)),
    ),
    known=("passage", "customer", "turn", "is_held_out"),
    is_scratch=True,
)
# Customers who want to enter a journey. `entry` is the place of the `enter`.
CANDIDATES = Table(
    "tick_candidate",
    (
        *(("customer", TEXT), ("trigger", NUMBER), ("entry_key", TEXT), ("counts_from", INSTANT)),
        *(("as_of", INSTANT), ("segment", NUMBER), ("entry", NUMBER)),
    ),
    is_scratch=True,
)
# Customers who enter in this tick, in the order of their numbers.
ENTERED = Table(
    "tick_entered",
    (
        *(("customer", TEXT), ("entry_key", TEXT), ("trigger", NUMBER), ("counts_from", INSTANT)),
        *(("as_of", INSTANT), ("is_held_out", YES), ("at_entry", TEXT), ("customer_row", NUMBER)),
        ("zone", TEXT),
    ),
    is_scratch=True,
)
# The batch of the strategy `due_in_place`.
DUE = Table(
    "tick_due",
    (
        *(("passage", NUMBER), ("why", NUMBER), ("event", NUMBER), ("counts_from", INSTANT)),
        *(("customer", TEXT), ("trigger", NUMBER), ("turn", NUMBER), ("is_held_out", YES)),
        *(("as_of", INSTANT), ("leaf", COUNT), ("acted_at", INSTANT), ("wake_at", INSTANT)),
        ("at_entry", TEXT),
    ),
    is_scratch=True,
)
# The moves of several regions, which the strategy `few_of_many` writes at once.
MOVES = Table(
    "tick_move",
    (
        *(("passage", NUMBER), ("state", NUMBER), ("counts_from", INSTANT), ("event", NUMBER)),
        *(("acted_at", INSTANT), ("wake_at", INSTANT), ("turn", NUMBER), ("outcome", NUMBER)),
        ("cause", NUMBER),
    ),
    is_scratch=True,
)
# The root to which the timer of each wait leads. It is filled when a program is deployed.
TIMEOUT = Table(
    "timeout",
    (("journey", NUMBER), ("version", NUMBER), ("state", NUMBER), ("root", NUMBER)),
    is_scratch=True,
)
# Events since the last tick.
EVENTS = Table(
    "tick_event",
    (
        *(("seq", NUMBER), ("event", TEXT), ("customer", TEXT), ("at", INSTANT)),
        *(("as_of", INSTANT), ("round", NUMBER)),
    ),
    is_scratch=True,
)
# Customers with an event since the last tick that a segment reads.
ACTIVE = Table("tick_active", (("customer", TEXT),), is_scratch=True)

SCRATCH = (READY, CANDIDATES, ENTERED, DUE, MOVES, TIMEOUT, EVENTS, ACTIVE)
