"""The table `sent_before`: what a newer state had sent before an older one was accepted."""

from collections import Counter
from collections.abc import Iterable

from cij.compiler.sql import query
from cij.compiler.sql.parameters import list_of
from cij.runtime.engine import Engine

TABLE = "sent_before"
_KNOWN = query(
    "SELECT b.mark, b.count FROM sent_before AS b "
    "WHERE b.mark IN (SELECT l.item FROM {marks} AS l)",
    marks=list_of("marks"),
)
_LESS = query(
    "UPDATE sent_before SET count = count - 1 WHERE mark IN (SELECT l.item FROM {marks} AS l)",
    marks=list_of("marks"),
)
_FORGET = query("DELETE FROM sent_before WHERE count <= 0")


def keep(engine: Engine, marks: Iterable[str]) -> None:
    """Add marks of messages that were sent."""
    counts = Counter(marks)
    if counts:
        engine.append(TABLE, {"mark": [*counts], "count": [*counts.values()]})


def known(engine: Engine, marks_as_json: str) -> frozenset[str]:
    """Return those of the marks whose messages were sent before."""
    if engine.is_empty(TABLE):
        return frozenset()
    return frozenset(mark for mark, _ in engine.rows(_KNOWN, {"marks": marks_as_json}))


def use_up(engine: Engine, marks_as_json: str) -> None:
    """Take one of each of the marks: each message that was sent stands for one."""
    engine.execute(_LESS, {"marks": marks_as_json})
    engine.execute(_FORGET)
