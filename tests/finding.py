"""Whom conditions find among the people of a small project."""

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from cij.app.compile import compile_path
from cij.compiler.sql import query
from cij.compiler.sql.plan import segment_query
from cij.runtime.engine import open_engine
from cij.runtime.refresh import refresh


def people_found(
    conditions: Iterable[str], write: Callable[[str], Path], now: datetime
) -> dict[str, str]:
    """Return by condition who is in a segment of it: names as in the addresses, in order.

    `write` makes the project, with the segments added to it.
    """
    listed = list(conditions)
    folder = write("".join(f"\nsegment s{i} {{\n  where {c}\n}}\n" for i, c in enumerate(listed)))
    result = compile_path(folder)
    assert result.compilation.program is not None, result.diagnostics
    program, engine = result.compilation.program, open_engine(None)
    refresh(engine, program, folder, now)
    names: dict[str, str] = dict(engine.rows(query("SELECT c.id, c.email FROM customer AS c")))
    people = {}
    for condition, segment in zip(listed, program.segments, strict=True):
        rows = engine.rows(segment_query(segment, program), {"now": now})
        people[condition] = " ".join(sorted(names[id].partition("@")[0] for (id, *_) in rows))
    engine.close()
    return people
