"""Deploying: a program becomes the newest of a store; older versions live on while used (S21)."""

from collections.abc import Sequence
from datetime import datetime

from cij.compiler.program import Journey, Program, content_hash, from_json, to_json
from cij.compiler.sql import names, query
from cij.compiler.sql.columns import COLUMNS_THERE
from cij.compiler.sql.moments import CLEAR_RULES, Moment, add_rule
from cij.compiler.sql.plan import Plan, Resting, journey_plan, make_plan
from cij.compiler.sql.plan.governing import held_by, rules_of
from cij.compiler.sql.store import (
    DDL,
    META,
    SAY_SEGMENTS,
    SCRATCH,
    VISITED,
    segments_to_numbers,
    set_aside,
)
from cij.runtime import passages, refresh
from cij.runtime.delivery import outbox
from cij.runtime.engine import Engine
from cij.runtime.errors import StoreError
from cij.runtime.migrate import migrate
from cij.runtime.moving.choice import mover_for
from cij.runtime.moving.mover import Mover
from cij.runtime.world import World

STORE_VERSION = "5"
# What lies in these is brought over.
_OLDER_VERSIONS = ("2", "3", "4")

_GET_META = query("SELECT m.value FROM meta AS m WHERE m.name = $name")
_SET_META = query("INSERT INTO meta (name, value) VALUES ($name, $value)")
_COUNTER = query("SELECT k.value FROM counter AS k WHERE k.name = $name")
_ADD_COUNTER = query("INSERT INTO counter (name, value) VALUES ($name, 0)")
_PROGRAM = query("SELECT p.text FROM program AS p WHERE p.hash = $hash")
_ADD_PROGRAM = query(
    "INSERT INTO program (hash, text, deployed_at, number) "
    "SELECT $hash, $text, $now, COALESCE(MAX(p.number), 0) + 1 FROM program AS p"
)
_REMOVE_PROGRAM = query("DELETE FROM program WHERE hash = $hash")
_CONTENT = query("SELECT c.hash FROM content AS c WHERE c.hash = $hash")
_ADD_CONTENT = query("INSERT INTO content (hash, message) VALUES ($hash, $message)")
_STARTED = query("SELECT j.journey FROM journey_state AS j")
_CONTROLS = query("SELECT k.journey, k.state FROM journey_control AS k")
_END_DRAFT = query("DELETE FROM journey_control WHERE journey = $journey AND state = 'draft'")
_BEGIN_DRAFT = query(
    "INSERT INTO journey_control (journey, state, since) VALUES ($journey, 'draft', $now)"
)
_RESTART = query(
    "UPDATE journey_state SET started_at = $now, entered_until = NULL WHERE journey = $journey"
)
_SEGMENT = query("SELECT s.definition FROM segment_state AS s WHERE s.segment = $segment")
_FORGET_SEGMENT = query("DELETE FROM segment_state WHERE segment = $segment")
_IN_USE = query(
    "SELECT {journey}, {version}, {state} FROM (SELECT DISTINCT p.journey, p.version, p.state "
    "FROM passage_row AS p WHERE p.ended_at IS NULL) AS r",
    **names.said_of("r", "journey", "version", "state"),
)
_FORGET_META = query("DELETE FROM meta WHERE name = $name")
_RELEASE = query(
    "UPDATE passage_row SET wake_at = $now WHERE journey = $journey AND version = $version "
    "AND state = $state AND ended_at IS NULL"
)
_CLEAR_TIMEOUTS = query("DELETE FROM timeout")
_PROGRAMS = query("SELECT p.text FROM program AS p ORDER BY p.number DESC NULLS LAST")


def prepare(engine: Engine, program: Program) -> None:
    """Make all tables that are missing, and bring older ones over: all or nothing.

    Raises: StoreError for a store of a version that is not known.
    """
    with engine.transaction():
        _prepare(engine, program)


