"""Backtest: what a program would have done in a past period, with the events of that period.

    copy --remove what journeys did--> customers and events --tick from event to timer--> course

Each event counts at its own instant. A customer who opened or clicked the message of a step does
the same with the message that the step sends in the backtest. Consents are those of the time.
Fields of customers have their current values, because older values are not stored.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cij.compiler import program as pg
from cij.compiler.sql.unify import update_consents
from cij.runtime.activity import Course, Limits, course
from cij.runtime.clock import SimulatedClock
from cij.runtime.deploy import deploy, prepare
from cij.runtime.due import next_tick
from cij.runtime.engine import Engine
from cij.runtime.runner import refresh_what_can_be
from cij.runtime.segments import data_changed
from cij.runtime.simulate import Progress, Step, contained_step
from cij.runtime.store import past
from cij.runtime.world import World

# The most different instants of events. With more, events are rounded up to the shortest step that
# gives fewer: each instant costs a tick.
LOOKS_MAX = 3000
_STEPS_S = (1, 60, 300, 900, 3600)


@dataclass(frozen=True, slots=True)
class Backtest:
    """The result. `events` is the number of events that could move a passage or change a condition.

    They were handled at multiples of `every`.
    """

    course: Course
    events: int
    every: timedelta


def backtest(
    engine: Engine,
    program: pg.Program,
    root: Path,
    start: datetime,
    end: datetime,
    progress: Progress,
    limits: Limits,
) -> Backtest:
    """Replay the events from `start` to `end` over a program.

    `engine` is a copy, which is changed.
    """
    world = _as_of(engine, program, root, start)
    clock, step = SimulatedClock(start), contained_step(world)
    _tick(world, step, start)
    events, every_s = _choose_looks(world, end)
    count = 1 + _replay(world, clock, end, progress, step)
    clock.advance_to(end)
    found = course(world, start, end, count, limits)
    return Backtest(found, events, timedelta(seconds=every_s))


def _as_of(engine: Engine, program: pg.Program, root: Path, start: datetime) -> World:
    """Return a world with all data of customers, in which no journey has done anything yet."""
    at = {"start": start}
    prepare(engine, program)
    with engine.transaction():
        for statement in past.REMEMBER:
            engine.execute(statement, at)
        for event in _raised(program):
            engine.execute(past.forget_raised(event))
        for statement in (past.FORGET_DELIVERIES, *past.CLEAR):
            engine.execute(statement, at)
    world = deploy(engine, program, start)
    world.is_virtual = True
    refresh_what_can_be(world, root, start)
    for interaction in _interactions(program):
        engine.execute(past.forget_messages(interaction), at)
    data_changed(world)
    return world


def _raised(program: pg.Program) -> set[str]:
    acts = (s for j in program.journeys for s in j.states if isinstance(s, pg.ActState))
    return {a.effect.event for a in acts if isinstance(a.effect, pg.EmitEffect)}


def _interactions(program: pg.Program) -> list[pg.Event]:
    return [e for e in program.events if e.is_interaction]


# --- the step ---------------------------------------------------------------------------------


def _finest_step(engine: Engine) -> tuple[int, int]:
    """Return the shortest step in seconds with at most `LOOKS_MAX` instants, and the number of
    events."""
    every_s, events = _STEPS_S[-1], 0
    for every_s in _STEPS_S:
        looks, events = engine.rows(past.LOOKS, {"every_s": every_s})[0]
        if looks <= LOOKS_MAX:
            break
    return every_s, events


def _choose_looks(world: World, end: datetime) -> tuple[int, int]:
    """Drop events that change nothing. Return the number of the others and the step in seconds."""
    engine = world.engine
    engine.execute(past.LEAVE_OUT_LATER, {"until": end})
    for (event,) in engine.rows(past.AHEAD):
        if event not in world.events_read:
            engine.execute(past.LEAVE_OUT, {"event": event})
    every_s, events = _finest_step(engine)
    if every_s > 1:
        engine.execute(past.ROUND, {"every_s": every_s, "until": end})
    return events, every_s


# --- replay -----------------------------------------------------------------------------------


def _replay(
    world: World, clock: SimulatedClock, end: datetime, progress: Progress, step: Step
) -> int:
    count = 0
    while (due := _next(world)) is not None and (at := max(due, clock.now())) <= end:
        clock.advance_to(at)
        _tick(world, step, at)
        progress(at)
        count += 1
    return count


def _next(world: World) -> datetime | None:
    found = [next_tick(world), world.engine.rows(past.NEXT_CONSENT)[0][0]]
    return min((at for at in found if at is not None), default=None)


def _tick(world: World, step: Step, at: datetime) -> None:
    _give_consents(world, at)
    _suppress(world, at)
    for interaction in _interactions(world.program):
        world.engine.execute(past.follow_messages(interaction), {"now": at})
    step(world, at)


def _suppress(world: World, at: datetime) -> None:
    due = world.engine.rows(past.NEXT_SUPPRESSION)[0][0]
    for statement in past.SUPPRESS if due is not None and due <= at else ():
        world.engine.execute(statement, {"now": at})


def _give_consents(world: World, at: datetime) -> None:
    named = {"now": at}
    customers = [row[0] for row in world.engine.rows(past.CONSENTS_DUE, named)]
    if not customers:
        return
    for statement in past.GIVE_CONSENTS:
        world.engine.execute(statement, named)
    update = update_consents(world.program)
    if update is not None:
        world.engine.execute(update, {"customers": json.dumps(customers)})
