"""To version 7: a local time that the clock skips is read with the offset before the gap (S4).

Before, it was the first instant after the gap: 09:00 on a day that a zone skips was its midnight.
"""

from cij.compiler.sql import query
from cij.runtime import zones
from cij.runtime.engine import Engine

_NAMES = query("SELECT DISTINCT name FROM zone")
_CLEAR = query("DELETE FROM zone")


def run(engine: Engine) -> None:
    """Compute the periods of all zones again."""
    names = [row[0] for row in engine.rows(_NAMES)]
    engine.execute(_CLEAR)
    zones.ensure(engine, names)
