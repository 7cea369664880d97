"""When the last tick was, and when the next timer is due."""

from datetime import datetime

from cij.compiler.sql import query
from cij.runtime import control
from cij.runtime.agenda import NEVER, soonest
from cij.runtime.world import World

_LAST = query("SELECT m.value FROM meta AS m WHERE m.name = 'last_tick'")
_SET_LAST = query("UPDATE meta SET value = $value WHERE name = 'last_tick'")
_FIRST_LAST = query("INSERT INTO meta (name, value) VALUES ('last_tick', $value)")
# In a pause timers run on, and what falls due happens when it ends (S22).
_NEXT_RUNNING = query(
    "SELECT MIN(p.wake_at) FROM passage_row AS p WHERE NOT p.journey IN "
    "(SELECT l.id FROM journey_control AS k JOIN name AS l ON l.text = k.journey "
    "WHERE k.state = 'paused')"
)


def last_tick(world: World) -> datetime | None:
    """Return the instant of the last tick, if there was one."""
    if world.last_tick is None and (found := world.engine.rows(_LAST)):
        world.last_tick = datetime.fromisoformat(found[0][0])
    return world.last_tick


def note_tick(world: World, now: datetime) -> None:
    """Note that there was a tick at this instant."""
    instant = {"value": now.isoformat()}
    if not world.engine.execute(_SET_LAST, instant):
        world.engine.execute(_FIRST_LAST, instant)
    world.last_tick = now


def next_timer(world: World) -> datetime | None:
    """Return the instant of the next timer of anybody, or None when nobody waits."""
    if control.journeys_in(world.engine, "paused"):
        running: datetime | None = world.engine.rows(_NEXT_RUNNING)[0][0]
        return running
    found, last = world.agenda.next if world.agenda else None, last_tick(world)
    if found is None or (last is not None and found <= last):
        # Nobody has looked since somebody moved, or some of it left without a move.
        world.agenda = soonest(world.engine)
        found = world.agenda.next
    return None if found == NEVER else found
