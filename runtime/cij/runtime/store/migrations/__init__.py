"""Migrations: what brings a state file of an older version over, one version at a time.

Each works on the tables as they were in its version, so its statements are never changed. Tables are
written anew and not altered: DuckDB cannot replay from its log that a column was changed by a
function, and a crash would lose the store. Views are made anew after the last one.
"""

from collections.abc import Callable

from cij.runtime.engine import Engine
from cij.runtime.store.migrations import (
    v3_outbox_in_two_tables,
    v4_passages_by_number,
    v5_segments_by_number,
)

# The version that each brings a store to, in order.
MIGRATIONS: tuple[tuple[int, Callable[[Engine], None]], ...] = (
    (3, v3_outbox_in_two_tables.run),
    (4, v4_passages_by_number.run),
    (5, v5_segments_by_number.run),
)
OLDEST, NEWEST = 2, MIGRATIONS[-1][0]


def bring_over(engine: Engine, version: int) -> None:
    """Bring the tables of a store of `version` to the newest one, within the caller's transaction."""
    for number, run in MIGRATIONS:
        if number > version:
            run(engine)
