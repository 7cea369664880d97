"""SQLite files. Settings: path, table or query.

Python's own sqlite3 looks first, so that a mistake has a message of one sentence. DuckDB reads.
"""

import sqlite3
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from cij.compiler.program import Source
from cij.runtime.engine.duckdb.scan import FileScan
from cij.runtime.errors import DataError
from cij.runtime.sources import undecodable
from cij.runtime.sources.reader import (
    BadRow,
    ColumnName,
    Kind,
    Reading,
    failure,
    path_of,
    require_columns,
    stamp,
)
from cij.runtime.sources.undecodable import Encoding

_LOCK_WAIT_S = 2.0
# How long the rows of a view or query may take to be counted.
COUNT_MAX_S = 60.0
_LOOK_STEPS = 100_000
_ENCODING = Encoding("UTF-8", is_marked=False)


@contextmanager
def read(source: Source, root: Path) -> Iterator[Reading]:
    """Open the table. Raises DataError when it cannot be read."""
    path = path_of(source, root)
    file, table = source.settings["path"], source.settings.get("table")
    there = [column.name for column in _columns(source, path)]
    require_columns(source, there, _where(source))
    wanted = [c.outside for c in source.columns]
    _require_end(source, path, wanted)
    with FileScan() as scan:
        try:
            if table is None:
                rows = scan.sqlite_query(path, _query(source), wanted)
            else:
                rows = scan.sqlite(path, table, wanted)
            name = f"{file}:{table or 'query'}"
            yield Reading(name, rows, lambda: _odd_rows(source, scan), _lines)
        except DataError as error:
            raise failure(source, _told(source, str(error))) from error


def fingerprint(source: Source, root: Path) -> str:
    """Sizes and times of the file and of its write-ahead log."""
    path = path_of(source, root)
    return stamp(path, path.with_name(path.name + "-wal"))


def names(source: Source, root: Path) -> list[ColumnName]:
    """Return the columns of the table with the types that it declares."""
    return _columns(source, path_of(source, root))


KIND = Kind(read, fingerprint, names)


def require_extension() -> None:
    """Raise StoreError where what reads SQLite files is not installed, or does not load."""
    with FileScan() as scan:
        scan.load_extension("sqlite_scanner")


def _lines(ordinals: Collection[int]) -> dict[int, int]:
    # A table has no lines: the row's number, in the order of the table, stands for it.
    return {ordinal: ordinal + 1 for ordinal in ordinals}


def _where(source: Source) -> str:
    table, file = source.settings.get("table"), source.settings["path"]
    return f"table {table} of {file}" if table else f"the query of {file}"


def _query(source: Source) -> str:
    return source.settings["query"].strip().rstrip(";")


def _columns(source: Source, path: Path) -> list[ColumnName]:
    """Return the columns of the table with their types, or those of the query without."""
    if "table" not in source.settings:
        try:
            with closing(_open(path)) as connection:
                found = connection.execute(f"SELECT * FROM ({_query(source)}\n) LIMIT 0")
                return [ColumnName(name) for name, *_ in found.description]
        except sqlite3.Error as error:
            raise failure(source, _told(source, str(error))) from error
    table = source.settings["table"]
    text = "SELECT name, type FROM pragma_table_info(?)"
    try:
        with closing(_open(path)) as connection:
            rows = connection.execute(text, (table,)).fetchall()
            if not rows:
                raise failure(source, _no_table(connection, source))
    except sqlite3.Error as error:
        raise failure(source, _told(source, str(error))) from error
    return [ColumnName(name, declared) for name, declared in rows]


def _require_end(source: Source, path: Path, columns: Sequence[str]) -> None:
    """Raise DataError where a view or query has no end. A table always has one.

    DuckDB cannot be interrupted while SQLite looks for the next row, so all rows are counted before.
    """
    counts = ", ".join(f"COUNT({_quoted(name)})" for name in columns)
    end = time.monotonic() + COUNT_MAX_S
    try:
        with closing(_open(path)) as connection:
            connection.set_progress_handler(lambda: time.monotonic() > end, _LOOK_STEPS)
            if not _is_table(connection, source):
                connection.execute(f"SELECT {counts} FROM {_rows_of(source)}").fetchall()
    except sqlite3.OperationalError as error:
        is_over = time.monotonic() > end
        text = f"{_where(source)} has not ended after {COUNT_MAX_S:g} s; write it so that it does"
        raise failure(source, text if is_over else _told(source, str(error))) from error
    except sqlite3.Error as error:
        raise failure(source, _told(source, str(error))) from error


def _is_table(connection: sqlite3.Connection, source: Source) -> bool:
    text = "SELECT type FROM sqlite_master WHERE LOWER(name) = LOWER(?)"
    return connection.execute(text, (source.settings.get("table"),)).fetchall() == [("table",)]


def _rows_of(source: Source) -> str:
    table = source.settings.get("table")
    return f"({_query(source)}\n)" if table is None else _quoted(table)


def _open(path: Path) -> sqlite3.Connection:
    uri = path.resolve().as_uri() + "?mode=ro"
    return sqlite3.connect(uri, uri=True, timeout=_LOCK_WAIT_S)


def _no_table(connection: sqlite3.Connection, source: Source) -> str:
    text = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name"
    names = ", ".join(name for (name,) in connection.execute(text).fetchall())
    there = f"it has {names}" if names else "it has none"
    return f'{source.settings["path"]} has no table "{source.settings["table"]}"; {there}'


def _odd_rows(source: Source, scan: FileScan) -> list[BadRow]:
    rows = scan.odd_rows(len(source.columns))
    return [_odd_row(source, ordinal, cells) for ordinal, cells in rows]


def _odd_row(source: Source, ordinal: int, cells: list[str | None]) -> BadRow:
    """Say which cell is no text."""
    named = dict(zip((c.name for c in source.columns), (cell or "" for cell in cells), strict=True))
    name, place = next(
        (name, place)
        for name, cell in named.items()
        if (place := undecodable.first_place([cell], _ENCODING)) is not None
    )
    outside = next(c.outside for c in source.columns if c.name == name)
    key = named.get(source.key, "")
    return BadRow(
        ordinal + 1,
        undecodable.reason(outside, place, _ENCODING, "value"),
        ", ".join(f"{n}={undecodable.shown(c, _ENCODING)}" for n, c in named.items()),
        keys=(key,) if key and undecodable.is_text(key) else (),
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _told(source: Source, message: str) -> str:
    file = source.settings["path"]
    if "locked" in message or "busy" in message:
        return f"{file} is locked by another program (waited {_LOCK_WAIT_S:g} s); try again later"
    if "not a database" in message:
        return f"{file} is not an SQLite database"
    return f"cannot read {file}: {message}"
