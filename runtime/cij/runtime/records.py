"""Record events: what was created, updated or deleted between two refreshes.

All within the caller's transaction. Comparing begins with the first refresh that knows the event:
what is there then is no news, unless the event says `existing = true`.
"""

from collections.abc import Callable
from datetime import datetime

from cij.compiler.program import Event, Program, Source
from cij.compiler.sql import intake as event_statements, records
from cij.compiler.sql.load import table_of
from cij.runtime.engine import Engine
from cij.runtime.intake import next_seq
from cij.runtime.store.counters import set_last_event

# Keeps the definition of an event; returns whether it is new, and whether it is another than before.
Remember = Callable[[Event, Source], tuple[bool, bool]]


def compared_sources(program: Program) -> frozenset[str]:
    """Return the sources whose records are compared."""
    return frozenset(e.source for e in program.events if e.record and e.source)


def take_changes(
    engine: Engine, program: Program, loaded: set[str], remember: Remember, now: datetime
) -> dict[str, int]:
    """Append the changes of all sources as events; returns how many of each."""
    found: dict[str, int] = {}
    for source in program.sources:
        events = [e for e in program.events if e.record and e.source == source.name]
        news = {e.name: remember(e, source) for e in events}
        if not events or (source.name not in loaded and not any(o for _, o in news.values())):
            continue
        engine.execute(records.no_bad_keys(source))
        is_comparable = _is_comparable(engine, source)
        if not is_comparable:
            engine.execute(records.no_records(source))
        for event in events:
            if _is_asked(event, news[event.name], is_comparable=is_comparable):
                found[event.name] = _append(engine, event, source, now)
        for statement in records.keep(source):
            engine.execute(statement)
    return found


def _is_comparable(engine: Engine, source: Source) -> bool:
    """Tell whether there are records from before, with the columns of now."""
    kept = engine.columns_of(records.kept_table(source.name))
    now = engine.columns_of(table_of(source.name))
    return bool(kept) and [*kept.items()] == [*now.items()]


def _is_asked(event: Event, news: tuple[bool, bool], *, is_comparable: bool) -> bool:
    is_new, is_other = news
    if is_new and event.record is not None and event.record.existing:
        return True
    return is_comparable and not is_other


def _append(engine: Engine, event: Event, source: Source, now: datetime) -> int:
    engine.execute(records.arriving(event, source), {"now": now})
    last = next_seq(engine) - 1
    count = engine.execute(event_statements.append(event), {"last": last, "now": now})
    set_last_event(engine, last + count)
    if event.record is not None and event.record.on != "deleted":
        # Of a record that is gone the customer may be gone too; that is no mistake.
        _, enter = event_statements.quarantine(event)
        engine.execute(enter, {"now": now})
    engine.execute(event_statements.CLEAR)
    return count
