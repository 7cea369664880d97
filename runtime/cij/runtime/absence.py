"""Customers who are in no source any more (S24): they are sent nothing and stand still.

    a refresh lacks them --> absent --a refresh has them again--> they go on
                               |--`gone_after` is over--> their passages end as `gone`

All of it is set-based. Without absent customers it costs one question that is cached.
"""

from datetime import datetime, timedelta

from cij.compiler.program import Program
from cij.runtime.engine import Engine
from cij.runtime.store import absence as stored
from cij.runtime.world import World


def remember_customers(engine: Engine) -> None:
    """Note who is a customer, before the table is made anew."""
    engine.execute(stored.BEFORE)


def note(engine: Engine, now: datetime) -> int:
    """Note who is no customer any more, and who is one again; return how many have become absent."""
    found = engine.execute(stored.NOTE, {"now": now})
    if not engine.is_empty("absent"):
        engine.execute(stored.RETURNED)
    return found


def follow(engine: Engine) -> None:
    """Have the passages of absent customers stand still, and those of others go on."""
    if not engine.is_empty("absent_timer"):
        for statement in stored.GO_ON:
            engine.execute(statement)
    stand_still(engine)


def stand_still(engine: Engine) -> None:
    """Take the timers of the passages of absent customers."""
    if not engine.is_empty("absent"):
        for statement in stored.STAND_STILL:
            engine.execute(statement)


def leave_out_events(engine: Engine) -> None:
    """Have the events of absent customers move nobody."""
    if not engine.is_empty("absent"):
        engine.execute(stored.LEAVE_OUT)


def end_due(world: World, now: datetime) -> None:
    """End the passages of those who have been absent for too long."""
    end = next_end(world)
    if end is not None and end <= now:
        patience = _patience(world.program)
        parameters = {
            "now": now,
            "until": now - patience,
            "patience": world.program.profile.gone_after_s,
        }
        for statement in stored.END:
            world.engine.execute(statement, parameters)


def next_end(world: World) -> datetime | None:
    """Return when the passages of the next absent customer end; None where nobody is absent."""
    if world.engine.is_empty("absent"):
        return None
    since: datetime | None = world.engine.rows(stored.FIRST)[0][0]
    return since + _patience(world.program) if since is not None else None


def ends_at(since: datetime, program: Program) -> datetime:
    """Return when the passages end of somebody who is absent since an instant."""
    return since + _patience(program)


def since(engine: Engine, customer: str) -> datetime | None:
    """Return since when a customer is in no source any more; None where they are in one."""
    found = engine.rows(stored.SINCE, {"customer": customer})
    return found[0][0] if found else None


def _patience(program: Program) -> timedelta:
    return timedelta(seconds=program.profile.gone_after_s)
