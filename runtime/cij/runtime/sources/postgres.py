"""Tables of a PostgreSQL server, and queries over them. Settings: database, table or query.

The server writes the texts of all values in one read-only snapshot; DuckDB reads them. The driver is
loaded when the first such source is read.
"""

import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from cij.compiler.program import Source
from cij.runtime.engine.duckdb.scan import FileScan
from cij.runtime.engine.postgres_copy import PostgresQuery, open_query, snapshot_of
from cij.runtime.errors import DataError
from cij.runtime.sources.reader import ColumnName, Kind, Reading, failure, require_columns


@contextmanager
def read(source: Source, root: Path) -> Iterator[Reading]:
    """Open the table. Raises DataError when it cannot be read."""
    with tempfile.TemporaryDirectory() as folder, FileScan() as scan:
        copy = Path(folder) / "rows.csv"
        with _opened(source) as found:
            require_columns(source, found.columns, _where(source))
            found.copy([c.outside for c in source.columns], copy)
        with _failing(source):
            rows = scan.json_arrays(copy, len(source.columns))
            yield Reading(_where(source), rows, list, _lines)


def fingerprint(source: Source, root: Path) -> str:
    """The snapshot of the server: equal as long as nothing was written there."""
    with _failing(source):
        return snapshot_of(source.settings["database"])


def names(source: Source, root: Path) -> list[ColumnName]:
    """Return the columns of the table with their types."""
    with _opened(source) as found:
        return [ColumnName(name, declared) for name, declared in found.columns.items()]


KIND = Kind(read, fingerprint, names)


@contextmanager
def _opened(source: Source) -> Iterator[PostgresQuery]:
    settings = source.settings
    with (
        _failing(source),
        open_query(settings["database"], settings.get("table", ""), settings.get("query", "")) as q,
    ):
        yield q


@contextmanager
def _failing(source: Source) -> Iterator[None]:
    try:
        yield
    except DataError as error:
        message = str(error)
        if message.startswith(f"source {source.name}: "):
            raise
        raise failure(source, f"{_where(source)} cannot be read: {message}") from error


def _where(source: Source) -> str:
    table = source.settings.get("table")
    return f"table {table}" if table else "the query"


def _lines(ordinals: Collection[int]) -> dict[int, int]:
    # A table has no lines: the row's number, in the order of reading, stands for it.
    return {ordinal: ordinal + 1 for ordinal in ordinals}
