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
from cij.compiler.sql.replay import left_out
from cij.compiler.sql.template import Statement
from cij.compiler.sql.unify import update_consents
from cij.runtime.activity import Course, Limits, course
from cij.runtime.clock import SimulatedClock
from cij.runtime.deploy import deploy, prepare
from cij.runtime.due import next_tick
from cij.runtime.engine import Engine
from cij.runtime.interactions import CONSENT
from cij.runtime.runner import refresh_what_can_be
from cij.runtime.sample import Sample, keep_sample
from cij.runtime.segments import data_changed
from cij.runtime.simulate import Progress, Step, contained_step
from cij.runtime.store import past
from cij.runtime.world import World

# The most different instants of events. With more, events are rounded up to the shortest step that
# gives fewer: each instant costs a tick.
LOOKS_MAX = 10_000
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
    sample: Sample | None = None,
) -> Backtest:
    """Replay the events from `start` to `end` over a program.

    `engine` is a copy, which is changed. With a `sample` only its customers are there.
    """
    world = _as_of(engine, program, root, start, sample)
    clock, replay = SimulatedClock(start), _Replay.of(world)
    replay.tick(start)
    events, every_s = _choose_looks(world, end)
    count = 1 + replay.run(clock, end, progress)
    clock.advance_to(end)
    found = course(world, start, end, count, limits)
    return Backtest(found, events, timedelta(seconds=every_s))


def _as_of(
    engine: Engine, program: pg.Program, root: Path, start: datetime, sample: Sample | None
) -> World:
    """Return a world with all data of customers, in which no journey has done anything yet."""
    at = {"start": start}
    prepare(engine, program)
    with engine.transaction():
        for statement in past.REMEMBER:
            engine.execute(statement, at)
        for event, is_granted in CONSENT.items():
            engine.execute(past.forget_own_consents(event, is_granted))
        for event in _raised(program):
            engine.execute(past.forget_raised(event))
        for statement in (past.FORGET_DELIVERIES, *past.CLEAR):
            engine.execute(statement, at)
    world = deploy(engine, program, start)
    world.is_virtual = True
    refresh_what_can_be(world, root, start)
    for interaction in _interactions(program):
        engine.execute(past.forget_messages(interaction), at)
    if sample is not None:
        # After the refresh, which unifies all customers of the sources again.
        keep_sample(engine, program, sample)
    data_changed(world)
    return world


def _raised(program: pg.Program) -> set[str]:
    acts = (s for j in program.journeys for s in j.states if isinstance(s, pg.ActState))
    return {event for a in acts if (event := pg.raised_by(a.effect)) is not None}


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
    moving = left_out(world.program)
    for (event,) in engine.rows(past.AHEAD):
        if event in moving:
            engine.execute(moving[event])
        else:
            engine.execute(past.LEAVE_OUT, {"event": event})
    every_s, events = _finest_step(engine)
    if every_s > 1:
        engine.execute(past.ROUND, {"every_s": every_s, "until": end})
    return events, every_s


# --- replay -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Replay:
    """Ticks from instant to instant. Its statements are made once, because engines keep each of them."""

    world: World
    step: Step
    follow: tuple[Statement, ...]
    update: Statement | None

    @staticmethod
    def of(world: World) -> "_Replay":
        follow = tuple(past.follow_messages(event) for event in _interactions(world.program))
        return _Replay(world, contained_step(world), follow, update_consents(world.program))

    def run(self, clock: SimulatedClock, end: datetime, progress: Progress) -> int:
        """Tick at each instant up to `end` at which something is due; return how often."""
        count = 0
        while (due := self._next()) is not None and (at := max(due, clock.now())) <= end:
            clock.advance_to(at)
            self.tick(at)
            progress(at)
            count += 1
        return count

    def _next(self) -> datetime | None:
        found = [next_tick(self.world), self.world.engine.rows(past.NEXT_CONSENT)[0][0]]
        return min((at for at in found if at is not None), default=None)

    def tick(self, at: datetime) -> None:
        self._give_consents(at)
        self._suppress(at)
        for statement in self.follow:
            self.world.engine.execute(statement, {"now": at})
        self.step(self.world, at)

    def _suppress(self, at: datetime) -> None:
        due = self.world.engine.rows(past.NEXT_SUPPRESSION)[0][0]
        for statement in past.SUPPRESS if due is not None and due <= at else ():
            self.world.engine.execute(statement, {"now": at})

    def _give_consents(self, at: datetime) -> None:
        engine, named = self.world.engine, {"now": at}
        customers = [row[0] for row in engine.rows(past.CONSENTS_DUE, named)]
        if not customers:
            return
        for statement in past.GIVE_CONSENTS:
            engine.execute(statement, named)
        if self.update is not None:
            engine.execute(self.update, {"customers": json.dumps(customers)})
