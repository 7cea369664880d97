"""What there is to see: numbers of a store at an instant."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from cij.compiler.sql.plan.governing import heading_for, held_by
from cij.compiler.sql.plan.segments import deep_parts, is_timed, segment_size
from cij.runtime import absence, older_versions
from cij.runtime.admission import Admission, admissions
from cij.runtime.delivery import outbox
from cij.runtime.delivery.pacing import kept
from cij.runtime.due import next_work
from cij.runtime.engine import Row
from cij.runtime.errors import WorldError, reason_of
from cij.runtime.exports.one_run import DONE, last_runs
from cij.runtime.intake import QUARANTINE
from cij.runtime.rates import rate_of
from cij.runtime.report_data import (
    Actions,
    Away,
    BadRow,
    Counted,
    Entries,
    Failed,
    JourneyState,
    Messages,
    PutAside,
    RateNow,
    Report,
    SourceRows,
    Standing,
    Uncomputed,
)
from cij.runtime.store import absence as stored, aside, counts
from cij.runtime.version_reads import VersionReads
from cij.runtime.world import World
from cij.runtime.zones import unknown


def report(world: World, now: datetime) -> Report:
    """Read the numbers of a store."""
    rows = world.engine.rows
    sizes, unmeasured = _sizes(world, now)
    standing = rows(counts.STANDING)
    uncomputed, uncounted = _uncomputed(world, now)
    return Report(
        at=now,
        sources=tuple(SourceRows(*r) for r in rows(counts.SOURCES)),
        profiles=rows(counts.PROFILES)[0][0],
        segments=sizes,
        entries=tuple(Entries(*r) for r in rows(counts.ENTRIES)),
        messages=tuple(Messages(*r) for r in rows(counts.MESSAGES)),
        standing=tuple(_standing(*at, *found) for at, found in _by_state(standing).items()),
        ended=tuple(Counted(*r) for r in rows(counts.ENDED)),
        conversions=tuple(Counted(*r) for r in rows(counts.CONVERSIONS)),
        next_timer=world.mover.next_timer(world),
        states=tuple(_state(admission, now) for admission in admissions(world).values()),
        actions=tuple(Actions(*r) for r in rows(counts.ACTIONS)),
        put_aside=tuple(PutAside(*r) for r in rows(counts.PUT_ASIDE, {"source": QUARANTINE})),
        unknown_zones=unknown(world.engine),
        bad_rows=tuple(BadRow(*r) for r in rows(counts.BAD_ROWS, {"source": QUARANTINE})),
        away=_away(world),
        reads=_reads(world, older_versions.people_by_version(standing)),
        failed=(*(Failed(*r) for r in rows(aside.ALL)), *_exports(world), *unmeasured, *uncounted),
        uncomputed=uncomputed,
        rates=tuple(_rates(world, now)),
    )


def _rates(world: World, now: datetime) -> Iterator[RateNow]:
    for way, rates in kept(world.engine).items():
        for of, (text, until) in rates.items():
            yield RateNow(way, of, text, rate_of(text).free_at(until, now))


def _away(world: World) -> Away:
    if world.engine.is_empty("absent"):
        return Away()
    people, inside = world.engine.rows(stored.COUNTS)[0]
    return Away(people, inside, absence.next_end(world))


def _reads(world: World, people: Mapping[tuple[str, str], int]) -> tuple[VersionReads, ...]:
    """Return what the versions read on which somebody stands; each program is walked once."""
    missing = {key: 0 for key in people if key not in world.reads}
    if missing:
        found = older_versions.reads_of(world.engine, missing)
        world.reads |= {(reads.journey, reads.version): reads.names for reads in found}
    known = {key: n for key, n in people.items() if key in world.reads}
    return tuple(VersionReads(*key, n, world.reads[key]) for key, n in known.items())


def _by_state(rows: Iterable[Row]) -> dict[tuple[str, str], tuple[int, datetime | None]]:
    """Return (people, first timer) by journey and state, over all versions."""
    found: dict[tuple[str, str], tuple[int, datetime | None]] = {}
    for journey, _, state, count, wake_at in rows:
        people, first = found.get((journey, state), (0, None))
        timers = [at for at in (first, wake_at) if at is not None]
        found[journey, state] = people + count, min(timers, default=None)
    return found


def stays_until(world: World, now: datetime) -> datetime | None:
    """Return how long these numbers stay as they are if nothing comes from outside.

    None is for ever; `now` itself says that some number may change at any time, or that a message
    waits. Sizes of segments change by the passing of time where their conditions name it.
    """
    program = world.program
    is_any_timed = any(is_timed(deep_parts(s.condition, program)) for s in program.segments)
    if is_any_timed or outbox.next_due(world.engine) is not None:
        return now
    bounds = [
        at for admission in admissions(world).values() for at in (admission.opens, admission.closes)
    ]
    due = next_work(world)
    return min([at for at in bounds if at > now] + ([due] if due is not None else []), default=None)


def _standing(journey: str, state: str, count: int, next_at: datetime | None) -> Standing:
    held = held_by(state)
    step = heading_for(state) if held else None
    return Standing(journey, step or state, count, next_at, held or "")


def _state(admission: Admission, now: datetime) -> JourneyState:
    state = "live" if admission.state in ("resuming", "retrying") else admission.state
    if state == "live" and now >= admission.closes:
        state = "ended"
    elif state == "live" and now < admission.opens:
        state = "scheduled"
    return JourneyState(admission.plan.name, state, admission.waiting)


def _exports(world: World) -> list[Failed]:
    """Return the exports whose last run failed, or broke off. A command has told its failure itself."""
    last = last_runs(world.engine) if world.program.exports else {}
    found = [last[e.name] for e in world.program.exports if e.when and e.name in last]
    return [
        Failed("export", run.export, run.at, run.reason or "it broke off")
        for run in found
        if run.outcome != DONE
    ]


def _sizes(world: World, now: datetime) -> tuple[tuple[tuple[str, int | None], ...], list[Failed]]:
    """Return the sizes of the segments; a condition that fails hides only its own number (S28)."""
    sizes: list[tuple[str, int | None]] = []
    failed: list[Failed] = []
    for segment in world.program.segments:
        statement = segment_size(segment, world.program)
        try:
            size: int | None = world.engine.rows(statement, {"now": now})[0][0]
        except WorldError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the other numbers are right
            size = None
            failed.append(Failed("report", f"segment {segment.name}", now, reason_of(error)))
        sizes.append((segment.name, size))
    return tuple(sizes), failed


def _uncomputed(world: World, now: datetime) -> tuple[tuple[Uncomputed, ...], list[Failed]]:
    """Count the customers for whom a calculation has no result. One that fails hides only its own number
    (S28)."""
    found: list[Uncomputed] = []
    failed: list[Failed] = []
    for each in world.calculations:
        try:
            count, one = world.engine.rows(each.statement, {"now": now})[0]
        except WorldError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the other numbers are right
            failed.append(Failed("report", f"{each.kind} {each.name}", now, reason_of(error)))
            continue
        if count:
            found.append(Uncomputed(each.kind, each.name, each.text, count, one))
    return tuple(found), failed


def from_json(plain: dict[str, Any]) -> Report:
    """Return the report that `as_json` made plain values of."""
    away = plain.get("away", {})
    found: Report = TypeAdapter(Report).validate_python(
        {**plain, "at": plain["at"].removesuffix("Z"), "next_timer": _bare(plain["next_timer"])}
        | {"standing": [{**s, "next_at": _bare(s["next_at"])} for s in plain["standing"]]}
        | {"away": {**away, "first_end": _bare(away.get("first_end"))}}
        | {"rates": [{**r, "next_at": _bare(r["next_at"])} for r in plain.get("rates", ())]}
        | {"failed": [{**f, "since": _bare(f["since"])} for f in plain.get("failed", ())]}
    )
    return found


def _bare(instant: str | None) -> str | None:
    return instant.removesuffix("Z") if instant else None
