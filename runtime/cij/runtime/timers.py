"""When the last tick was."""

from datetime import datetime

from cij.compiler.sql import query
from cij.runtime.world import World

_LAST = query("SELECT m.value FROM meta AS m WHERE m.name = 'last_tick'")
_SET_LAST = query("UPDATE meta SET value = $value WHERE name = 'last_tick'")
_FIRST_LAST = query("INSERT INTO meta (name, value) VALUES ('last_tick', $value)")


def last_tick(world: World) -> datetime | None:
    """Return the instant of the last tick, if there was one."""
    found = world.engine.rows(_LAST)
    return datetime.fromisoformat(found[0][0]) if found else None


def note_tick(world: World, now: datetime) -> None:
    """Note that there was a tick at this instant."""
    instant = {"value": now.isoformat()}
    if not world.engine.execute(_SET_LAST, instant):
        world.engine.execute(_FIRST_LAST, instant)
