"""The table `counter`: the last numbers that were given, and how many places were taken."""

from cij.compiler.sql import query
from cij.runtime.engine import Engine

# `event` and `passage` count events and passages, `taken` is the last event that a tick has taken in,
# `queue` and `write` count entries of the queue and written fields.
_NAMES = ("event", "taken", "passage", "queue", "write")

COUNTERS = query("SELECT k.name, k.value FROM counter AS k")
_ADD = query("INSERT INTO counter (name, value) VALUES ($name, 0)")
_SET_EVENT = query("UPDATE counter SET value = $value WHERE counter.name = 'event'")


def start(engine: Engine) -> None:
    """Begin to count what is not counted yet."""
    known = {name for name, _ in engine.rows(COUNTERS)}
    for name in _NAMES:
        if name not in known:
            engine.execute(_ADD, {"name": name})


def set_last_event(engine: Engine, number: int) -> None:
    """Note the number of the last event."""
    engine.execute(_SET_EVENT, {"value": number})


def counters(engine: Engine) -> dict[str, int]:
    """Return the value of each counter; read once until one changes."""
    return dict(engine.rows(COUNTERS))
