"""Who enters at a tick (S6, S7): the doors of the journeys, and the queues in front of them.

candidates --> in, while nothing keeps them: no limit, no pause, nobody who waits
           --> else to the queue, and from there in their turn
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cij.compiler.sql import query
from cij.compiler.sql.interning import number_of
from cij.compiler.sql.plan import EntryPlan, JourneyPlan, queue as statements
from cij.runtime.engine import Engine
from cij.runtime.schedule import next_call, next_period, period_start
from cij.runtime.segments import SegmentState, states
from cij.runtime.world import World
from cij.runtime.zones import to_instant

_STATES = query("SELECT j.journey, j.started_at, j.entered_until FROM journey_state AS j")
_CONTROLS = query("SELECT k.journey, k.state, k.drops_entries FROM journey_control AS k")
_SET_ENTERED = query(
    "UPDATE journey_state SET entered_until = $now "
    """WHERE journey IN (SELECT UNNEST(FROM_JSON($journeys, '["VARCHAR"]')))"""
)
_ENTERED = query(
    "SELECT COUNT(*) FROM passage_row AS p WHERE p.journey = $journey AND p.entered_at >= $since"
)
_NEVER = datetime(9999, 12, 30)
_LEAST = timedelta.resolution
_UNLIMITED = 2**62


@dataclass(slots=True)
class Door:
    """The way into one journey at an instant.

    People enter from `opens` on, and before `closes`. `seen_until` is the instant of the last look
    at those who may enter; `state` what was said from outside: live, draft, paused, resuming or
    stopped. `waiting` counts the queue.
    """

    plan: JourneyPlan
    opens: datetime
    closes: datetime
    seen_until: datetime | None
    state: str
    drops_entries: bool
    waiting: int

    def is_open(self, now: datetime) -> bool:
        """Tell whether people who come now may enter, or wait to enter."""
        return self.state not in ("draft", "stopped") and self.opens <= now < self.closes

    @property
    def is_free(self) -> bool:
        """Tell whether who may enter is in at once."""
        return self.state != "paused" and self.plan.limit is None and not self.waiting

    def calls(self) -> Iterator[tuple[EntryPlan, datetime]]:
        """Yield the entries by a calendar with the next instant of each."""
        for entry in self.plan.entries:
            if entry.every is not None:
                at = next_call(entry.every, self.plan.zone, self.opens, self.seen_until)
                yield entry, at

    def called(self, now: datetime) -> list[EntryPlan]:
        """Return the entries whose instant has come; one that was missed comes once (S12)."""
        return [entry for entry, at in self.calls() if at <= now]


def doors(world: World) -> dict[str, Door]:
    """Return the door of every journey, by name."""
    rows = world.engine.rows
    states = {name: (started, until) for name, started, until in rows(_STATES)}
    controls = {name: (state, drops) for name, state, drops in rows(_CONTROLS)}
    waiting: dict[str, int] = dict(rows(statements.WAITING))
    found: dict[str, Door] = {}
    for plan in world.newest.journeys:
        started, until = states[plan.name]
        state, drops = controls.get(plan.name, ("live", False))
        if state == "draft" or (plan.is_draft and state == "live"):
            state = "live" if world.is_virtual else "draft"
        opens = max(started, to_instant(_time(plan.starts), plan.zone)) if plan.starts else started
        closes = to_instant(_time(plan.ends), plan.zone) if plan.ends else _NEVER
        found[plan.name] = Door(
            plan, opens, closes, until, state, bool(drops), waiting.get(plan.name, 0)
        )
    return found


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def next_entry(world: World, last: datetime | None) -> datetime | None:
    """Return when the calendar, a first instant or a limit has something to do next.

    `last` is the instant of the last tick: what had closed by then has nothing to do any more.
    """
    found: list[datetime] = []
    for door in doors(world).values():
        if door.state in ("draft", "stopped") or (last is not None and door.closes <= last):
            continue
        dues = [at for _, at in door.calls()]
        is_left = door.waiting and door.state == "live" and not world.are_queues_seen
        if door.state == "resuming" or is_left:
            dues.append(datetime.min)
        if door.seen_until is None and door.plan.entries:
            dues.append(door.opens)
        if door.waiting and door.plan.limit and door.seen_until and door.state == "live":
            unit = door.plan.limit.unit
            dues.append(next_period(unit, door.plan.zone, door.seen_until))
        found += [at for at in dues if at < door.closes]
    return min(found, default=None)


def wanted_segments(all_doors: dict[str, Door], now: datetime) -> set[str]:
    """Return the segments that have to be looked at now: somebody is called, or a journey begins."""
    found: set[str] = set()
    for door in all_doors.values():
        if door.is_open(now):
            called = door.plan.entries if door.seen_until is None else door.called(now)
            found |= {entry.segment for entry in called if entry.segment}
    return found


# --- letting in -------------------------------------------------------------------------------


def let_in_from_segments(world: World, all_doors: dict[str, Door], now: datetime) -> int:
    """Let in those who joined a segment, those called by a calendar, and those who waited. Returns how
    many."""
    entered, segments, seen = 0, states(world), list[str]()
    for door in all_doors.values():
        if door.is_open(now):
            entries = [*_joined(door, segments, now), *door.called(now)]
            entered += let_in(world, door, entries, now, {"entered_until": door.seen_until})
            entered += _from_queue(world, door, now)
            is_first = door.seen_until is None and door.plan.entries
            if entries or door.plan.limit or is_first:
                seen.append(door.plan.name)
        elif door.waiting and now >= door.closes:
            turn_all_away(world.engine, door.plan.name, "the journey ended", now)
    world.are_queues_seen = True
    if seen:
        world.engine.execute(_SET_ENTERED, {"journeys": json.dumps(seen), "now": now})
    return entered


def _joined(door: Door, segments: Mapping[str, SegmentState], now: datetime) -> list[EntryPlan]:
    """Return the entries from segments that somebody joined since the last look."""
    until, found = door.seen_until, list[EntryPlan]()
    for entry in door.plan.entries:
        if entry.every is None and (until is None or not entry.is_once):
            state = segments.get(entry.segment or "", SegmentState())
            # Who joined at the instant of the last look may have come after it, at that instant.
            if (
                until is None
                or state.joined_at is None
                or state.joined_at > min(until, now - _LEAST)
            ):
                found.append(entry)
    return found


def let_in(
    world: World,
    door: Door,
    entries: Sequence[EntryPlan],
    now: datetime,
    parameters: dict[str, object],
) -> int:
    """Let in the candidates of entries that are reached at once, or put them into the queue.

    Returns how many entered.
    """
    if not entries or not door.is_open(now):
        return 0
    opening = {"opens": door.opens, "closes": door.closes}
    parameters = {**parameters, **opening, "now": now}
    if door.is_free:
        admit = world.mover.admit
        return sum(admit(world, door.plan, entry.find, parameters) for entry in entries)
    return _from_queue(world, door, now) if _queue_up(world, door, entries, parameters) else 0


def _queue_up(
    world: World, door: Door, entries: Sequence[EntryPlan], parameters: Mapping[str, object]
) -> int:
    """Have the candidates wait. Returns how many came.

    Who comes by several entries comes once: turned away at his turn, he must not wait anew.
    """
    execute = world.engine.execute
    execute(statements.NOBODY)
    came = sum(execute(entry.candidates, parameters) for entry in entries)
    if not came:
        return 0
    if len(entries) > 1:
        execute(statements.ONCE)
    named = {"journey": door.plan.name, "now": parameters["now"]}
    if door.state == "paused" and door.drops_entries:
        execute(statements.REFUSE, {**named, "reason": "the journey was paused"})
        return 0
    door.waiting += execute(statements.ADD, named)
    execute(statements.COUNT_ADDED)
    return came


def _from_queue(world: World, door: Door, now: datetime) -> int:
    if not door.waiting or door.state == "paused":
        return 0
    capacity = _capacity(world, door, now)
    if capacity < 1:
        return 0
    world.engine.execute(door.plan.turn, {"now": now, "capacity": capacity})
    leave_queue(world, door, now)
    world.engine.execute(statements.NOBODY)
    world.engine.execute(statements.ENTER)
    return world.mover.admit(world, door.plan, door.plan.admit.find, {"now": now})


def leave_queue(world: World, door: Door, now: datetime) -> None:
    """Take those of `tick_dequeued` out of the queue; who has a reason against him is noted."""
    parameters = {"journey": door.plan.name, "now": now}
    world.engine.execute(statements.TURN_AWAY, parameters)
    door.waiting -= world.engine.execute(statements.REMOVE)


def turn_all_away(engine: Engine, journey: str, reason: str, now: datetime) -> int:
    """Empty the queue of a journey. Returns how many waited."""
    engine.execute(statements.ALL, {"journey": journey, "reason": reason})
    engine.execute(statements.TURN_AWAY, {"journey": journey, "now": now})
    return engine.execute(statements.REMOVE)


def _capacity(world: World, door: Door, now: datetime) -> int:
    limit = door.plan.limit
    if limit is None:
        return _UNLIMITED
    since = period_start(limit.unit, door.plan.zone, now)
    entered = world.engine.rows(_ENTERED, {"journey": number_of(door.plan.name), "since": since})
    return limit.count - int(entered[0][0])
