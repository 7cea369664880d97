"""Admission control (S6, S7): who enters a journey at a tick, and who waits in its queue.

candidates --> enter at once, where there is no limit, no pause and nobody who waits
           --> else into the queue, and from there in their order
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cij.compiler.sql.interning import number_of
from cij.compiler.sql.plan import EntryPlan, EventPlan, JourneyPlan, queue as statements
from cij.compiler.sql.plan.rights import LAPSE
from cij.runtime.engine import Engine
from cij.runtime.event_rounds import Round
from cij.runtime.schedule import next_call, next_period, period_start
from cij.runtime.segments import SegmentState, states
from cij.runtime.store import control, journeys, passages
from cij.runtime.world import World
from cij.runtime.zones import to_instant

_NEVER = datetime(9999, 12, 30)
_LEAST = timedelta.resolution
_UNLIMITED = 2**62
# Nobody enters, and nobody waits to enter. Who would have entered a journey that failed does so when it
# is tried again.
_SHUT = ("draft", "stopped", "failed")


@dataclass(slots=True)
class Admission:
    """Whom one journey admits at an instant.

    People enter from `opens` on, and before `closes`. Up to `seen_until` those who may enter have been
    looked at, None for nobody so far; `state` is what was ordered: live, draft, paused, resuming or
    stopped; or failed and retrying (S28). `waiting` counts the queue.
    """

    plan: JourneyPlan
    opens: datetime
    closes: datetime
    seen_until: datetime | None
    state: str
    drops_entries: bool
    waiting: int

    def is_open(self, first: datetime, last: datetime | None = None) -> bool:
        """Tell whether people who come at an instant, or between two, may enter or wait to enter."""
        return self.state not in _SHUT and self.opens <= (last or first) and first < self.closes

    @property
    def goes_on(self) -> bool:
        """Tell whether the journey goes on in this tick, after a pause or a failure. Who waits enters when
        everything else up to the tick is done, and not as of an instant in the pause (S22)."""
        return self.state in ("resuming", "retrying")

    @property
    def is_at_once(self) -> bool:
        """Tell whether those who may enter do not have to wait."""
        return self.state != "paused" and self.plan.limit is None and not self.waiting

    def calls(self) -> Iterator[tuple[EntryPlan, datetime]]:
        """Yield the entries by a calendar with the next instant of each."""
        for entry in self.plan.entries:
            if entry.every is not None:
                zone = entry.every.zone or self.plan.zone
                at = next_call(entry.every, zone, self.opens, self.seen_until)
                yield entry, at

    def called(self, now: datetime) -> list[EntryPlan]:
        """Return the entries whose instant has come."""
        return [entry for entry, at in self.calls() if at <= now]

    def next_room(self) -> datetime | None:
        """Return when its limit has room again; None without a limit."""
        if self.plan.limit and self.seen_until and self.state == "live":
            return next_period(self.plan.limit.unit, self.plan.zone, self.seen_until)
        return None


def admissions(world: World) -> dict[str, Admission]:
    """Return the admission of every journey, by name."""
    rows = world.engine.rows
    states = {name: (started, until) for name, started, until in rows(journeys.STATES)}
    controls = {name: (state, drops) for name, state, drops in rows(control.ENTRIES)}
    waiting: dict[str, int] = dict(rows(statements.WAITING))
    found: dict[str, Admission] = {}
    for plan in world.newest.journeys:
        started, until = states[plan.name]
        state, drops = controls.get(plan.name, ("live", False))
        if state == "draft" or (plan.is_draft and state == "live"):
            state = "live" if world.is_virtual else "draft"
        opens = max(started, to_instant(_time(plan.starts), plan.zone)) if plan.starts else started
        closes = to_instant(_time(plan.ends), plan.zone) if plan.ends else _NEVER
        found[plan.name] = Admission(
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
    open_to = admissions(world)
    right = next_right(world, open_to, last)
    for admission in open_to.values():
        if admission.state in _SHUT or (last is not None and admission.closes <= last):
            continue
        dues = [at for _, at in admission.calls()]
        room = admission.next_room() if admission.waiting else None
        if room is not None:
            dues.append(room)
        if admission.seen_until is None and admission.plan.entries:
            dues.append(admission.opens)
        is_left = admission.waiting and admission.state == "live" and not world.are_queues_seen
        if admission.state in ("resuming", "retrying") or is_left:
            dues.append(datetime.min)
        found += [at for at in dues if at < admission.closes]
    return min([*found, *([right] if right else [])], default=None)


def missed_entry(
    open_to: Mapping[str, Admission], since: datetime, now: datetime, *, may_come: bool
) -> datetime | None:
    """Return the first instant after `since` and before `now` at which the calendar or a limit had
    something to do. A late tick makes it up, as of that instant (S12).

    `may_come` tells that something else is due in this tick, by which people may come.
    """
    found: list[datetime] = []
    for admission in open_to.values():
        if admission.state not in _SHUT:
            # Those who come in this tick may have to wait for room. Where nobody can come, the periods of
            # a limit are nothing to make up: after a year there are thousands of them.
            room = admission.next_room() if admission.waiting or may_come else None
            dues = [room, *(at for _, at in admission.calls())]
            closes = admission.closes
            found += [at for at in dues if at is not None and since < at < now and at < closes]
    return min(found, default=None)


def wanted_segments(open_to: dict[str, Admission], now: datetime) -> set[str]:
    """Return the segments that have to be looked at now: somebody is called, or a journey begins."""
    found: set[str] = set()
    for admission in open_to.values():
        if admission.is_open(now):
            called = (
                admission.plan.entries if admission.seen_until is None else admission.called(now)
            )
            found |= {entry.segment for entry in called if entry.segment}
    return found


# --- letting in -------------------------------------------------------------------------------


def admit_from_segments(
    world: World, open_to: dict[str, Admission], now: datetime, *, is_missed: bool
) -> int:
    """Admit those who joined a segment, those called by a calendar, and those who waited; return how
    many entered. `is_missed` tells that a late tick makes up `now`."""
    entered, segments, seen = 0, states(world), list[str]()
    world.calendar.show(now)
    if not world.engine.is_empty("entry_right"):
        world.engine.execute(LAPSE)
    for admission in open_to.values():
        if is_missed and admission.goes_on:
            continue
        if admission.is_open(now):
            entries = [*_joined(admission, segments, now), *admission.called(now)]
            until: dict[str, object] = {"entered_until": admission.seen_until}
            with world.working_on("journey", admission.plan.name):
                # A right is used in the tick that finds it free, as segments are looked at in ticks.
                # Instants that are made up depend on the limits and calendars of other journeys, so
                # they must not decide when somebody enters.
                if not is_missed:
                    entries = [*_rights(world, admission, now), *entries]
                if entries:
                    entered += _admit(world, admission, entries, now, until | {"earliest": now})
                entered += _from_queue(world, admission, now, now)
            is_first = admission.seen_until is None and admission.plan.entries
            if entries or admission.plan.limit or is_first:
                seen.append(admission.plan.name)
        elif admission.waiting and now >= admission.closes and admission.state != "failed":
            reject_all(world.engine, admission.plan.name, "the journey ended", now)
    world.are_queues_seen = True
    if seen:
        world.engine.execute(journeys.SET_ENTERED, {"journeys": json.dumps(seen), "now": now})
    return entered


def _rights(world: World, admission: Admission, now: datetime) -> list[EntryPlan]:
    """Return the entry of those who joined a segment when they could not enter, and now can (S7)."""
    rights = admission.plan.rights
    if rights is None or world.engine.is_empty("entry_right"):
        return []
    if not world.engine.execute(rights.free, {"now": now}):
        return []
    world.engine.execute(rights.use)
    return [rights.entry]


def next_right(
    world: World, open_to: Mapping[str, Admission], now: datetime | None
) -> datetime | None:
    """Return when the next right to enter becomes free (S7), in journeys into which somebody may come at
    `now` or later. A right in a journey that has closed is never used."""
    if world.engine.is_empty("entry_right"):
        return None
    found: list[datetime] = []
    for admission in open_to.values():
        is_over = now is not None and admission.closes <= now
        if admission.plan.rights is None or is_over or admission.state in (*_SHUT, "paused"):
            continue
        free = world.engine.rows(admission.plan.rights.next_free)[0][0]
        if free is not None:
            found.append(max(free, admission.opens))
    return min(found, default=None)


def _joined(
    admission: Admission, segments: Mapping[str, SegmentState], now: datetime
) -> list[EntryPlan]:
    """Return the entries from segments that somebody joined since the last look."""
    until, found = admission.seen_until, list[EntryPlan]()
    for entry in admission.plan.entries:
        if entry.every is None and (until is None or not entry.is_once):
            state = segments.get(entry.segment or "", SegmentState())
            # Somebody who joined at the instant of the last look may have joined after it.
            if (
                until is None
                or state.joined_at is None
                or state.joined_at > min(until, now - _LEAST)
            ):
                found.append(entry)
    return found


def admit_from_events(
    world: World, admission: Admission, round: Round, now: datetime, since: datetime
) -> int:
    """Admit those whom the events of a round bring into one journey; return how many entered.

    Those in the queue who did what a goal or an exit waits for leave the queue first.
    """
    plans = [admission.plan.events[e] for e in round.events if e in admission.plan.events]
    if admission.state == "failed" or not plans:
        return 0
    with world.working_on("journey", admission.plan.name):
        round.show(world, now)
        return _admit_from_events(world, admission, plans, round, now, since)


def _admit_from_events(
    world: World,
    admission: Admission,
    plans: Sequence[EventPlan],
    round: Round,
    now: datetime,
    since: datetime,
) -> int:
    for statement in [s for plan in plans for s in plan.queue] if admission.waiting else ():
        world.engine.execute(statement, {"round": round.number, "now": now})
        leave_queue(world, admission, now)
    entries = [entry for plan in plans for entry in plan.entries]
    if not entries or not admission.is_open(round.first, round.last):
        return 0
    return _admit(world, admission, entries, round.last, {"round": round.number, "earliest": since})


def _admit(
    world: World,
    admission: Admission,
    entries: Sequence[EntryPlan],
    now: datetime,
    parameters: dict[str, object],
) -> int:
    """Admit the candidates of entries at once, or put them into the queue; return how many entered."""
    opening = {"opens": admission.opens, "closes": admission.closes}
    parameters = {**parameters, **opening, "now": now}
    for keep in (entry.keep for entry in entries if entry.keep is not None):
        world.engine.execute(keep, parameters)
    if admission.is_at_once:
        admit = world.mover.admit
        return sum(admit(world, admission.plan, entry.find, parameters) for entry in entries)
    earliest = parameters["earliest"]
    assert isinstance(earliest, datetime)
    came = _queue_up(world, admission, entries, parameters)
    return _from_queue(world, admission, now, earliest) if came else 0


def _queue_up(
    world: World,
    admission: Admission,
    entries: Sequence[EntryPlan],
    parameters: Mapping[str, object],
) -> int:
    """Put the candidates into the queue; return how many came.

    A customer matched by several entries is queued once; otherwise a rejection would queue them again.
    """
    execute = world.engine.execute
    execute(statements.NOBODY)
    came = sum(execute(entry.candidates, parameters) for entry in entries)
    if came and any(entry.keep for entry in entries) and admission.plan.rights:
        came -= execute(admission.plan.rights.stand_back)
    if not came:
        return 0
    if len(entries) > 1:
        execute(statements.ONCE)
    named = {"journey": admission.plan.name, "now": parameters["now"]}
    if admission.state == "paused" and admission.drops_entries:
        execute(statements.REFUSE, {**named, "reason": "the journey was paused"})
        return 0
    admission.waiting += execute(statements.ADD, named)
    execute(statements.COUNT_ADDED)
    return came


def _from_queue(world: World, admission: Admission, now: datetime, earliest: datetime) -> int:
    """Let in the next of the queue; return how many entered.

    They enter when they came, or at `earliest` where they came before it. That is `now` when all events up
    to `now` have been handled.
    """
    if not admission.waiting or admission.state == "paused":
        return 0
    if admission.goes_on and earliest < now:
        return 0
    capacity = _capacity(world, admission, now)
    if capacity < 1:
        return 0
    if admission.plan.limit:
        # There was no room before this period, else they would not be waiting.
        earliest = max(earliest, _period_start(admission, now))
    parameters = {"now": now, "earliest": earliest}
    own = {"journey": admission.plan.name, "earliest": earliest}
    world.calendar.show_rows(now, statements.NOTE_QUEUED, **own)
    world.engine.execute(admission.plan.turn, {**parameters, "capacity": capacity})
    leave_queue(world, admission, now)
    world.engine.execute(statements.NOBODY)
    world.engine.execute(statements.ENTER)
    return world.mover.admit(world, admission.plan, admission.plan.admit.find, parameters)


def leave_queue(world: World, admission: Admission, now: datetime) -> None:
    """Take those of `tick_dequeued` out of the queue; note those with a reason against them."""
    parameters = {"journey": admission.plan.name, "now": now}
    world.engine.execute(statements.TURN_AWAY, parameters)
    admission.waiting -= world.engine.execute(statements.REMOVE)


def reject_all(engine: Engine, journey: str, reason: str, now: datetime) -> int:
    """Empty the queue of a journey. Returns how many waited."""
    engine.execute(statements.ALL, {"journey": journey, "reason": reason})
    engine.execute(statements.TURN_AWAY, {"journey": journey, "now": now})
    return engine.execute(statements.REMOVE)


def _capacity(world: World, admission: Admission, now: datetime) -> int:
    limit = admission.plan.limit
    if limit is None:
        return _UNLIMITED
    since = _period_start(admission, now)
    entered = world.engine.rows(
        passages.ENTERED, {"journey": number_of(admission.plan.name), "since": since}
    )
    return limit.count - int(entered[0][0])


def _period_start(admission: Admission, now: datetime) -> datetime:
    assert admission.plan.limit is not None, "it has a limit"
    return period_start(admission.plan.limit.unit, admission.plan.zone, now)
