"""Deploying: a program becomes the newest of a store.

Older versions stay while they are used (S21).
"""

from collections.abc import Sequence, Set as AbstractSet
from datetime import datetime

from cij.compiler import expression as ex
from cij.compiler.program import Journey, Program, content_hash, from_json, to_json
from cij.compiler.sql import interning, query
from cij.compiler.sql.moments import CLEAR_RULES, Moment, add_rule
from cij.compiler.sql.plan import Plan, Resting, journey_plan, make_plan
from cij.compiler.sql.plan.governing import held_by, rules_of
from cij.compiler.walk import walk
from cij.runtime import absence, control as orders, refresh, store
from cij.runtime.deliveries import note_deliveries
from cij.runtime.engine import Engine
from cij.runtime.migrate import migrate
from cij.runtime.moving.choice import mover_for
from cij.runtime.moving.mover import Mover
from cij.runtime.rollout import (
    Rollout,
    RolloutMover,
    for_a_share,
    rollout_of,
    versions_kept,
)
from cij.runtime.store import control, journeys as deployed, meta, passages, segments
from cij.runtime.store.interning import keep_names
from cij.runtime.store.outbox import keep_effects
from cij.runtime.store.scratch import SCRATCH
from cij.runtime.world import World

_CLEAR_TIMEOUTS = query("DELETE FROM timeout")


def prepare(engine: Engine, program: Program) -> None:
    """Make all tables that are missing and upgrade older ones, in one transaction.

    Raises: StoreError for a store of an unknown version.
    """
    with engine.transaction():
        store.prepare(engine)
        refresh.prepare(engine, program)


def deploy(engine: Engine, program: Program, now: datetime, mover: Mover | None = None) -> World:
    """Make `program` the newest of the store and return the world of all live versions.

    Without `mover` the best one for the engine is used. While a rollout is for a share of people, those inside
    stay on their versions.

    Raises: StoreError where the program has no place for some open passages (S21).
    """
    with engine.transaction():
        prepare(engine, program)
        _keep_program(engine, program, now)
        rollout = rollout_of(engine, program)
        changed = migrate(engine, program) if rollout is None else []
        _start(engine, program.journeys, now)
        for segment in program.segments:
            _keep_segment(engine, segment.name, content_hash(segment))
        _keep_rules(engine, program, now)
        # A new version may have given timers to passages that stand still.
        absence.stand_still(engine)
        orders.retry_all(engine)
    # After the migration, because that moves passages to other states.
    resting = _resting(engine)
    planned = for_a_share(program, rollout) if rollout is not None else program
    plan = make_plan(planned, resting=resting)
    _make_scratch(engine)
    live = {(j.name, j.version): j for j in plan.journeys}
    world = World(engine, program, plan, mover or _mover(engine, rollout), live)
    world.changes = changed
    entered = versions_kept(rollout, program) if rollout is not None else set[tuple[str, str]]()
    older, still_used = _older_versions(world, resting, entered)
    world.events_read = _events_read(world, still_used)
    keep_names(engine, _names(world))
    moments = {*plan.moments}
    for each in older:
        moments |= {*each.moments}
    _keep_moments(engine, moments)
    _keep_visits(world)
    keep_effects(engine, (e for plan in world.journeys.values() for e in plan.effects))
    _keep_timeouts(world)
    engine.on_new_session(lambda: _restore(world))
    # What was delivered before anything read it, and before a crash.
    note_deliveries(world, now)
    return world


def _make_scratch(engine: Engine) -> None:
    for table in SCRATCH:
        engine.execute(table.ddl)


def _restore(world: World) -> None:
    """Make the scratch tables again that a lost connection took with it."""
    _make_scratch(world.engine)
    _keep_timeouts(world)


def _mover(engine: Engine, rollout: Rollout | None) -> Mover:
    return RolloutMover(rollout) if rollout is not None else mover_for(engine)


def _events_read(world: World, older: Sequence[Journey]) -> frozenset[str]:
    awaited = (name for plan in world.journeys.values() for name in plan.events)
    program = world.program
    wholes = (*program.segments, *program.measures, *program.journeys, *older)
    parts = (part for whole in wholes for part in walk(whole))
    return frozenset(awaited) | {p.event for p in parts if isinstance(p, ex.Aggregate)}


def _names(world: World) -> set[str]:
    """Return all texts of the world that the store holds as numbers."""
    found = {name for plan in world.journeys.values() for name in plan.names}
    return found | {segment.name for segment in world.program.segments}


def look(engine: Engine, program: Program) -> World:
    """Return a world for queries. The program is not deployed, and only missing tables are made."""
    prepare(engine, program)
    plan = make_plan(program, resting=_resting(engine))
    return World(
        engine, program, plan, mover_for(engine), {(j.name, j.version): j for j in plan.journeys}
    )


