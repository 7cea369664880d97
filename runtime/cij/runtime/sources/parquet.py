"""Parquet files. Setting: path.

A column may be a path into what nests: `address.city`. Lists and structures become JSON texts. A number
in binary floating point has the shortest text that means it, without an exponent where that is exact.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from cij.compiler.program import Source
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


@contextmanager
def read(source: Source, root: Path) -> Iterator[Reading]:
    """Open the file. Raises DataError when it cannot be read."""
    path, file = path_of(source, root), source.settings["path"]
    with FileScan() as scan:
        try:
            there = scan.parquet(path)
            missing = [c for c in source.columns if not there.has(c.outside)]
            if missing:
                require_columns(source, there.paths(), file)
            rows = there.rows([c.outside for c in source.columns])
            yield Reading(file, rows, list, _lines)
        except DataError as error:
            raise _told(source, error) from error


def fingerprint(source: Source, root: Path) -> str:
    """Size and time of the last change."""
    return stamp(path_of(source, root))


def names(source: Source, root: Path) -> list[ColumnName]:
    """Return the columns with their types; those of structures by their path."""
    with FileScan() as scan:
        try:
            there = scan.parquet(path_of(source, root))
            return [ColumnName(path, there.type_of(path)) for path in there.paths()]
        except DataError as error:
            raise _told(source, error) from error


KIND = Kind(read, fingerprint, names)


def _lines(ordinals: Collection[int]) -> dict[int, int]:
    # A file of columns has no lines: the row's number stands for it.
    return {ordinal: ordinal + 1 for ordinal in ordinals}


def _told(source: Source, error: DataError) -> DataError:
    message, prefix = str(error), f"source {source.name}: "
    if message.startswith(prefix):
        return error
    return failure(source, f"{source.settings['path']} is not a Parquet file: {message}")
