"""A wall clock that is or was wrong: a run reports it, and an order of the operator corrects it.

Time never goes back in a store: a tick before the last one counts as that one. So after one run with a
clock that was a year ahead, what customers do now is dated a year ahead, and so are their waits.
"""

from datetime import datetime, timedelta

from cij.runtime.engine import Engine
from cij.runtime.store import aside, clock_faults as stored, meta
from cij.runtime.timers import last_tick
from cij.runtime.world import World

# Clocks that are set by the network differ by less.
TOLERANCE = timedelta(minutes=2)
_KIND: aside.Kind = "clock"
_NAME = "of this machine"


def fault_of(last: datetime | None, now: datetime) -> str | None:
    """Return what is wrong with the clock; None where nothing is."""
    if last is None or last <= now + TOLERANCE:
        return None
    return (
        f"the clock says {now:%Y-%m-%d %H:%M:%S} UTC, and a run was at {last:%Y-%m-%d %H:%M:%S} UTC "
        "before: one of the two is wrong. Until then, new waits count from the later time. If the clock is "
        "right now, `cij run --set-clock` corrects all later dates"
    )


def note_clock(world: World, now: datetime) -> str | None:
    """Keep for `cij status` that the clock is wrong, until it is right; return what is wrong."""
    fault = fault_of(last_tick(world), now)
    known = aside.reasons(world.engine, _KIND)
    if fault is not None and not known:
        with world.engine.transaction():
            aside.put(world.engine, _KIND, _NAME, fault, now)
    elif fault is None and known:
        with world.engine.transaction():
            aside.forget(world.engine, _KIND, _NAME)
    return fault


def set_right(engine: Engine, now: datetime) -> bool:
    """Date to `now` what a wrong clock dated later, and its waits by as much; tell whether there was any.

    What such a run did cannot be undone: timers that fired too early have fired.
    """
    found = engine.rows(meta.LAST_TICK)
    last = datetime.fromisoformat(found[0][0]) if found else None
    if last is None or last <= now:
        return False
    with engine.transaction():
        for statement in stored.SET_RIGHT:
            engine.execute(statement, {"now": now, "last": last})
        engine.execute(meta.SET_LAST_TICK, {"value": now.isoformat()})
        aside.forget(engine, _KIND, _NAME)
    return True