def _keep_program(engine: Engine, program: Program, now: datetime) -> None:
    # A program that was deployed before gets a new number, because the newest has the highest.
    engine.execute(deployed.REMOVE_PROGRAM, {"hash": program.hash})
    text = to_json(program)
    engine.execute(deployed.ADD_PROGRAM, {"hash": program.hash, "text": text, "now": now})
    for content in (*program.messages, *program.actions):
        hash = content_hash(content)
        if not engine.rows(deployed.CONTENT, {"hash": hash}):
            engine.execute(
                deployed.ADD_CONTENT, {"hash": hash, "message": content.model_dump_json()}
            )


def _start(engine: Engine, journeys: Sequence[Journey], now: datetime) -> None:
    """Store the starts of new journeys. A draft starts when it stops being a draft."""
    started = {name for (name,) in engine.rows(deployed.STARTED)}
    if new := [j.name for j in journeys if j.name not in started]:
        engine.append("journey_state", {"journey": new, "started_at": [now] * len(new)})
    states: dict[str, str] = {journey: state for journey, state in engine.rows(control.STATES)}
    for journey in journeys:
        named: dict[str, object] = {"journey": journey.name}
        state = states.get(journey.name)
        if state == "draft" and journey.name in started:
            engine.execute(deployed.RESTART, {**named, "now": now})
        if journey.is_draft and state is None:
            engine.execute(control.BEGIN_DRAFT, {**named, "now": now})
        elif not journey.is_draft and state == "draft":
            engine.execute(control.END_DRAFT, named)


def _keep_segment(engine: Engine, name: str, definition: str) -> None:
    """Make a segment due again if its definition has changed."""
    found = engine.rows(segments.DEFINITION, {"segment": name})
    if found and found[0][0] != definition:
        engine.execute(segments.FORGET, {"segment": name})


def _keep_rules(engine: Engine, program: Program, now: datetime) -> None:
    """Make all held passages due again if the policies have changed, as they apply at once
    (S21)."""
    hash, found = content_hash(list(program.policies)), meta.value(engine, meta.POLICIES)
    if found == hash:
        return
    meta.put(engine, meta.POLICIES, hash)
    for journey, version, state, _ in engine.rows(passages.STANDING) if found else ():
        if held_by(state):
            at = {"journey": journey, "version": version, "state": state}
            at = {key: interning.number_of(text) for key, text in at.items()}
            engine.execute(passages.RELEASE, {**at, "now": now})


def _resting(engine: Engine) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for journey, version, state, _ in engine.rows(passages.STANDING):
        found.setdefault((journey, version), set()).add(state)
    return found


def _keep_moments(engine: Engine, moments: set[Moment]) -> None:
    with engine.transaction():
        engine.execute(CLEAR_RULES)
        for moment in sorted(moments, key=lambda m: m.name):
            engine.execute(add_rule(moment))


def _keep_visits(world: World) -> None:
    known = {path for (path,) in world.engine.rows(passages.VISITED)}
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
    """Fill the table `timeout` with the root to which the timer of each wait leads."""
    rows = [
        tuple(interning.number_of(each) for each in (plan.name, plan.version, state, root))
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


def _older_versions(
    world: World, resting: Resting, entered: AbstractSet[tuple[str, str]]
) -> tuple[list[Plan], list[Journey]]:
    """Add to the world the older versions with open passages, and those that are still entered. Return the plans of their programs, and
    the versions.

    Their policies are those of the newest program (S21).
    """
    missing = (resting.keys() | entered) - world.journeys.keys()
    rules = rules_of(world.program)
    found: list[Plan] = []
    journeys: list[Journey] = []
    for (text,) in world.engine.rows(deployed.PROGRAMS) if missing else []:
        program = from_json(text)
        here = [j for j in program.journeys if (j.name, j.version) in missing]
        if here:
            found.append(make_plan(program, rules, resting))
        for journey in here:
            key = journey.name, journey.version
            # The plan includes its entries, because messages read the entering event by them.
            # Customers enter only the newest version.
            world.journeys[key] = journey_plan(journey, program, rules, resting.get(key, ()))
            missing.discard((journey.name, journey.version))
        journeys += here
    assert not missing, f"people are in versions that are not stored: {missing}"
    return found, journeys


def stored_program(engine: Engine, hash: str) -> Program | None:
    """Return a program that was deployed in this store, by its hash; None where it was not."""
    found = engine.rows(deployed.PROGRAM, {"hash": hash})
    return from_json(found[0][0]) if found else None
