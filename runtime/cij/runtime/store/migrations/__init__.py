"""Migrations: they upgrade a state file of an older version, one version at a time.

Each migration works on the tables of its version, so its statements are never changed. Tables are
rewritten and not altered: DuckDB cannot replay from its log a column that was altered with a
function, so a crash would lose the store. Views are made again after the last migration.
"""

from collections.abc import Callable

from cij.runtime.engine import Engine
from cij.runtime.store.migrations import (
    v3_outbox_in_two_tables,
    v4_passages_by_number,
    v5_segments_by_number,
    v6_own_names,
    v7_skipped_times,
)

# In order, with the version to which each upgrades a store.
MIGRATIONS: tuple[tuple[int, Callable[[Engine], None]], ...] = (
    (3, v3_outbox_in_two_tables.run),
    (4, v4_passages_by_number.run),
    (5, v5_segments_by_number.run),
    (6, v6_own_names.run),
    (7, v7_skipped_times.run),
)
OLDEST, NEWEST = 2, MIGRATIONS[-1][0]


def bring_over(engine: Engine, version: int) -> None:
    """Upgrade the tables of a store from `version` to the newest one, in the caller's
    transaction."""
    for number, run in MIGRATIONS:
        if number > version:
            run(engine)
