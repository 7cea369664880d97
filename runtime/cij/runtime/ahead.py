"""Work ahead: what the next tick will say is put into words while nothing else is to be done.

The first statements of a region take some milliseconds each to make. In a large store, where a tick
has few who move, that is as long as all the rest.
"""

from datetime import datetime

from cij.compiler.sql import query
from cij.compiler.sql.interning import number_of
from cij.runtime import aside, wave
from cij.runtime.engine import Row
from cij.runtime.world import World

_DUE_THEN = query(
    "SELECT p.version, p.state, COUNT(*) FROM passage_row AS p WHERE p.wake_at = $at "
    "GROUP BY p.version, p.state"
)


def make_ready(world: World, at: datetime) -> bool:
    """Make the statements that move those who are due at an instant, where they are few of many.

    Returns whether there are such people. Nothing in the store changes.
    """
    if not aside.are_few(world.engine, 1):
        return False
    due = _due(world, at)
    people = sum(row[3] for row in due)
    if not due or not aside.are_few(world.engine, people):
        return False
    aside.make_ready(world.engine)
    wave.make_ready(world, due)
    return True


def _due(world: World, at: datetime) -> list[Row]:
    """Return how many are due, by journey, version and root."""
    plans = {number_of(plan.version): plan for plan in world.journeys.values()}
    found: list[Row] = []
    for version, rest, people in world.engine.rows(_DUE_THEN, {"at": at}):
        plan = plans[version]
        roots = [root for name, root in plan.timers.items() if number_of(name) == rest]
        found += [(plan.name, plan.version, root, people) for root in roots]
    return sorted(found)
