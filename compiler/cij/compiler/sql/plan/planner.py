"""Makes the plan of a program."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType

from cij.compiler import expression as ex, program as pg
from cij.compiler.sql import moments
from cij.compiler.sql.outbox import effects_of
from cij.compiler.sql.plan.advance import advance, visits
from cij.compiler.sql.plan.context import Context
from cij.compiler.sql.plan.entering import admit, by_event, by_segment
from cij.compiler.sql.plan.governing import Rules, governed, rules_of
from cij.compiler.sql.plan.on_demand import OnDemand
from cij.compiler.sql.plan.plan_parts import (
    EventPlan,
    JourneyPlan,
    Plan,
    SharedPlan,
    Sharing,
    WatchPlan,
)
from cij.compiler.sql.plan.queue import leaves, turn
from cij.compiler.sql.plan.reacting import (
    on_exit,
    on_exit_met,
    on_goal,
    on_goal_met,
    on_new_data,
)
from cij.compiler.sql.plan.regions import regions
from cij.compiler.sql.plan.rights import keep, rights
from cij.compiler.sql.plan.segments import deep_parts, is_timed, segment_plan
from cij.compiler.sql.plan.sharing import journey_key, region_key
from cij.compiler.sql.plan.waking import at_rest, somebody_at, watch
from cij.compiler.sql.scope import Catalog
from cij.compiler.sql.send_rules import end_of, moments_of
from cij.compiler.sql.template import Statement
from cij.compiler.walk import walk

# The states of open passages, by journey and version.
Resting = Mapping[tuple[str, str], Collection[str]]
_NOBODY: Resting = MappingProxyType({})


def make_plan(program: pg.Program, rules: Rules | None = None, resting: Resting = _NOBODY) -> Plan:
    """Return the plan of a program. It depends on no data, so one plan serves all ticks.

    `rules` are those of the newest program, where `program` is an older one. `resting` has the
    states of open passages, since a passage may be held by a rule that no longer exists.
    """
    rules = rules_of(program) if rules is None else rules
    ruled = [
        governed(j, program, rules, resting.get((j.name, j.version), ())) for j in program.journeys
    ]
    # Only segments that a journey enters from are stored. Others are evaluated inside conditions.
    entered = {
        e.segment for j in program.journeys for e in j.entries if isinstance(e, pg.SegmentEntry)
    }
    return Plan(
        program_hash=program.hash,
        moments=_moments(program, rules, _changed(ruled, program.journeys)),
        segments={s.name: segment_plan(s, program) for s in program.segments if s.name in entered},
        journeys=tuple(_journey_plan(j, program, rules) for j in ruled),
        events=tuple(e.name for e in program.events),
        is_capped=bool(rules.caps),
    )


def _changed(ruled: Sequence[pg.Journey], journeys: Sequence[pg.Journey]) -> list[pg.Journey]:
    """Return the journeys that rules have changed.

    Their added waits read calendar steps of their own.
    """
    return [new for new, old in zip(ruled, journeys, strict=True) if new != old]


def journey_plan(
    journey: pg.Journey,
    program: pg.Program,
    rules: Rules | None = None,
    resting: Collection[str] = (),
) -> JourneyPlan:
    """Return the plan of one journey. For `rules` and `resting` see `make_plan`."""
    rules = rules_of(program) if rules is None else rules
    return _journey_plan(governed(journey, program, rules, resting), program, rules)


def _journey_plan(journey: pg.Journey, program: pg.Program, rules: Rules) -> JourneyPlan:
    context = Context(program, journey, Catalog.of(program), rules)
    rests = {s.id: s for s in journey.states if isinstance(s, pg.WaitState)}
    events = {e.name: e for e in program.events if _matters(e, journey)}
    roots = {r.root: r for r in regions(journey)}
    return JourneyPlan(
        name=journey.name,
        version=journey.version,
        start=journey.start,
        regions=OnDemand(roots, lambda root: advance(roots[root], context)),
        timers={rest.id: rest.timeout for rest in rests.values()},
        events=_events(events, context, _event),
        entries=tuple(
            replace(by_segment(e, context, n), keep=keep(e, context))
            for n, e in enumerate(journey.entries)
            if isinstance(e, pg.SegmentEntry)
        ),
        admit=admit(context),
        visits={path: rows for r in roots.values() for path, rows in visits(r).items()},
        effects=effects_of(journey, program),
        names=(*_names(journey), *events),
        turn=Statement.later(lambda: turn(context)),
        on_new_data=tuple(s for g in journey.goals for s in on_new_data(g, context)),
        zone=journey.timezone or program.timezone,
        is_keyed=journey.per is not None,
        sharing=Sharing(
            lambda: journey_key(context),
            lambda: _shared_plan(replace(context, is_shared=True)),
            lambda root: region_key(context, roots[root]),
        ),
        limit=journey.limit,
        starts=journey.starts,
        ends=journey.ends,
        is_draft=journey.is_draft,
        priority=journey.priority,
        rights=rights(context),
        watches=tuple(_watch(rest, context) for rest in rests.values() if rest.conditions),
    )


def _names(journey: pg.Journey) -> tuple[str, ...]:
    """Return the texts that passages of a journey hold as numbers, except the names of events."""
    found = {journey.name: None, journey.version: None}
    for state in journey.states:
        if isinstance(state, (pg.WaitState, pg.EndState)):
            found[state.id] = None
        if isinstance(state, pg.EndState):
            found |= {state.outcome: None, state.cause: None}
    found |= dict.fromkeys(goal.name for goal in journey.goals)
    return tuple(found)


def _shared_plan(context: Context) -> SharedPlan:
    journey = context.journey
    roots = {r.root: r for r in regions(journey)}
    events = {e.name: e for e in context.program.events if _matters(e, journey)}
    return SharedPlan(
        regions=OnDemand(roots, lambda root: advance(roots[root], context)),
        events=_events(events, context, _reactions),
    )


def _events(
    events: Mapping[str, pg.Event],
    context: Context,
    make: "Callable[[pg.Event, Callable[[], _Met], Context], EventPlan]",
) -> OnDemand[EventPlan]:
    # All events share these statements, so they are made once.
    met = lru_cache(maxsize=1)(lambda: _met(context))
    return OnDemand(events, lambda name: make(events[name], met, context))


# The interval for conditions that change with time, in seconds. Segments have the same default.
_WATCH_S = 3600


def _watch(rest: pg.WaitState, context: Context) -> WatchPlan:
    journey = context.journey
    inside = [part for c in rest.conditions for part in deep_parts(c, context.program)]
    return WatchPlan(
        name=f"{journey.name}/{journey.version}/{rest.id}",
        refresh_s=_WATCH_S if is_timed(inside) else None,
        somebody=Statement.later(lambda: somebody_at(rest, context)),
        wake=Statement.later(lambda: watch(rest, context)),
    )


# Statements by goal, or by exit and its place.
_Met = dict[str, list[Statement]]


def _matters(event: pg.Event, journey: pg.Journey) -> bool:
    """Tell whether an event can admit a customer, end a wait, or end a passage."""
    names = {e.event for e in journey.entries if isinstance(e, pg.EventEntry)}
    names |= {g.event for g in journey.goals if g.event}
    names |= {e.event for e in journey.exits if e.event}
    rests = (s for s in journey.states if isinstance(s, pg.WaitState))
    # Any event can make a condition true, because a condition may read any data.
    conditions = [*(g.condition for g in journey.goals), *(e.condition for e in journey.exits)]
    is_met = any(condition is not None for condition in conditions)
    return event.name in names or is_met or any(_can_end(rest, event) for rest in rests)


def _reactions(event: pg.Event, met: Callable[[], _Met], context: Context) -> EventPlan:
    """Return the reactions of passages to an event. Entries are left out: they are never shared."""
    leaving = _leaving(event, met, context)
    waking = _waking(event, context, is_first=not _wakes(leaving))
    return EventPlan(event.name, leaving, waking, queue=(), entries=())


def _event(event: pg.Event, met: Callable[[], _Met], context: Context) -> EventPlan:
    entries = tuple(
        by_event(e, context, n)
        for n, e in enumerate(context.journey.entries)
        if isinstance(e, pg.EventEntry) and e.event == event.name
    )
    inside = _reactions(event, met, context)
    return replace(inside, queue=_from_queue(event, context), entries=entries)


def _leaving(event: pg.Event, met: Callable[[], _Met], context: Context) -> tuple[Statement, ...]:
    journey = context.journey
    found: list[Statement] = []
    for goal in journey.goals:
        if goal.event == event.name:
            found += on_goal(goal, event, context)
        elif goal.condition is not None:
            found += met()[goal.name]
    # Goals come before exits, because a goal counts where one event is both (S8).
    for place, exit in enumerate(journey.exits):
        if exit.event == event.name:
            found.append(on_exit(exit, event, context, is_first=not _wakes(found)))
        elif exit.condition is not None:
            found += met()[f"exit {place}"]
    return tuple(found)


def _met(context: Context) -> _Met:
    """Return the statements that test goals and exits by condition.

    They are the same for every event.
    """
    goals, exits = context.journey.goals, context.journey.exits
    found = {g.name: on_goal_met(g, context) for g in goals if g.condition is not None}
    for place, exit in enumerate(exits):
        if exit.condition is not None:
            found[f"exit {place}"] = [on_exit_met(exit, context)]
    return found


def _wakes(statements: Iterable[Statement]) -> bool:
    return any(statement.writes == "tick_ready" for statement in statements)


def _waking(event: pg.Event, context: Context, *, is_first: bool) -> tuple[Statement, ...]:
    here = [s for s in context.journey.states if isinstance(s, pg.WaitState) and _can_end(s, event)]
    return tuple(at_rest(rest, event, context, is_first=is_first) for rest in here)


def _from_queue(event: pg.Event, context: Context) -> tuple[Statement, ...]:
    journey = context.journey
    # A goal `and stay` ends no passage, so it removes no customer from the queue either.
    goals = [
        (f"goal {g.name}", g.where) for g in journey.goals if g.event == event.name and g.target
    ]
    exits = [(f"exit {e.name}", e.where) for e in journey.exits if e.event == event.name]
    return tuple(leaves(event, where, reason, context) for reason, where in goals + exits)


def _can_end(rest: pg.WaitState, event: pg.Event) -> bool:
    return bool(rest.conditions) or any(a.event == event.name for a in rest.awaits)


def _moments(
    program: pg.Program, rules: Rules, ruled: Sequence[pg.Journey]
) -> tuple[moments.Moment, ...]:
    found: dict[moments.Moment, None] = {}
    for part in (part for root in (program, *ruled) for part in walk(root)):
        match part:
            # A window looks back, so its step is negative.
            case ex.Last(period=period) if not moments.is_elapsed(period):
                found[moments.of_period(period, sign=-1)] = None
            case pg.WaitState(timer=timer_):
                moment = moments.of_timer(timer_)
                found |= {moment: None} if moment else {}
            case ex.Hours():
                found[end_of(part)] = None
    return tuple(found | dict.fromkeys(m for cap in rules.caps for m in moments_of(cap)))
