"""The tick: one step of the world, up to one instant.

    events and timers, each customer's in the order of their time: react (goals, exits, waits), admit, advance
    -> evaluate segments -> record goals -> wake by conditions -> admit from segments -> advance

It is one transaction, and a function of the store and of `now`: the same store and instant give the
same rows. Cost follows who moves: what has nothing due is not touched.

A tick may be late: then much was due before it. Whatever was due has an instant of its own, and happens
as of that instant, whatever the spacing of ticks (S12). What is sent leaves at the instant of the tick.
"""

from collections.abc import Sequence, Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta

from cij.compiler.sql.plan import JourneyPlan
from cij.runtime import absence, canonical_addresses, consent, control, suppression
from cij.runtime.admission import (
    Admission,
    admissions,
    admit_from_events,
    admit_from_segments,
    missed_entry,
    next_right,
    wanted_segments,
)
from cij.runtime.event_rounds import (
    Round,
    clear_events,
    end_round,
    has_arrivals,
    next_future_event,
    take_missed_events,
    take_new_events,
)
from cij.runtime.moving.mover import AFTER_EVENTS
from cij.runtime.segments import (
    data_seen,
    evaluate_segments,
    has_new_data,
    wake_by_conditions,
)
from cij.runtime.store.aside import forget_missed
from cij.runtime.store.control import RESUMING
from cij.runtime.timers import last_tick, note_tick
from cij.runtime.world import World

_LEAST = timedelta.resolution
# Before the first tick.
_NEVER = datetime.min

Open = dict[str, Admission]


@dataclass(slots=True)
class TickReport:
    """How many people entered, how many moves were made (one for each passage and region), and how many
    events journeys waited for.

    `now` is the instant of the tick. `since` is the one up to which everything has been done.
    """

    now: datetime
    since: datetime = _NEVER
    entered: int = 0
    moves: int = 0
    events: int = 0


def tick(world: World, now: datetime) -> TickReport:
    """Bring the world to the instant `now`, UTC without a zone.

    Time never goes back: an instant before that of the last tick counts as that one.
    """
    world.mover.begin_tick(world)
    world.calendar.forget()
    with world.transaction():
        last = last_tick(world)
        report = TickReport(max(now, last) if last else now, last or _NEVER)
        world.calendar.show(report.now)
        consent.come_due(world, report.now)
        suppression.come_due(world.engine, report.now)
        absence.end_due(world, report.now)
        resumed = _resume(world, report)
        open_to = admissions(world)
        while (at := _missed(world, open_to, report)) is not None:
            _step(world, report, open_to, at)
            open_to = admissions(world)
        _step(world, report, open_to, report.now)
        for name in resumed:
            control.go_on(world.engine, name)
        while _is_more(world, open_to := admissions(world), report.now):
            _step(world, report, open_to, report.now)
        # Before delivery, which asks the suppression list by canonical forms.
        canonical_addresses.keep_written(world.engine, world.program)
        note_tick(world, report.now)
    return report


def _missed(world: World, open_to: Open, report: TickReport) -> datetime | None:
    """Return the next instant that a late tick has to make up (S12)."""
    future, timer = next_future_event(world), world.mover.next_timer(world)
    dues = [at for at in (future, timer) if at is not None and at <= report.now]
    may_come = bool(dues) or has_arrivals(world)
    return missed_entry(open_to, report.since, report.now, may_come=may_come)


def _is_more(world: World, open_to: Open, now: datetime) -> bool:
    """Tell whether what was done has something left to do: events that journeys have raised, or the end
    of a passage that kept its customer from entering again (S7)."""
    if has_arrivals(world):
        return True
    right = next_right(world, open_to, now)
    return right is not None and right <= now


def _step(world: World, report: TickReport, open_to: Open, at: datetime) -> None:
    """Do everything that is due up to `at`: the instant of the tick, or of an entry that was missed."""
    paused = control.journeys_in(world.engine, "paused")
    is_missed, wanted = at < report.now, wanted_segments(open_to, at)
    active = _work_off(world, open_to, paused, report, at)
    evaluate_segments(world, at, active=active, wanted=wanted, is_only_wanted=is_missed)
    if has_new_data(world) and not is_missed:
        _record_goals(world, at)
    if not is_missed and wake_by_conditions(world, paused, at):
        _advance(world, report)
    entered = admit_from_segments(world, open_to, at, is_missed=is_missed)
    report.entered += entered
    # Those who are due are woken before those who entered move: all move in order of priority (S18).
    ready = world.mover.wake_due(world, at, report.now, report.since) + entered
    while ready:
        _advance(world, report)
        ready = world.mover.wake_due(world, at, report.now, report.since)
    report.since = at


