"""The events that are new in a tick, in rounds: a round has one event of each customer at most (S12, S13).

    event_… + event_ahead --since the last tick--> tick_event(seq, event, customer, at, round)

What happened before the first journey began moves nobody. Events that were handed in before they happen
wait in `event_ahead` until their time has come.
"""

from collections import Counter
from datetime import datetime

from cij.compiler.sql.intake import event_table
from cij.compiler.sql.plan import (
    active_customers,
    ahead_events,
    arrived_events,
    due_events,
    fresh_events,
    missed_events,
)
from cij.runtime import absence
from cij.runtime.segments import events_read
from cij.runtime.store import events as statements, journeys
from cij.runtime.store.counters import counters
from cij.runtime.timers import last_tick
from cij.runtime.world import World

# How many events of each name a round has, by round.
Rounds = dict[int, dict[str, int]]


def has_arrivals(world: World) -> bool:
    """Tell whether events came since the last tick, also such that no journey waits for."""
    given = counters(world.engine)
    return given["event"] > given["taken"]


def next_future_event(world: World) -> datetime | None:
    """Return the instant of the next event that was handed in before it happens."""
    found: datetime | None = world.engine.rows(statements.NEXT_FUTURE)[0][0]
    return found


def take_new_events(world: World, now: datetime) -> tuple[set[str], Rounds]:
    """Fill `tick_event` with the new events, and `tick_active` with the customers whose events segments
    read.

    Returns the names of the new events that segments read, and the rounds of those that a journey may
    be waiting for.
    """
    engine = world.engine
    given, future = counters(engine), next_future_event(world)
    last_event, taken = given["event"], given["taken"]
    parameters = {"now": now, "taken": taken, "horizon": engine.rows(journeys.FIRST_START)[0][0]}
    arrived = _arrived(world, parameters) if last_event > taken else {}
    is_due = future is not None and future <= now
    counts: Counter[str] = Counter()
    for name in _awaited(world):
        if is_due:
            counts[name] += engine.execute(due_events(name), parameters)
        if name in arrived:
            counts[name] += engine.execute(fresh_events(name), parameters)
    active = _find_active(world, parameters) if is_due or arrived else set[str]()
    if is_due:
        engine.execute(statements.FORGET_FUTURE, parameters)
    for name in (name for name, latest in arrived.items() if latest > now):
        engine.execute(ahead_events(name), parameters)
    if last_event > taken:
        engine.execute(statements.SET_TAKEN, {"last": last_event})
    return active, _numbered(world, +counts)


def clear_events(world: World) -> None:
    """Empty `tick_event`: everything has been done that the new events bring about."""
    world.engine.execute(statements.CLEAR)


def take_missed_events(
    world: World, events: set[str], taken: int, ticked_at: datetime, now: datetime
) -> Rounds:
    """Fill `tick_event` with the events of a pause that began after the event `taken` and the tick
    `ticked_at`; return the rounds."""
    between = {"taken": taken, "ticked_at": ticked_at, "last": last_tick(world) or now}
    between["until"] = counters(world.engine)["taken"]
    for event in sorted(events):
        world.engine.execute(missed_events(event), between)
    absence.leave_out_events(world.engine)
    world.engine.execute(statements.NUMBER)
    return _rounds(world)


def _rounds(world: World) -> Rounds:
    found: Rounds = {}
    for round, event, count in world.engine.rows(statements.ROUNDS):
        found.setdefault(round, {})[event] = count
    return found


def _awaited(world: World) -> list[str]:
    """Return the names of the events that do something in a journey."""
    return sorted({name for plan in world.journeys.values() for name in plan.events})


def _arrived(world: World, parameters: dict[str, object]) -> dict[str, datetime]:
    """Return the names of the events that came since the last tick, with the latest time of each."""
    names = sorted({*world.newest.events, *_awaited(world)})
    there = tuple(name for name in names if not world.engine.is_empty(event_table(name)))
    found = world.engine.rows(arrived_events(there), parameters) if there else []
    return {name: latest for name, latest in found if latest is not None}


def _numbered(world: World, counts: Counter[str]) -> Rounds:
    if counts:
        absence.leave_out_events(world.engine)
    if counts.total() < 2:
        # One event alone is in round 0 already.
        return {0: dict(counts)} if counts else {}
    world.engine.execute(statements.NUMBER)
    return _rounds(world)


def _find_active(world: World, parameters: dict[str, object]) -> set[str]:
    names = sorted(events_read(world))
    if not names:
        return set()
    world.engine.execute(statements.CLEAR_ACTIVE)
    return {name for name in names if world.engine.execute(active_customers(name), parameters)}
