"""The outcome `delivered` and the event `delivered` are one thing.

    outbox_row, outcome delivered --where some journey or condition reads the event--> event_delivered

The id of the event is the key of its message, so a report that a provider sends later is known already.
"""

from datetime import datetime

from cij.runtime.store import deliveries
from cij.runtime.store.counters import counters, set_last_event
from cij.runtime.world import World


def note_deliveries(world: World, now: datetime, since: datetime = datetime.min) -> int:
    """Add an event for each message that was delivered from `since` on and has none; return how many."""
    if deliveries.EVENT not in world.events_read:
        return 0
    engine = world.engine
    last = counters(engine)["event"]
    with engine.transaction():
        count = engine.execute(deliveries.NOTE, {"last": last, "since": since, "now": now})
        if count:
            set_last_event(engine, last + count)
    return count
