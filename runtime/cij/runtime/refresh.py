"""Refreshing the data: sources, then the unified customer, then the events of sources.

    load each source --> unify --> append events      all in one transaction, or nothing

What did not change outside is not read again, and what depends on nothing new is not computed.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cij.compiler.program import (
    AfterPeriod,
    Entity,
    Event,
    Program,
    Source,
    WaitState,
    content_hash,
)
from cij.compiler.sql import (
    columns,
    entity_rows,
    identity,
    intake as event_statements,
    kept_columns,
    row_locator,
    unify as unify_statements,
)
from cij.compiler.sql.entities import KEY, entity_table
from cij.runtime import canonical_addresses, forgotten, older_versions, records, zones
from cij.runtime.engine import Engine
from cij.runtime.errors import ConfigError, DataError, StoreLost, reason_of
from cij.runtime.intake import Refused, TakenIn, next_seq, take_in
from cij.runtime.renamed_sources import follow_names
from cij.runtime.sources.load import SourceReport, TornLoad, is_usable, load
from cij.runtime.sources.loader import open_loader
from cij.runtime.sources.reader import failure
from cij.runtime.store import counters, schema, sources as stored
from cij.runtime.unify import Pairs, Placeholder, Unified, unify

__all__ = ["RefreshReport", "Refused", "SourceReport", "TakenIn", "prepare", "refresh", "take_in"]

# Part of what is remembered: a change of what unifying does makes it run again.
_UNIFY_VERSION = 3


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """What a refresh did.

    `merged` are (id that is now an alias, surviving id), `split` (old id, new id of a part). `absent` counts who is in no source any more.
    `placeholders` are values that join nobody, because too many records have them.
    `events` counts new events by name, `waiting` rows of sources that are no events yet, because
    their customer is unknown or their time is missing. `entities` are those whose rows were replaced.
    `failed` has the reasons of the sources that keep their old data, by name. `left_out` counts rows of
    people who were forgotten.
    """

    sources: tuple[SourceReport, ...] = ()
    profiles: int = 0
    merged: Pairs = ()
    split: Pairs = ()
    events: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, int] = field(default_factory=dict)
    absent: int = 0
    placeholders: tuple[Placeholder, ...] = ()
    is_unified_anew: bool = False
    entities: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    left_out: int = 0

    def lines(self) -> list[str]:
        """Return what there is to tell about a refresh, one sentence a line."""
        found = [s.line() for s in self.sources if not s.is_unchanged]
        found += [f"{_counted(n, 'new event')} {name}" for name, n in self.events.items() if n]
        found += [
            f"{_counted(n, 'row')} of {name} without a known customer or time, kept until it has one"
            for name, n in self.waiting.items()
            if n
        ]
        if self.merged:
            count = _counted(len(self.merged), "customer")
            found.append(f"{count} merged into another customer")
        if self.split:
            count = _counted(len(self.split), "customer")
            found.append(f"{count} split off from another customer, with a new id")
        found += [placeholder.line() for placeholder in self.placeholders]
        if self.left_out:
            found.append(f"{_counted(self.left_out, 'row')} of forgotten people left out (S27)")
        if self.absent:
            verb = "is" if self.absent == 1 else "are"
            found.append(
                f"{_counted(self.absent, 'customer')} {verb} in no source any more: "
                "they stand still and get no messages"
            )
        return found

    @property
    def changed(self) -> bool:
        """Tell whether any customer, event or entity may differ from before."""
        return self.is_unified_anew or any(self.events.values()) or bool(self.entities)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def prepare(engine: Engine, program: Program) -> None:
    """Make the tables that are missing; bring event tables up to date with their fields."""
    for each in schema.OF_DATA:
        engine.execute(each.ddl)
    counters.start(engine)
    engine.execute(unify_statements.customer_table(program))
    _prepare_table(engine, "customer", unify_statements.customer_columns(program))
    if engine.traits.has_row_ids:
        engine.execute(row_locator.SET_ID_HASHES)
    for entity in program.entities:
        _prepare_table(engine, entity_table(entity.name), entity_rows.columns_of(entity))
    for event in program.events:
        table = event_statements.event_table(event)
        _prepare_table(engine, table, event_statements.columns_of(event))
    zones.ensure(engine, _zones(program))


def refresh(
    engine: Engine,
    program: Program,
    root: Path,
    now: datetime,
    failed: dict[str, str] | None = None,
) -> RefreshReport:
    """Bring all data up to date with the sources below `root`, or leave all as it was.

    A source that fails keeps its old data, and its reason is added to `failed`; sources that are in
    there already are left out. Without such a table its error is raised.

    Raises: DataError when a source cannot be read or has too many bad rows; TornLoad where `failed`
    is given and the transaction has to be undone.
    """
    with engine.transaction():
        prepare(engine, program)
        follow_names(engine, program)
        sources = _load_all(engine, program, root, now, failed)
        usable = _usable(engine, program, failed or {})
        loaded = {s.name for s in sources if not s.is_unchanged}
        left_out = sum(s.left_out for s in sources)
        related = [e.name for e in usable.entities if _fill(engine, usable, e, loaded, now)]
        unified = _unify(engine, program, loaded, now, usable)
        report = RefreshReport(
            sources=sources,
            profiles=unified.profiles,
            merged=unified.merged,
            split=unified.split,
            absent=unified.absent,
            placeholders=unified.placeholders,
            is_unified_anew=unified.is_anew,
            entities=tuple(related),
            failed=dict(failed or {}),
            left_out=left_out + unified.left_out,
        )
        for event in usable.events:
            if event.record is None:
                _take_from_source(engine, usable, event, loaded, report, now)

        def remember(event: Event, source: Source) -> tuple[bool, bool]:
            return _remember_event(engine, event, source, now)

        report.events.update(records.take_changes(engine, usable, loaded, remember, now))
    return report


def _load_all(
    engine: Engine, program: Program, root: Path, now: datetime, failed: dict[str, str] | None
) -> tuple[SourceReport, ...]:
    """Load what changed; a source that fails stops no other (S28)."""
    compared = records.compared_sources(program)
    guarded = {m.source for m in program.profile.mappings} | compared
    guarded |= {entity_rows.source_of(e, program).name for e in program.entities}
    found: list[SourceReport] = []
    for source in program.sources:
        if source.name in (failed or {}):
            continue
        try:
            # A loader of its own: what one source leaves in it after a failure meets no other.
            with open_loader(engine.limits) as loader:
                is_compared, is_guarded = source.name in compared, source.name in guarded
                options = {"is_compared": is_compared, "is_guarded": is_guarded}
                sieve = forgotten.sieve_of(engine, program, source)
                found.append(load(engine, loader, source, root, now, sieve=sieve, **options))
        except TornLoad as error:
            if failed is None:
                raise error.cause from None
            raise
        except (ConfigError, StoreLost):
            # Neither is about the source.
            raise
        except Exception as error:
            if failed is None:
                raise
            failed[source.name] = _of_source(source, error)
    return tuple(found)


def _of_source(source: Source, error: Exception) -> str:
    """Return the reason of a failure with the name of its source, which errors of ours have."""
    is_ours = isinstance(error, DataError)
    return str(error) if is_ours else str(failure(source, f"it cannot be read: {reason_of(error)}"))


def _usable(engine: Engine, program: Program, failed: Collection[str]) -> Program:
    """Return the program without the sources that failed before they were loaded once, and without
    what comes from them."""
    missing = {s.name for s in program.sources if s.name in failed and not is_usable(engine, s)}
    if not missing:
        return program
    parts = {
        "sources": [s for s in program.sources if s.name not in missing],
        "events": [e for e in program.events if e.source not in missing],
        "entities": [
            e for e in program.entities if entity_rows.source_of(e, program).name not in missing
        ],
    }
    return program.model_copy(update=parts)


def _zones(program: Program) -> set[str]:
    named = {s.timezone: f"source {s.name}" for s in program.sources}
    named |= {j.timezone: f"journey {j.name}" for j in program.journeys if j.timezone}
    for journey in program.journeys:
        waits = (s.timer for s in journey.states if isinstance(s, WaitState))
        zoned = (t.zone for t in waits if not isinstance(t, AfterPeriod) and t.zone is not None)
        named |= dict.fromkeys(zoned, f"a wait of journey {journey.name}")
    named[program.timezone] = "the project"
    return {zones.require(name, of) for name, of in named.items()}


def _prepare_table(engine: Engine, table: str, wanted: list[tuple[str, str]]) -> None:
    engine.execute(columns.create(table, wanted))
    for statement in columns.migrate(table, wanted, engine.columns_of(table)):
        engine.execute(statement)


# --- entities ---------------------------------------------------------------------------------


def _fill(
    engine: Engine, program: Program, entity: Entity, loaded: set[str], now: datetime
) -> bool:
    """Bring the table of an entity up to date, and tell whether that was needed."""
    source = entity_rows.source_of(entity, program)
    is_other = _remember(engine, f"#entity {entity.name}", content_hash([entity, source]), now)
    if not is_other and source.name not in loaded:
        return False
    table, columns = entity_table(entity.name), dict(entity_rows.columns_of(entity))
    kept = older_versions.kept_of_entity(engine, program, entity.name, table, columns)
    if kept:
        engine.execute(kept_columns.save(table, KEY, kept))
    engine.execute(entity_rows.empty(entity))
    engine.execute(entity_rows.filled(entity, source))
    for statement in kept_columns.bring_back(table, KEY, kept, kept) if kept else ():
        engine.execute(statement)
    return True


# --- the customer -----------------------------------------------------------------------------


def _unify(
    engine: Engine, program: Program, loaded: set[str], now: datetime, usable: Program
) -> Unified:
    there = {s.name for s in usable.sources}
    if any(m.source not in there for m in program.profile.mappings):
        # Without the rows of a source customers would lack what it says of them, as that they refuse.
        return Unified(int(engine.rows(unify_statements.COUNT)[0][0]))
    parts = [_UNIFY_VERSION, program.profile, program.topics, program.timezone, program.region]
    mark = content_hash(parts)
    is_same = not _remember(engine, "#profile", mark, now)
    if is_same and loaded.isdisjoint(m.source for m in program.profile.mappings):
        return Unified(int(engine.rows(unify_statements.COUNT)[0][0]))
    if not is_same:
        canonical_addresses.compute_anew(engine, program)
    unified = unify(engine, program, now)
    if unified.merged:
        for event in program.events:
            engine.execute(identity.follow(event_statements.event_table(event)))
    if unified.split:
        _regroup(engine, usable)
    return unified


def _regroup(engine: Engine, program: Program) -> None:
    for event in program.events:
        if (source := _source_of(program, event)) is not None:
            engine.execute(event_statements.regroup(event, source))


def _remember(engine: Engine, name: str, mark: str, now: datetime) -> bool:
    """Keep the mark under a name, and tell whether it is another than before."""
    state = engine.rows(stored.STATE, {"source": name})
    if state and state[0][0] == mark:
        return False
    engine.execute(stored.FORGET_STATE, {"source": name})
    engine.append("loaded_source", {"source": [name], "fingerprint": [mark], "loaded_at": [now]})
    return True


# --- events -----------------------------------------------------------------------------------


def _take_from_source(
    engine: Engine,
    program: Program,
    event: Event,
    loaded: set[str],
    report: RefreshReport,
    now: datetime,
) -> None:
    source = _source_of(program, event)
    if source is None:
        return
    _, is_other = _remember_event(engine, event, source, now)
    if is_other:
        engine.execute(event_statements.rewrite(event, source))
    elif source.name not in loaded and not report.is_unified_anew:
        return
    report.events[event.name], report.waiting[event.name] = _append(engine, event, source, now)


def _remember_event(
    engine: Engine, event: Event, source: Source, now: datetime
) -> tuple[bool, bool]:
    """Keep the definition of an event; tell whether it is new, and whether it is another."""
    name = f"#event {event.name}"
    is_new = not engine.rows(stored.STATE, {"source": name})
    return is_new, _remember(engine, name, content_hash([event, source]), now)


def _append(engine: Engine, event: Event, source: Source, now: datetime) -> tuple[int, int]:
    """Take in what is new; returns the numbers of events and of rows that have to wait."""
    engine.execute(event_statements.arriving(event, source))
    last = next_seq(engine) - 1
    count = engine.execute(event_statements.append(event), {"last": last, "now": now})
    counters.set_last_event(engine, last + count)
    for statement in event_statements.quarantine(event):
        engine.execute(statement, {"now": now})
    waiting = int(engine.rows(event_statements.refused_count(event))[0][0])
    engine.execute(event_statements.CLEAR)
    return count, waiting


def _source_of(program: Program, event: Event) -> Source | None:
    return next((s for s in program.sources if s.name == event.source), None)
