"""The outcomes `delivered` and `failed` and the events of these names are one thing.

    outbox_row, outcome delivered --where some journey or condition reads the event--> event_delivered

The id of the event is the key of its message, so a report that a provider sends later is known already.
"""

from datetime import datetime

from cij.compiler.sql import Statement
from cij.runtime.engine import Engine
from cij.runtime.store import deliveries
from cij.runtime.store.counters import counters, set_last_event
from cij.runtime.world import World


def note_deliveries(world: World, now: datetime, since: datetime = datetime.min) -> int:
    """Add an event for each message that was delivered, and each message or call that failed, from
    `since` on and that has none; return how many."""
    notes = [note for name, note in deliveries.NOTES.items() if name in world.events_read]
    return sum(_noted(world.engine, note, now, since) for note in notes)


def _noted(engine: Engine, note: Statement, now: datetime, since: datetime) -> int:
    last = counters(engine)["event"]
    with engine.transaction():
        count = engine.execute(note, {"last": last, "since": since, "now": now})
        if count:
            set_last_event(engine, last + count)
    return count