def _prepare(engine: Engine, program: Program) -> None:
    engine.execute(META)
    found = engine.rows(_GET_META, {"name": "store_version"})
    if found and found[0][0] not in (STORE_VERSION, *_OLDER_VERSIONS):
        raise StoreError(
            f"the state is of version {found[0][0]} and this cij reads version {STORE_VERSION}; "
            "use the cij that wrote it, or start with a new state file"
        )
    is_older = bool(found) and found[0][0] != STORE_VERSION
    passages.prepare(engine, is_older=is_older)
    named = _with_named_segments(engine) if is_older else []
    for table in named:
        engine.execute(set_aside(table))
    for statement in (*DDL, *(s for table in named for s in segments_to_numbers(table))):
        engine.execute(statement)
    if found != [(STORE_VERSION,)]:
        engine.execute(_FORGET_META, {"name": "store_version"})
        engine.execute(_SET_META, {"name": "store_version", "value": STORE_VERSION})
    for name in ("event", "taken", "passage", "queue", "write"):
        if not engine.rows(_COUNTER, {"name": name}):
            engine.execute(_ADD_COUNTER, {"name": name})
    refresh.prepare(engine, program)
    outbox.prepare(engine)


def _with_named_segments(engine: Engine) -> list[str]:
    """Return the tables that say segments by their names, which are kept."""
    found = []
    for table in SAY_SEGMENTS:
        columns: dict[str, str] = dict(engine.rows(COLUMNS_THERE, {"table": table}))
        if columns.get("segment") == "VARCHAR":
            said = engine.rows(query("SELECT DISTINCT s.segment FROM {t} AS s", t=table))
            passages.keep_names(engine, (name for (name,) in said if name is not None))
            found.append(table)
    return found


def deploy(engine: Engine, program: Program, now: datetime, mover: Mover | None = None) -> World:
    """Make `program` the newest of the store and return the world of all live versions.

    `mover` moves people; without one it is the best for the engine.

    Raises: StoreError where those inside cannot go on as the program says (S21).
    """
    with engine.transaction():
        prepare(engine, program)
        _keep_program(engine, program, now)
        changed = migrate(engine, program)
        _start(engine, program.journeys, now)
        for segment in program.segments:
            _keep_segment(engine, segment.name, content_hash(segment))
        _keep_rules(engine, program, now)
    resting = _resting(engine)
    plan = make_plan(program, resting=resting)
    for statement in SCRATCH:
        engine.execute(statement)
    live = {(j.name, j.version): j for j in plan.journeys}
    world = World(engine, program, plan, mover or mover_for(engine), live)
    world.changes = changed
    older = _older_versions(world, resting)
    passages.keep_names(engine, _names(world))
    moments = {*plan.moments}
    for each in older:
        moments |= {*each.moments}
    _keep_moments(engine, moments)
    _keep_visits(world)
    outbox.keep_effects(engine, (e for plan in world.journeys.values() for e in plan.effects))
    _keep_timeouts(world)
    return world


def _names(world: World) -> set[str]:
    """Return all that stands in the store as a number."""
    found = {name for plan in world.journeys.values() for name in plan.names}
    return found | {segment.name for segment in world.program.segments}


def look(engine: Engine, program: Program) -> World:
    """Return a world to read from, without deploying: nothing of the store changes."""
    prepare(engine, program)
    plan = make_plan(program, resting=_resting(engine))
    return World(
        engine, program, plan, mover_for(engine), {(j.name, j.version): j for j in plan.journeys}
    )


def _keep_program(engine: Engine, program: Program, now: datetime) -> None:
    # The newest is the one with the highest number, also when an old text comes back.
    engine.execute(_REMOVE_PROGRAM, {"hash": program.hash})
    text = to_json(program)
    engine.execute(_ADD_PROGRAM, {"hash": program.hash, "text": text, "now": now})
    for content in (*program.messages, *program.actions):
        hash = content_hash(content)
        if not engine.rows(_CONTENT, {"hash": hash}):
            engine.execute(_ADD_CONTENT, {"hash": hash, "message": content.model_dump_json()})


