"""Tables of a DuckDB file, and queries over them. Settings: path, table or query.

A column may be a path into what nests, as in a Parquet file. A query sees this file and nothing else.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cij.compiler.program import Source
from cij.runtime.engine.duckdb.parquet_scan import ParquetColumns
from cij.runtime.engine.duckdb.scan import FileScan
from cij.runtime.errors import DataError
from cij.runtime.sources.reader import (
    ColumnName,
    Kind,
    Reading,
    failure,
    path_of,
    require_columns,
    stamp,
)
from cij.runtime.sources.table_reading import row_numbers, where_of


@contextmanager
def read(source: Source, root: Path) -> Iterator[Reading]:
    """Open the table. Raises DataError when it cannot be read."""
    with _opened(source, root) as there:
        wanted = [c.outside for c in source.columns]
        if any(not there.has(name) for name in wanted):
            require_columns(source, there.paths(), where_of(source))
        file = f"{source.settings['path']}:{source.settings.get('table', 'query')}"
        yield Reading(file, there.rows(wanted), list, row_numbers)


def fingerprint(source: Source, root: Path) -> str:
    """Sizes and times of the file and of its write-ahead log."""
    path = path_of(source, root)
    return stamp(path, path.with_name(path.name + ".wal"))


def names(source: Source, root: Path) -> list[ColumnName]:
    """Return the columns with their types; those of structures by their path."""
    with _opened(source, root) as there:
        return [ColumnName(path, there.type_of(path)) for path in there.paths()]


KIND = Kind(read, fingerprint, names)


@contextmanager
def _opened(source: Source, root: Path) -> Iterator[ParquetColumns]:
    path, settings = path_of(source, root), source.settings
    with FileScan() as scan:
        try:
            yield scan.duckdb(path, settings.get("table", ""), settings.get("query", ""))
        except DataError as error:
            if str(error).startswith(f"source {source.name}: "):
                raise
            raise failure(source, _told(source, str(error))) from error


def _told(source: Source, message: str) -> str:
    file = source.settings["path"]
    if "set lock on file" in message:
        return f"{file} is open in another program, which may write; try again later"
    if "not a valid DuckDB database" in message:
        return f"{file} is not a DuckDB file"
    return f"{where_of(source)} of {file} cannot be read: {message}"
