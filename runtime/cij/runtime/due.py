"""When something is due next: what the scheduler and the simulation go by."""

from datetime import datetime

from cij.compiler.sql import query
from cij.runtime import control
from cij.runtime.delivery import outbox
from cij.runtime.entering import next_entry
from cij.runtime.segments import has_new_data, next_condition, next_evaluation
from cij.runtime.tick import last_tick
from cij.runtime.world import World

# Who has left has no timer any more.
_NEXT_TIMER = query("SELECT MIN(p.wake_at) FROM passage AS p")
# In a pause timers run on, and what falls due happens when it ends (S22).
_NEXT_RUNNING = query(
    "SELECT MIN(p.wake_at) FROM passage AS p WHERE NOT p.journey IN "
    "(SELECT k.journey FROM journey_control AS k WHERE k.state = 'paused')"
)
_WAITS_FOR_EVENTS = query(
    "SELECT MAX(k.value) - MIN(k.value) FROM counter AS k WHERE k.name IN ('event', 'taken')"
)
_NEXT_EVENT = query("SELECT MIN(a.at) FROM event_ahead AS a")


def next_timer(world: World) -> datetime | None:
    """Return the instant of the next timer of anybody, or None when nobody waits."""
    if control.journeys_in(world.engine, "paused"):
        running: datetime | None = world.engine.rows(_NEXT_RUNNING)[0][0]
        return running
    last = last_tick(world)
    if world.next_timer is None or (last is not None and world.next_timer <= last):
        world.next_timer = world.engine.rows(_NEXT_TIMER)[0][0]
    return world.next_timer


def next_tick(world: World) -> datetime | None:
    """Return when the next tick has something to do; `datetime.min` means at once."""
    if world.engine.rows(_WAITS_FOR_EVENTS)[0][0]:
        return datetime.min
    if has_new_data(world):
        return datetime.min
    found = [
        next_timer(world),
        next_condition(world, control.journeys_in(world.engine, "paused")),
        world.engine.rows(_NEXT_EVENT)[0][0],
        next_entry(world, last_tick(world)),
        next_evaluation(world),
    ]
    return min((instant for instant in found if instant is not None), default=None)


def next_work(world: World) -> datetime | None:
    """Return when there is something to do next, a delivery included."""
    found = [next_tick(world), outbox.next_due(world.engine)]
    return min((instant for instant in found if instant is not None), default=None)
