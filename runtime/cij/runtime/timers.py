"""The instant of the last tick."""

from datetime import datetime

from cij.runtime.store import meta
from cij.runtime.world import World


def last_tick(world: World) -> datetime | None:
    """Return the instant of the last tick; None before the first."""
    found = world.engine.rows(meta.LAST_TICK)
    return datetime.fromisoformat(found[0][0]) if found else None


def note_tick(world: World, now: datetime) -> None:
    """Store `now` as the instant of the last tick, in the transaction of the tick."""
    instant = {"value": now.isoformat()}
    if not world.engine.execute(meta.SET_LAST_TICK, instant):
        world.engine.execute(meta.FIRST_TICK, instant)
