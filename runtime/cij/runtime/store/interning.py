"""Dictionary encoding: the table `name`, which maps each number to its text."""

from collections.abc import Iterable

from cij.compiler.sql import query
from cij.compiler.sql.interning import number_of
from cij.runtime.engine import Engine

_KNOWN = query("SELECT n.id FROM name AS n")


def keep_names(engine: Engine, texts: Iterable[str]) -> None:
    """Add the texts that the table lacks. It must run before their numbers are stored."""
    known = {id for (id,) in engine.rows(_KNOWN)}
    missing = {number_of(text): text for text in texts}
    rows = {number: text for number, text in missing.items() if number not in known}
    if rows:
        engine.append("name", {"id": [*rows], "text": [*rows.values()]})
