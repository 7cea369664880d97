"""SQLite files. Settings: path, table or query.

Python's own sqlite3 looks first, so that a mistake has a message of one sentence. DuckDB reads.
"""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
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

_LOCK_WAIT_S = 2.0


@contextmanager
def read(source: Source, root: Path) -> Iterator[Reading]:
    """Open the table. Raises DataError when it cannot be read."""
    path = path_of(source, root)
    file, table = source.settings["path"], source.settings.get("table")
    there = [column.name for column in _columns(source, path)]
    require_columns(source, there, _where(source))
    wanted = [c.outside for c in source.columns]
    with FileScan() as scan:
        try:
            if table is None:
                rows = scan.sqlite_query(path, _query(source), wanted)
            else:
                rows = scan.sqlite(path, table, wanted)
            yield Reading(f"{file}:{table or 'query'}", rows, list, _lines)
        except DataError as error:
            message = str(error)
            place = _undecodable(source, path) if "unicode" in message else ""
            raise failure(source, _told(source, message, place)) from error


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


def _open(path: Path) -> sqlite3.Connection:
    uri = path.resolve().as_uri() + "?mode=ro"
    return sqlite3.connect(uri, uri=True, timeout=_LOCK_WAIT_S)


def _no_table(connection: sqlite3.Connection, source: Source) -> str:
    text = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name"
    names = ", ".join(name for (name,) in connection.execute(text).fetchall())
    there = f"it has {names}" if names else "it has none"
    return f'{source.settings["path"]} has no table "{source.settings["table"]}"; {there}'


def _undecodable(source: Source, path: Path) -> str:
    """Return where the first value is that is no text, in words; looked for when reading has failed."""
    columns = [c.outside for c in source.columns]
    picks = ", ".join(_quoted(name) for name in columns)
    table = source.settings.get("table")
    rows_of = f"({_query(source)}\n)" if table is None else _quoted(table)
    with closing(_open(path)) as connection:
        connection.text_factory = bytes
        rows = connection.execute(f"SELECT {picks} FROM {rows_of}")
        for number, row in enumerate(rows, 1):
            for name, value in zip(columns, row, strict=True):
                if isinstance(value, bytes) and not _is_text(value):
                    return f" (row {number}, column {name})"
    return ""


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _told(source: Source, message: str, place: str = "") -> str:
    file = source.settings["path"]
    if "locked" in message or "busy" in message:
        return f"{file} is locked by another program (waited {_LOCK_WAIT_S:g} s); try again later"
    if "not a database" in message:
        return f"{file} is not an SQLite database"
    if "unicode" in message:
        return f"{_where(source)} holds bytes that are not UTF-8 text{place}"
    return f"cannot read {file}: {message}"
