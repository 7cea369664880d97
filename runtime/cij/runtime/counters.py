"""The counters of a store: the last numbers that were given, and how far events are taken in."""

from cij.compiler.sql.intake import COUNTERS
from cij.runtime.engine import Engine


def counters(engine: Engine) -> dict[str, int]:
    """Return the value of each counter; read once until one changes."""
    return dict(engine.rows(COUNTERS))
