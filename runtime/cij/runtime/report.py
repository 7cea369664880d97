"""What there is to see: numbers of a store at an instant."""

from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from cij.compiler.sql import interning, query
from cij.compiler.sql.plan.governing import heading_for, held_by
from cij.compiler.sql.plan.segments import deep_parts, is_timed, segment_size
from cij.runtime.delivery import outbox
from cij.runtime.due import next_work
from cij.runtime.entering import Door, doors
from cij.runtime.intake import QUARANTINE
from cij.runtime.report_data import (
    Actions,
    BadRow,
    Counted,
    Entries,
    JourneyState,
    Messages,
    PutAside,
    Report,
    SourceRows,
    Standing,
)
from cij.runtime.world import World
from cij.runtime.zones import unknown

_PROFILES = query("SELECT COUNT(*) FROM customer")
_ENTRIES = query(
    "SELECT {journey}, r.n, r.inside FROM (SELECT p.journey, COUNT(*) AS n, "
    "COUNT(*) FILTER (WHERE p.ended_at IS NULL) AS inside FROM passage_row AS p "
    "GROUP BY p.journey) AS r ORDER BY 1",
    **interning.texts_of("r", "journey"),
)
_CONVERSIONS = query(
    "SELECT v.journey, v.goal, COUNT(*) FROM conversion AS v GROUP BY v.journey, v.goal "
    "ORDER BY v.journey, v.goal"
)
_MESSAGES = query(
    "SELECT o.journey, o.channel, o.message, o.outcome, COUNT(*) FROM outbox AS o "
    "WHERE o.channel <> 'action' GROUP BY o.journey, o.channel, o.message, o.outcome "
    "ORDER BY o.journey, o.channel, o.message, o.outcome"
)
_ACTIONS = query(
    "SELECT o.journey, o.message, o.outcome, COUNT(*) FROM outbox AS o "
    "WHERE o.channel = 'action' GROUP BY o.journey, o.message, o.outcome "
    "ORDER BY o.journey, o.message, o.outcome"
)
_STANDING = query(
    "SELECT {journey}, {state}, r.n, r.wake_at FROM (SELECT p.journey, p.state, COUNT(*) AS n, "
    "MIN(p.wake_at) AS wake_at FROM passage_row AS p "
    "WHERE p.ended_at IS NULL GROUP BY p.journey, p.state) AS r ORDER BY 1, 2",
    **interning.texts_of("r", "journey", "state"),
)
_ENDED = query(
    "SELECT {journey}, {outcome}, r.n FROM (SELECT p.journey, p.outcome, COUNT(*) AS n "
    "FROM passage_row AS p WHERE NOT p.ended_at IS NULL GROUP BY p.journey, p.outcome) AS r "
    "ORDER BY 1, 2",
    **interning.texts_of("r", "journey", "outcome"),
)
_PUT_ASIDE = query(
    "SELECT q.reason, COUNT(*) FROM quarantine AS q WHERE q.source = $source "
    "GROUP BY q.reason ORDER BY MAX(q.loaded_at) DESC, q.reason LIMIT 20"
)
_BAD_ROWS = query(
    "SELECT q.source, q.file, q.line, q.reason FROM quarantine AS q WHERE q.source <> $source "
    "ORDER BY q.source ASC, q.line ASC NULLS LAST, q.reason ASC LIMIT 20"
)
_SOURCES = query(
    "SELECT s.source, s.rows, s.bad FROM source_state AS s WHERE NOT s.rows IS NULL ORDER BY s.source"
)


def report(world: World, now: datetime) -> Report:
    """Read the numbers of a store."""
    rows = world.engine.rows
    return Report(
        at=now,
        sources=tuple(SourceRows(*r) for r in rows(_SOURCES)),
        profiles=rows(_PROFILES)[0][0],
        segments=tuple((s.name, _size(world, s.name, now)) for s in world.program.segments),
        entries=tuple(Entries(*r) for r in rows(_ENTRIES)),
        messages=tuple(Messages(*r) for r in rows(_MESSAGES)),
        standing=tuple(_standing(*r) for r in rows(_STANDING)),
        ended=tuple(Counted(*r) for r in rows(_ENDED)),
        conversions=tuple(Counted(*r) for r in rows(_CONVERSIONS)),
        next_timer=world.mover.next_timer(world),
        states=tuple(_state(door, now) for door in doors(world).values()),
        actions=tuple(Actions(*r) for r in rows(_ACTIONS)),
        put_aside=tuple(PutAside(*r) for r in rows(_PUT_ASIDE, {"source": QUARANTINE})),
        unknown_zones=unknown(world.engine),
        bad_rows=tuple(BadRow(*r) for r in rows(_BAD_ROWS, {"source": QUARANTINE})),
    )


def stays_until(world: World, now: datetime) -> datetime | None:
    """Return how long these numbers stay as they are if nothing comes from outside.

    None is for ever; `now` itself says that some number may change at any time, or that a message
    waits. Sizes of segments change by the passing of time where their conditions name it.
    """
    program = world.program
    is_any_timed = any(is_timed(deep_parts(s.condition, program)) for s in program.segments)
    if is_any_timed or outbox.next_due(world.engine) is not None:
        return now
    bounds = [at for door in doors(world).values() for at in (door.opens, door.closes)]
    due = next_work(world)
    return min([at for at in bounds if at > now] + ([due] if due is not None else []), default=None)


def _standing(journey: str, state: str, count: int, next_at: datetime | None) -> Standing:
    held = held_by(state)
    step = heading_for(state) if held else None
    return Standing(journey, step or state, count, next_at, held or "")


def _state(door: Door, now: datetime) -> JourneyState:
    state = "live" if door.state == "resuming" else door.state
    if state == "live" and now >= door.closes:
        state = "ended"
    elif state == "live" and now < door.opens:
        state = "scheduled"
    return JourneyState(door.plan.name, state, door.waiting)


def _size(world: World, name: str, now: datetime) -> int:
    segment = next(s for s in world.program.segments if s.name == name)
    statement = segment_size(segment, world.program)
    size: int = world.engine.rows(statement, {"now": now})[0][0]
    return size


def from_json(plain: dict[str, Any]) -> Report:
    """Return the report that `as_json` made plain values of."""
    found: Report = TypeAdapter(Report).validate_python(
        {**plain, "at": plain["at"].removesuffix("Z"), "next_timer": _bare(plain["next_timer"])}
        | {"standing": [{**s, "next_at": _bare(s["next_at"])} for s in plain["standing"]]}
    )
    return found


def _bare(instant: str | None) -> str | None:
    return instant.removesuffix("Z") if instant else None