def _work_off(
    world: World, open_to: Open, paused: AbstractSet[str], report: TickReport, until: datetime
) -> set[str]:
    """Do what events up to `until` and timers before it bring about, in the order of their time for each
    customer (S12). Returns the names of the events that segments read.

    At `until` itself events go first, then segments and their entries, then timers.
    """
    active, rounds, number, is_begun = set[str](), dict[int, Round](), 0, False
    while True:
        if not is_begun or has_arrivals(world):
            names, rounds = take_new_events(
                world, until, report.now, report.since, first=number, is_first=not is_begun
            )
            active, is_begun = active | names, True
        if rounds:
            number = min(rounds)
            if world.mover.wake_before(world, rounds[number], report.now, report.since):
                _advance(world, report, number - 1)
                continue
            _do_round(world, open_to, paused, report, rounds.pop(number))
            end_round(world, number)
            number += 1
        elif world.mover.wake_due(world, until - _LEAST, report.now, report.since):
            _advance(world, report)
        else:
            return active


def _do_round(
    world: World, open_to: Open, paused: AbstractSet[str], report: TickReport, round: Round
) -> None:
    """Do what the events of a round do (S8, S13), and admit those whom they bring in (S6)."""
    report.events += sum(round.events.values())
    if world.mover.react(world, round, report.now, paused):
        _advance(world, report, round.number)
    admitting = open_to.values()
    entered = sum(admit_from_events(world, a, round, report.now, report.since) for a in admitting)
    report.entered += entered
    if entered:
        _advance(world, report, round.number)


def _record_goals(world: World, now: datetime) -> None:
    """Record the goals by condition that new data has brought about (S8)."""
    for plan in world.journeys.values():
        with world.working_on("journey", plan.name):
            for statement in plan.on_new_data:
                world.engine.execute(statement, {"now": now})
    data_seen(world)


def _resume(world: World, report: TickReport) -> list[str]:
    """Make up the events of a pause or a failure, in order of time. Returns the journeys that go on; what
    fell due in them is made up with all that is due now.

    In a pause goals, exits and entries counted; only waits did not end (S22). In a journey that failed
    nothing was done (S28). In one that failed in a pause, goals, exits and entries are made up at once.
    """
    for name, taken, ticked_at in control.to_make_up(world.engine):
        events = {e for plan in world.journeys.values() if plan.name == name for e in plan.events}
        rounds = take_missed_events(
            world, events, taken, ticked_at, since=report.since, now=report.now
        )
        for round in rounds.values():
            _catch_up(world, name, round, report, paused=frozenset([name]))
        clear_events(world)
        forget_missed(world.engine, name)
    resuming = world.engine.rows(RESUMING)
    for name, taken, ticked_at, is_after_failure in resuming:
        plans = [plan for plan in world.journeys.values() if plan.name == name]
        found = {e: p for plan in plans for e, p in plan.events.items()}
        events = {e for e, p in found.items() if is_after_failure or p.waking}
        rounds = take_missed_events(
            world, events, taken, ticked_at, since=report.since, now=report.now
        )
        for number, round in rounds.items():
            if is_after_failure:
                _catch_up(world, name, round, report)
            else:
                _end_waits(world, plans, round, report.now)
            _advance(world, report, number)
        clear_events(world)
    return [name for name, *_ in resuming]


def _end_waits(world: World, plans: Sequence[JourneyPlan], round: Round, now: datetime) -> None:
    round.show(world, now)
    for plan in plans:
        with world.working_on("journey", plan.name):
            for event in (plan.events[name] for name in round.events if name in plan.events):
                for statement in event.waking:
                    world.mover.wake(world, statement, {"now": now, "round": round.number})


def _catch_up(
    world: World,
    journey: str,
    round: Round,
    report: TickReport,
    paused: AbstractSet[str] = frozenset(),
) -> None:
    """Do in one journey what the events of a round do: goals, exits, ends of waits, entries."""
    others = {name for name, _ in world.journeys if name != journey}
    with world.without(others):
        world.mover.react(world, round, report.now, paused)
    _advance(world, report, round.number)
    admission = admissions(world).get(journey)
    if admission is not None:
        entered = admit_from_events(world, admission, round, report.now, report.since)
        report.entered += entered


def _advance(world: World, report: TickReport, round: int = AFTER_EVENTS) -> None:
    """Move everybody who is ready, until nobody is (S10); events after `round` are still to come."""
    report.moves += world.mover.advance(world, report.now, round)
