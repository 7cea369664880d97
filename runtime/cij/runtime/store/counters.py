"""The table `counter`: the last number of each sequence, and the number of places that were
taken."""

from cij.compiler.sql import query
from cij.runtime.engine import Engine

# `event` and `passage` are the last numbers of events and passages. `taken` is the last event that
# a tick has handled. `queue` and `write` are the last numbers of queue entries and of field writes.
_NAMES = ("event", "taken", "passage", "queue", "write")

COUNTERS = query("SELECT k.name, k.value FROM counter AS k")
_ADD = query("INSERT INTO counter (name, value) VALUES ($name, 0)")
_SET_EVENT = query("UPDATE counter SET value = $value WHERE counter.name = 'event'")


def start(engine: Engine) -> None:
    """Add the counters that are missing, with the value 0."""
    known = {name for name, _ in engine.rows(COUNTERS)}
    for name in _NAMES:
        if name not in known:
            engine.execute(_ADD, {"name": name})


def set_last_event(engine: Engine, number: int) -> None:
    """Set the number of the last event."""
    engine.execute(_SET_EVENT, {"value": number})


def counters(engine: Engine) -> dict[str, int]:
    """Return the value of each counter. The engine caches the query until one changes."""
    return dict(engine.rows(COUNTERS))
