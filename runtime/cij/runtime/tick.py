"""The tick: one step of the world at one instant.

    take in new events -> react (goals, exits, waits, entries) -> admit from segments -> wake those due
    -> advance until nobody is ready

It is one transaction, and a function of the store and of `now`: the same store and instant give
the same rows. Cost follows who moves: what has nothing due is not touched.
"""

from collections import Counter
from collections.abc import Iterable, Sequence, Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from cij.compiler.sql import query
from cij.compiler.sql.intake import event_table
from cij.compiler.sql.plan import (
    EventPlan,
    active_customers,
    ahead_events,
    arrived_events,
    due_events,
    fresh_events,
    missed_events,
)
from cij.runtime import control
from cij.runtime.entering import (
    Door,
    doors,
    leave_queue,
    let_in,
    let_in_from_segments,
    wanted_segments,
)
from cij.runtime.moments import fill_moments
from cij.runtime.moving.mover import AFTER_EVENTS
from cij.runtime.segments import (
    data_seen,
    evaluate_segments,
    events_read,
    has_new_data,
    wake_by_conditions,
)
from cij.runtime.store.control import RESUMING
from cij.runtime.store.counters import counters
from cij.runtime.timers import last_tick, note_tick
from cij.runtime.world import World

_CLEAR_FRESH = query("DELETE FROM tick_event")
_CLEAR_ACTIVE = query("DELETE FROM tick_active")
_NEXT_AHEAD = query("SELECT MIN(a.at) FROM event_ahead AS a")
_FORGET_AHEAD = query("DELETE FROM event_ahead WHERE event_ahead.at <= $now")
_SET_TAKEN = query("UPDATE counter SET value = $last WHERE name = 'taken'")
_NUMBER_FRESH = query(
    "CREATE OR REPLACE TEMPORARY TABLE tick_event AS SELECT f.seq, f.event, f.customer, f.at, "
    "ROW_NUMBER() OVER (PARTITION BY f.customer ORDER BY f.at ASC, f.seq ASC) AS round "
    "FROM tick_event AS f"
)
_ROUNDS = query(
    "SELECT f.round, f.event, COUNT(*) FROM tick_event AS f "
    "GROUP BY f.round, f.event ORDER BY f.round, f.event"
)
_FIRST_START = query("SELECT MIN(j.started_at) FROM journey_state AS j")


@dataclass(slots=True)
class TickReport:
    """How many people entered, and how many moves were made, one per person and region."""

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
        _step(world, report)
        while has_arrivals(world):
            # Events that journeys have raised.
            _step(world, report)
        note_tick(world, report.now)
    return report


def _step(world: World, report: TickReport) -> None:
    now, at_doors = report.now, doors(world)
    paused = control.journeys_in(world.engine, "paused")
    _resume(world, report)
    active = _react(world, at_doors, paused, report)
    evaluate_segments(world, now, active=active, wanted=wanted_segments(at_doors, now))
    if has_new_data(world):
        _record_goals(world, now)
    if wake_by_conditions(world, paused, now):
        _advance(world, report)
    entered = let_in_from_segments(world, at_doors, now)
    report.entered += entered
    # Those who are due are woken before those who entered move: all move in order of priority (S18).
    ready = world.mover.wake_due(world, now) + entered
    while ready:
        _advance(world, report)
        ready = world.mover.wake_due(world, now)


# --- events -----------------------------------------------------------------------------------


# The names of the events of each round, with how many there are of each. A round holds one event a
# customer at most, so those of all names are taken together.
_Rounds = dict[int, dict[str, int]]


def _react(
    world: World, at_doors: dict[str, Door], paused: AbstractSet[str], report: TickReport
) -> set[str]:
    """Do what the new events do; return the names of those that segments read."""
    active, rounds = _take_fresh(world, report.now)
    report.events += sum(sum(events.values()) for events in rounds.values())
    for round, events in rounds.items():
        if world.mover.react(world, events, round, report.now, paused):
            _advance(world, report, round)
        if _enter_by_events(world, at_doors, events, round, report):
            _advance(world, report, round)
    if rounds:
        world.engine.execute(_CLEAR_FRESH)
    return active


def _rounds(world: World) -> _Rounds:
    found: _Rounds = {}
    for round, event, count in world.engine.rows(_ROUNDS):
        found.setdefault(round, {})[event] = count
    return found


def _record_goals(world: World, now: datetime) -> None:
    """Record the goals by condition that new data has brought about."""
    for plan in world.journeys.values():
        for statement in plan.on_new_data:
            world.engine.execute(statement, {"now": now})
    data_seen(world)


def has_arrivals(world: World) -> bool:
    """Tell whether events came since the last tick, also such that no journey itself waits for."""
    given = counters(world.engine)
    return given["event"] > given["taken"]