def _start(engine: Engine, journeys: Sequence[Journey], now: datetime) -> None:
    """Note when journeys began. A draft has not, and begins when it is a draft no more."""
    started = {name for (name,) in engine.rows(_STARTED)}
    if new := [j.name for j in journeys if j.name not in started]:
        engine.append("journey_state", {"journey": new, "started_at": [now] * len(new)})
    states: dict[str, str] = {journey: state for journey, state in engine.rows(_CONTROLS)}
    for journey in journeys:
        named: dict[str, object] = {"journey": journey.name}
        state = states.get(journey.name)
        if state == "draft" and journey.name in started:
            engine.execute(_RESTART, {**named, "now": now})
        if journey.is_draft and state is None:
            engine.execute(_BEGIN_DRAFT, {**named, "now": now})
        elif not journey.is_draft and state == "draft":
            engine.execute(_END_DRAFT, named)


def _keep_segment(engine: Engine, name: str, definition: str) -> None:
    """Have a segment looked at again when it is not what it was."""
    found = engine.rows(_SEGMENT, {"segment": name})
    if found and found[0][0] != definition:
        engine.execute(_FORGET_SEGMENT, {"segment": name})


def _keep_rules(engine: Engine, program: Program, now: datetime) -> None:
    """Have everybody who is held looked at again when the policies are not what they were (S21)."""
    hash, found = content_hash(list(program.policies)), engine.rows(_GET_META, {"name": "policies"})
    if found == [(hash,)]:
        return
    engine.execute(_FORGET_META, {"name": "policies"})
    engine.execute(_SET_META, {"name": "policies", "value": hash})
    for journey, version, state in engine.rows(_IN_USE) if found else ():
        if held_by(state):
            at = {"journey": journey, "version": version, "state": state}
            at = {key: names.number_of(text) for key, text in at.items()}
            engine.execute(_RELEASE, {**at, "now": now})


def _resting(engine: Engine) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for journey, version, state in engine.rows(_IN_USE):
        found.setdefault((journey, version), set()).add(state)
    return found


def _keep_moments(engine: Engine, moments: set[Moment]) -> None:
    with engine.transaction():
        engine.execute(CLEAR_RULES)
        for moment in sorted(moments, key=lambda m: m.name):
            engine.execute(add_rule(moment))


def _keep_visits(world: World) -> None:
    known = {path for (path,) in world.engine.rows(VISITED)}
    rows = [
        (path, *visit)
        for path, visits in _all_visits(world).items()
        for visit in visits
        if path not in known
    ]
    if rows:
        columns = zip(*rows, strict=True)
        world.engine.append("visit", dict(zip(("path", "n", "state", "why"), columns, strict=True)))


def _keep_timeouts(world: World) -> None:
    """Say where the timers of all live rests lead."""
    rows = [
        tuple(names.number_of(each) for each in (plan.name, plan.version, state, root))
        for plan in world.journeys.values()
        for state, root in plan.timers.items()
    ]
    world.engine.execute(_CLEAR_TIMEOUTS)
    if rows:
        columns = zip(*rows, strict=True)
        keys = ("journey", "version", "state", "root")
        world.engine.append("timeout", dict(zip(keys, columns, strict=True)))


def _all_visits(world: World) -> dict[int, list[tuple[int, str, str | None]]]:
    return {path: rows for plan in world.journeys.values() for path, rows in plan.visits.items()}


def _older_versions(world: World, resting: Resting) -> list[Plan]:
    """Add to the world the versions in which somebody still is; return their programs' plans.

    Their policies are those of the newest program (S21).
    """
    missing = resting.keys() - world.journeys.keys()
    rules = rules_of(world.program)
    found: list[Plan] = []
    for (text,) in world.engine.rows(_PROGRAMS) if missing else []:
        program = from_json(text)
        here = [j for j in program.journeys if (j.name, j.version) in missing]
        if here:
            found.append(make_plan(program, rules, resting))
        for journey in here:
            key = journey.name, journey.version
            # Its entries say what messages read of the event that brought people in; the doors are
            # those of the newest version.
            world.journeys[key] = journey_plan(journey, program, rules, resting[key])
            missing.discard((journey.name, journey.version))
    assert not missing, f"people are in versions that are not stored: {missing}"
    return found


def stored_program(engine: Engine, hash: str) -> Program | None:
    """Return a program that was deployed here, or None."""
    found = engine.rows(_PROGRAM, {"hash": hash})
    return from_json(found[0][0]) if found else None
