"""Simulation: the same tick in virtual time, on a copy, with nothing delivered.

Time jumps from due instant to due instant, so 30 days cost what happens in them.
"""

from collections.abc import Callable
from datetime import datetime

from cij.runtime import control
from cij.runtime.activity import Course, Limits, course
from cij.runtime.clock import SimulatedClock
from cij.runtime.due import next_tick
from cij.runtime.engine import Engine
from cij.runtime.store.outbox import DELIVER_ALL, DELIVER_RUNNING
from cij.runtime.tick import tick
from cij.runtime.world import World

Progress = Callable[[datetime], None]


def deliver(engine: Engine, now: datetime) -> None:
    """Have all messages delivered that are queued, but those of paused journeys."""
    is_paused = control.journeys_in(engine, "paused")
    engine.execute(DELIVER_RUNNING if is_paused else DELIVER_ALL, {"now": now})


def run_to(world: World, clock: SimulatedClock, end: datetime, progress: Progress) -> int:
    """Tick at every instant at which something is due, up to and with `end`; return how many."""
    count = run_while(world, clock, lambda at: at <= end, progress)
    clock.advance_to(end)
    return count


def run_while(
    world: World, clock: SimulatedClock, is_wanted: Callable[[datetime], bool], progress: Progress
) -> int:
    """As `run_to`, for the instants that are wanted; the clock stays at the last of them."""
    count = 0
    world.is_virtual = True
    while (due := next_tick(world)) is not None and is_wanted(at := max(due, clock.now())):
        clock.advance_to(at)
        tick(world, at)
        deliver(world.engine, at)
        progress(at)
        count += 1
    return count


def simulate(
    world: World, start: datetime, end: datetime, progress: Progress, limits: Limits | None = None
) -> Course:
    """Run a world forward in virtual time. Its data stays as it is at the start."""
    count = run_to(world, SimulatedClock(start), end, progress)
    return course(world, start, end, count, limits or {})
