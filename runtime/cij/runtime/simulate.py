"""Simulation: the same tick in virtual time, on a copy of the store, without delivery.

Time jumps from one due instant to the next, so the cost depends on what happens and not on the
period.
"""

from collections.abc import Callable
from datetime import datetime

from cij.runtime import control
from cij.runtime.activity import Course, Limits, course
from cij.runtime.clock import SimulatedClock
from cij.runtime.containment import contained_tick
from cij.runtime.deliveries import note_deliveries
from cij.runtime.due import next_tick
from cij.runtime.rehearsal import Rehearsal
from cij.runtime.store.outbox import DELIVER_ALL, DELIVER_RUNNING
from cij.runtime.tick import tick
from cij.runtime.world import World

Progress = Callable[[datetime], None]
Step = Callable[[World, datetime], None]


def deliver(world: World, now: datetime) -> None:
    """Mark all queued messages as delivered, except those of paused journeys."""
    is_paused = control.journeys_in(world.engine, "paused")
    world.engine.execute(DELIVER_RUNNING if is_paused else DELIVER_ALL, {"now": now})
    note_deliveries(world, now, now)


def run_to(world: World, clock: SimulatedClock, end: datetime, progress: Progress) -> int:
    """Tick at each due instant up to `end`, included. Return the number of ticks."""
    count = run_while(world, clock, lambda at: at <= end, progress)
    clock.advance_to(end)
    return count


def step_in_virtual_time(world: World, at: datetime) -> None:
    """Tick and deliver. What fails is raised."""
    tick(world, at)
    deliver(world, at)


def run_while(
    world: World,
    clock: SimulatedClock,
    is_wanted: Callable[[datetime], bool],
    progress: Progress,
    step: Step = step_in_virtual_time,
) -> int:
    """Make a step at each due instant while `is_wanted`. Return the number of steps.

    The clock stays at the last step. An instant in the past counts as now.
    """
    count = 0
    world.is_virtual = True
    while (due := next_tick(world)) is not None and is_wanted(at := max(due, clock.now())):
        clock.advance_to(at)
        step(world, at)
        progress(at)
        count += 1
    return count


def contained_step(world: World) -> Step:
    """Return the step of a command: what fails is put aside, and all else goes on (S28)."""
    rehearsal = Rehearsal.of(world.engine)

    def step(world: World, at: datetime) -> None:
        contained_tick(world, at)
        rehearsal.write(at)
        deliver(world, at)

    return step


def simulate(
    world: World, start: datetime, end: datetime, progress: Progress, limits: Limits | None = None
) -> Course:
    """Run a world from `start` to `end` in virtual time. Sources are not refreshed in between.

    A journey or segment that fails is put aside, and the result names it.
    """
    clock, step = SimulatedClock(start), contained_step(world)
    count = run_while(world, clock, lambda at: at <= end, progress, step)
    return course(world, start, end, count, limits or {})
