"""What fails in one journey or segment stops no other (S28).

    tick --error--> tick with the plain mover --error--> whose statement? --> put it aside, tick again

A tick is one transaction, so an error undoes all of it. The plain mover runs each statement for one
journey and notes for which: so the second tick knows what failed. It is put aside in a transaction of
its own, and the tick is made without it. What was put aside is tried again by the next deploy, or by
`cij resume`.
"""

from datetime import datetime

from cij.runtime import control
from cij.runtime.errors import WorldError, reason_of
from cij.runtime.moving.plain import PlainMover
from cij.runtime.store import aside
from cij.runtime.tick import TickReport, tick
from cij.runtime.world import World


def contained_tick(world: World, now: datetime) -> TickReport:
    """Bring the world to the instant `now` as `tick` does; put aside what fails in it.

    Raises what is nobody's alone, such as a full disk.
    """
    leave_out_failed(world)
    try:
        return tick(world, now)
    except WorldError:
        raise
    except Exception:  # noqa: BLE001 - whatever it is, the slow way shows whose it is
        return _tick_without_what_fails(world, now)


def leave_out_failed(world: World) -> None:
    """Have nothing run of what was put aside."""
    world.leave_out(control.journeys_in(world.engine, "failed"))


def _tick_without_what_fails(world: World, now: datetime) -> TickReport:
    usual, world.mover = world.mover, PlainMover()
    try:
        while True:
            world.at_nothing()
            try:
                return tick(world, now)
            except WorldError:
                raise
            except Exception as error:
                if world.at_work is None:
                    raise
                kind, name = world.at_work
                put_aside(world, kind, name, error, now)
    finally:
        world.mover = usual
        usual.forget()


def put_aside(world: World, kind: aside.Kind, name: str, error: Exception, now: datetime) -> None:
    """Note that a journey or a segment failed, and leave it out from now on."""
    engine = world.engine
    with engine.transaction():
        was = control.fail(engine, name, now) if kind == "journey" else None
        aside.put(engine, kind, name, reason_of(error), now, was)
    leave_out_failed(world)
