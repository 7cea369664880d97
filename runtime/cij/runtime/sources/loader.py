"""The loader: a source's text becomes typed rows, in an embedded DuckDB of its own.

    read --Arrow, text--> staging --parse--> parsed --Arrow, typed--> the store

Parsing needs functions that databases do not share (trying casts, formats of dates, NFC, lists), so it
is done here on every engine, and the store gets rows that fit its columns.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cij.compiler.program import Source
from cij.compiler.sql import load as statements
from cij.runtime import zones
from cij.runtime.engine import ArrowStream, Engine, Limits, open_engine
from cij.runtime.sources import KINDS
from cij.runtime.sources.many_files import Staged, is_of_files, stage_files
from cij.runtime.store import schema

_NO_LIMITS = Limits()


@dataclass(slots=True)
class Loader:
    """Loads one source at a time. Its database is opened when the first one is staged, so a refresh
    in which nothing has changed does not pay for it."""

    limits: Limits = _NO_LIMITS
    _engine: Engine | None = field(default=None, init=False)

    @property
    def engine(self) -> Engine:
        """The database in which text is parsed."""
        if self._engine is None:
            threads, memory_mb, spill = (
                self.limits.threads,
                self.limits.memory_mb,
                self.limits.spill,
            )
            self._engine = open_engine(None, threads=threads, memory_mb=memory_mb, spill=spill)
            self._engine.execute(schema.ZONE.ddl)
        return self._engine

    def stage(self, source: Source, root: Path) -> Staged:
        """Read the rows of a source as text. Raises DataError."""
        self.engine.execute(statements.staging(len(source.columns)))
        if is_of_files(source, root):
            return stage_files(self.engine, source, root, KINDS[source.kind])
        with KINDS[source.kind].read(source, root) as reading:
            self.engine.append(statements.STAGE, reading.rows)
            return Staged(reading.file, reading.rejected(), reading.lines)

    def parse(self, source: Source) -> None:
        """Make typed rows of the staged ones."""
        zones.ensure(self.engine, {source.timezone})
        self.engine.execute(statements.parse(source))

    def good_rows(self, source: Source) -> ArrowStream:
        """Return the rows that go into the table of the source."""
        return self.engine.stream(statements.good_rows(source))

    def keys_of_good(self, source: Source) -> ArrowStream:
        """Return the keys, as `key`, of the rows that go into the table of the source."""
        return self.engine.stream(statements.keys_of_good(source))

    def keys_of_bad(self, source: Source) -> ArrowStream:
        """Return the keys, as `key`, of bad rows in which the key can be read."""
        return self.engine.stream(statements.keys_of_bad(source))

    def keys_of_rejected(self, source: Source, texts: list[str]) -> ArrowStream:
        """Return the keys, as `key`, that these texts of rejected rows stand for."""
        return self.engine.stream(statements.keys_of_rejected(source), {"keys": json.dumps(texts)})

    def clear(self) -> None:
        """Forget the source that was loaded."""
        for statement in statements.CLEAR:
            self.engine.execute(statement)

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()


@contextmanager
def open_loader(limits: Limits = _NO_LIMITS) -> Iterator[Loader]:
    """Give a loader for the time of a refresh, within the limits of the store that it loads for."""
    loader = Loader(limits)
    try:
        yield loader
    finally:
        loader.close()
