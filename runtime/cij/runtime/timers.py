"""When the last tick was."""

from datetime import datetime

from cij.runtime.store import meta
from cij.runtime.world import World


def last_tick(world: World) -> datetime | None:
    """Return the instant of the last tick, if there was one."""
    found = world.engine.rows(meta.LAST_TICK)
    return datetime.fromisoformat(found[0][0]) if found else None


def note_tick(world: World, now: datetime) -> None:
    """Note that there was a tick at this instant."""
    instant = {"value": now.isoformat()}
    if not world.engine.execute(meta.SET_LAST_TICK, instant):
        world.engine.execute(meta.FIRST_TICK, instant)
