"""The events that are new in a tick, in rounds: a round has one event of each customer at most (S12, S13).

    event_… + ahead_event --since the last tick--> tick_event(seq, event, customer, at, as_of, round)

What happened before the first journey began moves nobody. Events that were handed in before they happen
wait in `ahead_event` until their time has come.
"""

from dataclasses import dataclass
from datetime import datetime

from cij.compiler.sql.intake import event_table
from cij.compiler.sql.moments import note_instants
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
from cij.runtime.world import World


@dataclass(slots=True)
class Round:
    """The events of one round: how many of each name, and the first and last of their own instants."""

    number: int
    events: dict[str, int]
    first: datetime
    last: datetime

    def show(self, world: World, now: datetime) -> None:
        """Give the engine the calendar instants that statements about these events read."""
        if self.first == self.last:
            world.calendar.show(now, self.first)
        else:
            world.calendar.show_rows(now, note_instants("tick_event"), of=self)


# By number.
Rounds = dict[int, Round]


def has_arrivals(world: World) -> bool:
    """Tell whether events came since the last tick, also such that no journey waits for."""
    given = counters(world.engine)
    return given["event"] > given["taken"]


def next_future_event(world: World) -> datetime | None:
    """Return the instant of the next event that was handed in before it happens."""
    found: datetime | None = world.engine.rows(statements.NEXT_FUTURE)[0][0]
    return found


def take_new_events(
    world: World,
    now: datetime,
    tick: datetime,
    since: datetime,
    *,
    first: int,
    is_first: bool,
) -> tuple[set[str], Rounds]:
    """Add the new events that act up to `now` to `tick_event`, and the customers whose events segments
    read to `tick_active`, which is empty before with `is_first`.

    Returns the names of the new events that segments read, and all rounds that are to be handled, with
    numbers from `first` on. `tick` is the instant of the tick, `since` that of the last one: an event
    that happened before it acts when it arrived (S25).
    """
    engine = world.engine
    given, future = counters(engine), next_future_event(world)
    last_event, taken = given["event"], given["taken"]
    parameters = {"now": now, "tick": tick, "taken": taken, "since": since}
    parameters["horizon"] = engine.rows(journeys.FIRST_START)[0][0]
    arrived = _arrived(world, parameters) if last_event > taken else {}
    is_due = future is not None and future <= now
    count = 0
    for name in _awaited(world):
        if is_due:
            count += engine.execute(due_events(name), parameters)
        if name in arrived:
            count += engine.execute(fresh_events(name), parameters)
    active = set[str]()
    if is_due or arrived:
        active = _find_active(world, parameters, is_first=is_first)
    if is_due:
        engine.execute(statements.FORGET_FUTURE, parameters)
    for name in (name for name, latest in arrived.items() if latest > now):
        engine.execute(ahead_events(name), parameters)
    if last_event > taken:
        engine.execute(statements.SET_TAKEN, {"last": last_event})
    if count:
        absence.leave_out_events(engine)
    if count > 1 or (count and not is_first):
        return active, _numbered(world, first)
    # One event alone is in round 0 already, and what is left of earlier rounds keeps its numbers.
    return active, _rounds(world) if count or not is_first else {}


def clear_events(world: World) -> None:
    """Empty `tick_event`: everything has been done that the new events bring about."""
    world.engine.execute(statements.CLEAR)


def end_round(world: World, round: int) -> None:
    """Take the events of a round out of `tick_event`: everything has been done that they bring about."""
    world.engine.execute(statements.CLEAR_ROUND, {"round": round})


def take_missed_events(
    world: World,
    events: set[str],
    taken: int,
    ticked_at: datetime,
    *,
    since: datetime,
    now: datetime,
) -> Rounds:
    """Fill `tick_event` with the events of a pause that began after the event `taken` and the tick
    `ticked_at`, until the last tick, `since`; return the rounds. They act now (S22)."""
    between: dict[str, object] = {"taken": taken, "ticked_at": ticked_at, "now": now}
    between |= {"last": since, "until": counters(world.engine)["taken"]}
    for event in sorted(events):
        world.engine.execute(missed_events(event), between)
    absence.leave_out_events(world.engine)
    return _numbered(world, 0)


def _numbered(world: World, first: int) -> Rounds:
    world.engine.execute(statements.NUMBER, {"first": first})
    return _rounds(world)


def _rounds(world: World) -> Rounds:
    """Return the rounds of `tick_event`."""
    found: Rounds = {}
    for number, event, events, first, last in world.engine.rows(statements.ROUNDS):
        round = found.setdefault(number, Round(number, {}, first, last))
        round.events[event] = events
        round.first, round.last = min(round.first, first), max(round.last, last)
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


def _find_active(world: World, parameters: dict[str, object], *, is_first: bool) -> set[str]:
    names = sorted(events_read(world))
    if is_first and names:
        world.engine.execute(statements.CLEAR_ACTIVE)
    return {name for name in names if world.engine.execute(active_customers(name), parameters)}
