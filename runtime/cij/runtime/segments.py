"""Keeping the membership of the segments from which people enter, and asking those who wait."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from cij.compiler.program import content_hash
from cij.compiler.sql import query
from cij.compiler.sql.plan import SegmentPlan, WatchPlan
from cij.runtime.world import World

_STATE = query("SELECT s.evaluated_at FROM segment_state AS s WHERE s.segment = $segment")
_FORGET = query("DELETE FROM segment_state WHERE segment = $segment")
_FORGET_ALL = query("DELETE FROM segment_state")
_KEEP = query(
    "INSERT INTO segment_state (segment, evaluated_at, definition) "
    "VALUES ($segment, $now, $definition)"
)


def evaluate_segments(
    world: World, now: datetime, *, had_events: bool, wanted: Collection[str] = ()
) -> None:
    """Look again at the segments whose members may have changed, and at those that are `wanted`.

    Time: at once after a refresh or a change of the definition, and after events where the
    condition reads events; at the segment's own interval where time alone changes it.
    """
    for plan in world.newest.segments.values():
        due = next_evaluation(world, plan)
        is_due = due is not None and due <= now
        if is_due or (had_events and plan.reads_events) or _is_old(world, plan, wanted, now):
            _evaluate(world, plan, now)


def _is_old(world: World, plan: SegmentPlan, wanted: Collection[str], now: datetime) -> bool:
    """Tell whether a wanted segment can have changed by time since the last look."""
    if plan.name not in wanted or plan.refresh_s is None:
        return False
    return bool(world.engine.rows(_STATE, {"segment": plan.name})[0][0] < now)


def next_evaluation(world: World, plan: SegmentPlan) -> datetime | None:
    """Return when a segment is to be looked at again; None while nothing can change it."""
    found = world.engine.rows(_STATE, {"segment": plan.name})
    if not found:
        return datetime.min
    if plan.refresh_s is None:
        return None
    evaluated: datetime = found[0][0]
    interval = timedelta(seconds=plan.refresh_s)
    if not world.is_virtual or plan.next_change is None:
        return evaluated + interval
    change = world.engine.rows(plan.next_change, {"now": evaluated})[0][0]
    if change is None:
        return None
    # At the first of its intervals at which it can differ, as if all had been looked at.
    steps: int = -((evaluated - change) // interval)
    return evaluated + interval * max(steps, 1)


def _evaluate(world: World, plan: SegmentPlan, now: datetime) -> None:
    for statement in (plan.members, plan.leave, plan.join):
        world.engine.execute(statement, {"now": now})
    segment = next(s for s in world.program.segments if s.name == plan.name)
    _keep(world, plan.name, now, content_hash(segment))


def _keep(world: World, name: str, now: datetime, definition: str) -> None:
    world.engine.execute(_FORGET, {"segment": name})
    parameters = {"segment": name, "now": now, "definition": definition}
    world.engine.execute(_KEEP, parameters)


# --- rests with conditions --------------------------------------------------------------------


def wake_by_conditions(world: World, paused: Collection[str], now: datetime) -> int:
    """Wake those at rests for whom a condition holds now; returns how many. Nobody in a pause.

    Time: as for segments, at once after a refresh of the data and at intervals where time alone
    changes the condition. Whoever has an event is woken by that.
    """
    woken = 0
    for plan in _watches(world, paused):
        due = next_watch(world, plan)
        if due is not None and due <= now:
            woken += world.engine.execute(plan.wake, {"now": now})
            _keep(world, plan.name, now, "")
    return woken


def next_watch(world: World, plan: WatchPlan) -> datetime | None:
    """Return when a rest is to be looked at again; None while nobody is there, or nothing changes."""
    found = world.engine.rows(_STATE, {"segment": plan.name})
    if found and plan.refresh_s is None:
        return None
    if not world.engine.rows(plan.somebody)[0][0]:
        return None
    if not found:
        return datetime.min
    evaluated: datetime = found[0][0]
    return evaluated + timedelta(seconds=plan.refresh_s or 0)


def _watches(world: World, paused: Collection[str]) -> Iterator[WatchPlan]:
    for journey in world.journeys.values():
        yield from journey.watches if journey.name not in paused else ()


def next_condition(world: World, paused: Collection[str]) -> datetime | None:
    """Return when any rest with conditions is to be looked at again."""
    found = [next_watch(world, plan) for plan in _watches(world, paused)]
    return min((instant for instant in found if instant is not None), default=None)


# --- new data ---------------------------------------------------------------------------------

_NEW_DATA = query("SELECT COUNT(*) FROM meta AS m WHERE m.name = 'new_data'")
_SEEN = query("DELETE FROM meta WHERE name = 'new_data'")
_IS_NEW = query("INSERT INTO meta (name, value) VALUES ('new_data', 'yes')")


def data_changed(world: World) -> None:
    """Have all segments looked at again at the next tick, after a refresh of the data."""
    world.engine.execute(_FORGET_ALL)
    data_seen(world)
    world.engine.execute(_IS_NEW)


def has_new_data(world: World) -> bool:
    """Tell whether data changed since the last tick, and some journey has goals to ask it for."""
    is_asked = any(plan.on_new_data for plan in world.journeys.values())
    return is_asked and bool(world.engine.rows(_NEW_DATA)[0][0])


def data_seen(world: World) -> None:
    """Note that all has been done that new data brings about."""
    world.engine.execute(_SEEN)