def next_ahead(world: World) -> datetime | None:
    """Return the instant of the next event that came ahead of its time."""
    found: datetime | None = world.engine.rows(_NEXT_AHEAD)[0][0]
    return found


def _take_fresh(world: World, now: datetime) -> tuple[set[str], _Rounds]:
    """Fill `tick_event` with the events that are new now, the earliest of each person first, and `tick_active`
    with the people whose events segments read.

    New is what came since the last tick, and what came ahead of its time that has come now. What
    happened before the first journey started moves nobody. Returns the names of the new events
    that segments read, and the rounds of those that somebody may be waiting for.
    """
    engine = world.engine
    given, ahead = counters(engine), next_ahead(world)
    last_event, taken = given["event"], given["taken"]
    parameters = {"now": now, "taken": taken, "horizon": engine.rows(_FIRST_START)[0][0]}
    arrived = _arrived(world, parameters) if last_event > taken else {}
    is_due = ahead is not None and ahead <= now
    fresh: Counter[str] = Counter()
    for name in _awaited(world):
        if is_due:
            fresh[name] += engine.execute(due_events(name), parameters)
        if name in arrived:
            fresh[name] += engine.execute(fresh_events(name), parameters)
    active = _find_active(world, parameters) if is_due or arrived else set[str]()
    if is_due:
        engine.execute(_FORGET_AHEAD, parameters)
    for name in (name for name, latest in arrived.items() if latest > now):
        engine.execute(ahead_events(name), parameters)
    if last_event > taken:
        engine.execute(_SET_TAKEN, {"last": last_event})
    return active, _numbered(world, +fresh)


def _awaited(world: World) -> list[str]:
    """Return the names of the events that do something in a journey."""
    return sorted({name for plan in world.journeys.values() for name in plan.events})


def _arrived(world: World, parameters: dict[str, object]) -> dict[str, datetime]:
    """Return the names of the events that came since the last tick, with the latest time of each."""
    names = sorted({*world.newest.events, *_awaited(world)})
    there = tuple(name for name in names if not world.engine.is_empty(event_table(name)))
    found = world.engine.rows(arrived_events(there), parameters) if there else []
    return {name: latest for name, latest in found if latest is not None}


def _numbered(world: World, fresh: Counter[str]) -> _Rounds:
    if fresh.total() < 2:
        # One alone is in no need of a number.
        return {0: dict(fresh)} if fresh else {}
    world.engine.execute(_NUMBER_FRESH)
    return _rounds(world)


def _find_active(world: World, parameters: dict[str, object]) -> set[str]:
    names = sorted(events_read(world))
    if not names:
        return set()
    world.engine.execute(_CLEAR_ACTIVE)
    return {name for name in names if world.engine.execute(active_customers(name), parameters)}


def _resume(world: World, report: TickReport) -> None:
    """Let the events of a pause end the waits of those who were paused, in order of their time (S22)."""
    for name, taken, ticked_at in world.engine.rows(RESUMING):
        plans = [j for j in world.journeys.values() if j.name == name]
        between = {"taken": taken, "ticked_at": ticked_at}
        between["last"] = last_tick(world) or report.now
        between["until"] = counters(world.engine)["taken"]
        for event in sorted({e for plan in plans for e, p in plan.events.items() if p.waking}):
            world.engine.execute(missed_events(event), between)
        world.engine.execute(_NUMBER_FRESH)
        for round, events in _rounds(world).items():
            for plan in plans:
                for found in (plan.events[event] for event in events if event in plan.events):
                    for statement in found.waking:
                        world.mover.wake(world, statement, {"now": report.now, "round": round})
            _advance(world, report, round)
        world.engine.execute(_CLEAR_FRESH)
        control.go_on(world.engine, name)


def _enter_by_events(
    world: World, at_doors: dict[str, Door], events: Iterable[str], round: int, report: TickReport
) -> int:
    before = report.entered
    for door in at_doors.values():
        plans = [door.plan.events[event] for event in events if event in door.plan.events]
        report.entered += _enter(world, door, plans, round, report.now)
    return report.entered - before


def _enter(world: World, door: Door, plans: Sequence[EventPlan], round: int, now: datetime) -> int:
    """Let in at one door whom the events of a round bring; who did what ends his wait leaves first."""
    for statement in [s for plan in plans for s in plan.queue] if door.waiting else ():
        world.engine.execute(statement, {"round": round, "now": now})
        leave_queue(world, door, now)
    entries = [entry for plan in plans for entry in plan.entries]
    return let_in(world, door, entries, now, {"round": round})


# --- moving -----------------------------------------------------------------------------------


def _advance(world: World, report: TickReport, round: int = AFTER_EVENTS) -> None:
    """Move everybody who is ready, until nobody is; events after `round` are still to come."""
    report.moves += world.mover.advance(world, report.now, round)
