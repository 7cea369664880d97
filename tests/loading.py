"""Loading one source into a store in memory, and what came of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from cij.compiler.program import Source
from cij.compiler.sql import query
from cij.runtime.engine import Engine, open_engine
from cij.runtime.errors import DataError
from cij.runtime.sources.load import SourceReport, load
from cij.runtime.sources.loader import open_loader
from cij.runtime.store import schema

NOW = datetime(2026, 3, 2, 10)


@contextmanager
def opened() -> Iterator[Engine]:
    """Give a store that has the tables of sources only."""
    engine = open_engine(None)
    for table in (schema.SOURCE_STATE, schema.QUARANTINE, schema.META):
        engine.execute(table.ddl)
    yield engine
    engine.close()


def loaded(engine: Engine, of: Source, folder: Path) -> SourceReport:
    with engine.transaction(), open_loader() as loader:
        return load(engine, loader, of, folder, NOW)


def rows(engine: Engine, table: str) -> list[tuple[Any, ...]]:
    return sorted(engine.rows(query("SELECT * FROM {t}", t=table)), key=repr)


def bad(engine: Engine) -> list[tuple[Any, ...]]:
    """Return (file, line, reason, content) of the rows in quarantine."""
    return engine.rows(
        query("SELECT q.file, q.line, q.reason, q.content FROM quarantine AS q ORDER BY q.line")
    )


def failure(engine: Engine, of: Source, folder: Path) -> str:
    """Return what is wrong with a source that does not load."""
    with pytest.raises(DataError) as caught:
        loaded(engine, of, folder)
    return str(caught.value)
