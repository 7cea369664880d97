"""The tick: one step of the world at one instant.

    new events -> react (goals, exits, waits) and admit -> evaluate segments -> record goals
    -> wake by conditions -> admit from segments -> wake those who are due -> advance until nobody is ready

It is one transaction, and a function of the store and of `now`: the same store and instant give the
same rows. Cost follows who moves: what has nothing due is not touched.
"""

from collections.abc import Iterable, Mapping, Sequence, Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from cij.compiler.sql.plan import JourneyPlan
from cij.runtime import absence, consent, control
from cij.runtime.admission import (
    Admission,
    admissions,
    admit_from_events,
    admit_from_segments,
    wanted_segments,
)
from cij.runtime.event_rounds import (
    clear_events,
    has_arrivals,
    take_missed_events,
    take_new_events,
)
from cij.runtime.moments import fill_moments
from cij.runtime.moving.mover import AFTER_EVENTS
from cij.runtime.segments import (
    data_seen,
    evaluate_segments,
    has_new_data,
    wake_by_conditions,
)
from cij.runtime.store.control import RESUMING
from cij.runtime.timers import last_tick, note_tick
from cij.runtime.world import World


@dataclass(slots=True)
class TickReport:
    """How many people entered, how many moves were made (one for each passage and region), and how many
    events journeys waited for."""

    now: datetime
    entered: int = 0
    moves: int = 0
    events: int = 0


def tick(world: World, now: datetime) -> TickReport:
    """Bring the world to the instant `now`, UTC without a zone.

    Time never goes back: an instant before that of the last tick counts as that one.
    """
    world.mover.begin_tick(world)
    with world.transaction():
        last = last_tick(world)
        report = TickReport(max(now, last) if last else now)
        fill_moments(world.engine, report.now)
        consent.come_due(world, report.now)
        absence.end_due(world, report.now)
        _step(world, report)
        while has_arrivals(world):
            # Events that journeys have raised.
            _step(world, report)
        note_tick(world, report.now)
    return report


def _step(world: World, report: TickReport) -> None:
    now, open_to = report.now, admissions(world)
    paused = control.journeys_in(world.engine, "paused")
    _resume(world, report)
    active = _react(world, open_to, paused, report)
    evaluate_segments(world, now, active=active, wanted=wanted_segments(open_to, now))
    if has_new_data(world):
        _record_goals(world, now)
    if wake_by_conditions(world, paused, now):
        _advance(world, report)
    entered = admit_from_segments(world, open_to, now)
    report.entered += entered
    # Those who are due are woken before those who entered move: all move in order of priority (S18).
    ready = world.mover.wake_due(world, now) + entered
    while ready:
        _advance(world, report)
        ready = world.mover.wake_due(world, now)


def _react(
    world: World, open_to: dict[str, Admission], paused: AbstractSet[str], report: TickReport
) -> set[str]:
    """Do what the new events do (S8, S13); return the names of those that segments read."""
    active, rounds = take_new_events(world, report.now)
    report.events += sum(sum(events.values()) for events in rounds.values())
    for round, events in rounds.items():
        if world.mover.react(world, events, round, report.now, paused):
            _advance(world, report, round)
        if _admit(world, open_to, events, round, report):
            _advance(world, report, round)
    if rounds:
        clear_events(world)
    return active


def _admit(
    world: World,
    open_to: dict[str, Admission],
    events: Iterable[str],
    round: int,
    report: TickReport,
) -> int:
    """Admit those whom the events of a round bring in (S6); return how many."""
    admitting = open_to.values()
    entered = sum(admit_from_events(world, a, events, round, report.now) for a in admitting)
    report.entered += entered
    return entered


def _record_goals(world: World, now: datetime) -> None:
    """Record the goals by condition that new data has brought about (S8)."""
    for plan in world.journeys.values():
        with world.working_on("journey", plan.name):
            for statement in plan.on_new_data:
                world.engine.execute(statement, {"now": now})
    data_seen(world)


def _resume(world: World, report: TickReport) -> None:
    """Make up the events of a pause or a failure, in order of time.

    In a pause goals, exits and entries counted; only waits did not end (S22). In a journey that failed
    nothing was done (S28).
    """
    for name, taken, ticked_at, is_after_failure in world.engine.rows(RESUMING):
        plans = [plan for plan in world.journeys.values() if plan.name == name]
        found = {e: p for plan in plans for e, p in plan.events.items()}
        events = {e for e, p in found.items() if is_after_failure or p.waking}
        for round, names in take_missed_events(world, events, taken, ticked_at, report.now).items():
            if is_after_failure:
                _catch_up(world, name, names, round, report)
            else:
                _end_waits(world, plans, names, round, report.now)
            _advance(world, report, round)
        clear_events(world)
        control.go_on(world.engine, name)


def _end_waits(
    world: World, plans: Sequence[JourneyPlan], names: Iterable[str], round: int, now: datetime
) -> None:
    for plan in plans:
        with world.working_on("journey", plan.name):
            for event in (plan.events[name] for name in names if name in plan.events):
                for statement in event.waking:
                    world.mover.wake(world, statement, {"now": now, "round": round})


def _catch_up(
    world: World, journey: str, events: Mapping[str, int], round: int, report: TickReport
) -> None:
    """Do in one journey what the events of a round do: goals, exits, ends of waits, entries."""
    others = {name for name, _ in world.journeys if name != journey}
    with world.without(others):
        world.mover.react(world, events, round, report.now, frozenset())
    _advance(world, report, round)
    admission = admissions(world).get(journey)
    if admission is not None:
        report.entered += admit_from_events(world, admission, events, round, report.now)


def _advance(world: World, report: TickReport, round: int = AFTER_EVENTS) -> None:
    """Move everybody who is ready, until nobody is (S10); events after `round` are still to come."""
    report.moves += world.mover.advance(world, report.now, round)
