"""The sources of a project as they were loaded last: rows, time, bad rows, the last error."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cij.app.compile import compiled
from cij.app.open_store import has_store, open_for_questions
from cij.runtime.deploy import look
from cij.runtime.errors import ConfigError
from cij.runtime.store import aside, sources as stored

_BAD_SHOWN = 20


@dataclass(frozen=True, slots=True)
class ListedSource:
    """One source. `loaded_at` is null before its first load, and in UTC; `error` is why it keeps old data."""

    name: str
    kind: str
    where: str
    rows: int
    bad: int
    loaded_at: datetime | None
    error: str | None

    def as_json(self) -> dict[str, Any]:
        at = self.loaded_at.isoformat() + "Z" if self.loaded_at else None
        return {**asdict(self), "loaded_at": at}


@dataclass(frozen=True, slots=True)
class BadRowSeen:
    """A row in quarantine, with what is wrong with it."""

    file: str
    line: int
    reason: str


def listed_sources(
    path: Path, on_wait: Callable[[str], None] = lambda text: None
) -> tuple[list[ListedSource], str]:
    """Return the sources of the project at `path`, and the zone to show times in.

    Raises: ConfigError where the project has errors; StoreLocked.
    """
    project, program = compiled(path)
    loads: dict[str, tuple[datetime, int, int]] = {}
    errors: dict[str, str] = {}
    if has_store(project):
        engine = open_for_questions(project, on_wait)
        try:
            look(engine, program)
            loads = {name: (at, rows, bad) for name, at, rows, bad in engine.rows(stored.LOADS)}
            errors = aside.reasons(engine, "source")
        finally:
            engine.close()
    found = []
    for source in program.sources:
        at, rows, bad = loads.get(source.name, (None, 0, 0))
        words = ("path", "database", "table")
        where = ":".join(v for w in words if (v := source.settings.get(w)))
        error = errors.get(source.name)
        found.append(ListedSource(source.name, source.kind, where, rows, bad, at, error))
    return found, program.timezone


def bad_rows(
    path: Path, name: str, on_wait: Callable[[str], None] = lambda text: None
) -> list[BadRowSeen]:
    """Return the first bad rows of a source. Raises: ConfigError for a source that is not there."""
    project, program = compiled(path)
    if name not in {source.name for source in program.sources}:
        raise ConfigError(f"there is no source {name}")
    if not has_store(project):
        return []
    engine = open_for_questions(project, on_wait)
    try:
        look(engine, program)
        rows = engine.rows(stored.BAD_ROWS, {"source": name, "limit": _BAD_SHOWN})
        return [BadRowSeen(*row) for row in rows]
    finally:
        engine.close()
