"""Keeping the membership of the segments from which people enter, and asking those who wait."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cij.compiler.program import content_hash
from cij.compiler.sql.plan import SegmentPlan, WatchPlan
from cij.runtime.store import aside, meta, segments as statements
from cij.runtime.world import World


@dataclass(frozen=True, slots=True)
class SegmentState:
    """When a segment was last looked at as a whole, None for a look that is due; when somebody
    last joined it."""

    evaluated_at: datetime | None = None
    joined_at: datetime | None = None


_UNSEEN = SegmentState()


def states(world: World) -> dict[str, SegmentState]:
    """Return the states of all segments that have been looked at."""
    return {name: SegmentState(*state) for name, *state in world.engine.rows(statements.STATES)}


def events_read(world: World) -> set[str]:
    """Return the events that the kept segments read."""
    return {event for plan in world.newest.segments.values() for event in plan.events}


def evaluate_segments(
    world: World,
    now: datetime,
    *,
    active: Collection[str],
    wanted: Collection[str] = (),
    is_only_wanted: bool = False,
) -> None:
    """Look again at the segments whose members may have changed, and at those that are `wanted`.

    Time: at once after a refresh or a change of the definition; at the segment's own interval where
    time alone changes it. After events that the condition reads, those who did them are looked at,
    or everybody where that changes the place of others. `active` are the names of such events; whose
    they are is in the table `tick_active`. With `is_only_wanted` the look is at an instant that is past:
    the data of today say nothing new about it.
    """
    known = states(world)
    world.calendar.show(now)
    for plan in _kept_segments(world):
        is_touched = any(event in active for event in plan.events)
        if is_only_wanted and not is_touched and plan.name not in wanted:
            continue
        with world.working_on("segment", plan.name):
            state = known.get(plan.name, _UNSEEN)
            _look(world, plan, state, now, is_touched=is_touched, is_wanted=plan.name in wanted)


def _kept_segments(world: World) -> list[SegmentPlan]:
    """Return the plans of all segments but those that failed, which keep their members (S28)."""
    failed = aside.names(world.engine, "segment")
    return [plan for plan in world.newest.segments.values() if plan.name not in failed]


def _look(
    world: World,
    plan: SegmentPlan,
    state: SegmentState,
    now: datetime,
    *,
    is_touched: bool,
    is_wanted: bool,
) -> None:
    if is_touched and world.is_virtual:
        state = _caught_up(plan, state, now)
    due = _next_evaluation(world, plan, state)
    is_due = due is not None and due <= now
    is_old = is_wanted and plan.refresh_s is not None and _before(state, now)
    if is_due or is_old or (is_touched and plan.members_active is None):
        _evaluate(world, plan, state, now)
    elif is_touched:
        _evaluate_active(world, plan, state, now)


def _caught_up(plan: SegmentPlan, state: SegmentState, now: datetime) -> SegmentState:
    """Return the state as if all looks before now had been taken: what late events would have
    changed then is seen now, for those who did them."""
    if state.evaluated_at is None or plan.refresh_s is None:
        return state
    interval = timedelta(seconds=plan.refresh_s)
    looks = (now - state.evaluated_at - timedelta.resolution) // interval
    return replace(state, evaluated_at=state.evaluated_at + interval * max(looks, 0))


def _before(state: SegmentState, now: datetime) -> bool:
    return state.evaluated_at is None or state.evaluated_at < now


def next_evaluation(world: World) -> datetime | None:
    """Return when a segment is to be looked at again; None while nothing can change one."""
    known = states(world)
    plans = _kept_segments(world)
    found = (_next_evaluation(world, plan, known.get(plan.name, _UNSEEN)) for plan in plans)
    return min((at for at in found if at is not None), default=None)


def _next_evaluation(world: World, plan: SegmentPlan, state: SegmentState) -> datetime | None:
    evaluated = state.evaluated_at
    if evaluated is None:
        return datetime.min
    if plan.refresh_s is None:
        return None
    interval = timedelta(seconds=plan.refresh_s)
    if not world.is_virtual or plan.next_change is None:
        return evaluated + interval
    change = world.engine.rows(plan.next_change, {"now": evaluated})[0][0]
    if change is None or change > datetime.max - interval:
        return None
    # At the first of its intervals at which it can differ, as if all had been looked at.
    steps: int = -((evaluated - change) // interval)
    return evaluated + interval * max(steps, 1)


def _evaluate(world: World, plan: SegmentPlan, state: SegmentState, now: datetime) -> None:
    if _is_nobody_in(world, plan):
        joined = world.engine.execute(plan.first, {"now": now})
    else:
        for statement in (plan.members, plan.leave):
            world.engine.execute(statement, {"now": now})
        joined = world.engine.execute(plan.join, {"now": now})
    segment = next(s for s in world.program.segments if s.name == plan.name)
    # What is not known counts as now, so that the admissions look once too often.
    joined_at = now if joined or state.joined_at is None else state.joined_at
    _keep(world, plan.name, now, content_hash(segment), joined_at)


def _is_nobody_in(world: World, plan: SegmentPlan) -> bool:
    return world.engine.is_empty("segment_member") or not world.engine.rows(plan.somebody)


def _evaluate_active(world: World, plan: SegmentPlan, state: SegmentState, now: datetime) -> None:
    assert plan.members_active is not None
    for statement in (plan.members_active, plan.leave_active):
        world.engine.execute(statement, {"now": now})
    joined = world.engine.execute(plan.join, {"now": now})
    joined_at = now if joined else state.joined_at
    parameters = {"segment": plan.name, "at": state.evaluated_at, "joined_at": joined_at}
    world.engine.execute(statements.LOOKED, parameters)


def _keep(
    world: World, name: str, now: datetime, definition: str, joined_at: datetime | None
) -> None:
    world.engine.execute(statements.FORGET, {"segment": name})
    parameters = {"segment": name, "now": now, "definition": definition, "joined_at": joined_at}
    world.engine.execute(statements.KEEP, parameters)


# --- rests with conditions --------------------------------------------------------------------


def wake_by_conditions(world: World, paused: Collection[str], now: datetime) -> int:
    """Wake those at rests for whom a condition holds now; returns how many. Nobody in a pause.

    Time: as for segments, at once after a refresh of the data and at intervals where time alone
    changes the condition. A customer with an event is woken by that event.
    """
    woken, known = 0, states(world)
    world.calendar.show(now)
    for journey, plan in _watches(world, paused):
        with world.working_on("journey", journey):
            due = _next_watch(world, plan, known.get(plan.name, _UNSEEN))
            if due is not None and due <= now:
                woken += world.mover.wake(world, plan.wake, {"now": now})
                _keep(world, plan.name, now, "", None)
    return woken


def _next_watch(world: World, plan: WatchPlan, state: SegmentState) -> datetime | None:
    """Return when a rest is to be looked at again; None while nobody is there, or nothing changes."""
    evaluated = state.evaluated_at
    if evaluated is not None and plan.refresh_s is None:
        return None
    if not world.engine.rows(plan.somebody)[0][0]:
        return None
    if evaluated is None:
        return datetime.min
    return evaluated + timedelta(seconds=plan.refresh_s or 0)


def _watches(world: World, paused: Collection[str]) -> Iterator[tuple[str, WatchPlan]]:
    """Yield the watches with the names of their journeys."""
    for journey in world.journeys.values():
        for watch in journey.watches if journey.name not in paused else ():
            yield journey.name, watch


def next_condition(world: World, paused: Collection[str]) -> datetime | None:
    """Return when any rest with conditions is to be looked at again."""
    known = states(world)
    watches = _watches(world, paused)
    found = [_next_watch(world, plan, known.get(plan.name, _UNSEEN)) for _, plan in watches]
    return min((instant for instant in found if instant is not None), default=None)


# --- new data ---------------------------------------------------------------------------------


def data_changed(world: World) -> None:
    """Have all segments looked at again at the next tick, after a refresh of the data."""
    world.engine.execute(statements.FORGET_ALL)
    data_seen(world)
    world.engine.execute(meta.DATA_IS_NEW)


def has_new_data(world: World) -> bool:
    """Tell whether data changed since the last tick, and some journey has goals to ask it for."""
    is_asked = any(plan.on_new_data for plan in world.journeys.values())
    return is_asked and bool(world.engine.rows(meta.HAS_NEW_DATA)[0][0])


def data_seen(world: World) -> None:
    """Note that all has been done that new data brings about."""
    world.engine.execute(meta.DATA_SEEN)
