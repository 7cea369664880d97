"""Files into temporary tables of text, through DuckDB's own readers.

Columns are named r0, r1, ... so no name from a file gets into SQL; `ordinal` counts the rows from 0
in the order of the file.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from cij.runtime.errors import DataError


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A UTF-8 file with a header of `width` names, of which `picks` are wanted, by position.

    `quote` is doubled to stand for itself; None when nothing is quoted.
    """

    path: Path
    width: int
    picks: tuple[int, ...]
    delimiter: str
    quote: str | None


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that does not parse. `byte` is where it starts, from 0; blank lines may precede it."""

    byte: int
    reason: str
    content: str


_READ = """
CREATE OR REPLACE TEMP TABLE {table} AS SELECT ROW_NUMBER() OVER () - 1 AS ordinal, {picks}
FROM read_csv($path,
  columns = {{{columns}}}, delim = $delimiter, quote = $quote, escape = $quote, header = true,
  all_varchar = true, auto_detect = false, null_padding = false,
  store_rejects = true, rejects_table = 'csv_reject', rejects_scan = 'csv_reject_scan')
"""

# One row may have several errors: the first is told.
_REJECTS = """
SELECT line_byte_position - 1, FIRST(error_type ORDER BY byte_position),
  FIRST(error_message ORDER BY byte_position), FIRST(csv_line)
FROM csv_reject GROUP BY line_byte_position ORDER BY line_byte_position
"""

_REASONS = {
    "MISSING COLUMNS": "too few columns",
    "TOO MANY COLUMNS": "too many columns",
    "UNQUOTED VALUE": "a quote is not closed",
    "LINE SIZE OVER MAXIMUM": "the row is too long",
    "INVALID ENCODING": "not UTF-8",
}


def stage_csv(connection: duckdb.DuckDBPyConnection, table: str, file: CsvFile) -> list[Reject]:
    """See `DuckEngine.stage_csv`. Raises DataError when the file is no table of text."""
    text = _READ.format(
        table=_quoted(table),
        columns=", ".join(f"'c{i}': 'VARCHAR'" for i in range(file.width)),
        picks=", ".join(f"c{i} AS r{n}" for n, i in enumerate(file.picks)),
    )
    bound = {"delimiter": file.delimiter, "quote": file.quote or "", "path": _exact(file.path)}
    try:
        _drop_rejects(connection)
        with _in_order(connection):
            connection.execute(text, bound)
        rows = connection.execute(_REJECTS).fetchall()
        _drop_rejects(connection)
    except duckdb.Error as error:
        raise DataError(str(error).splitlines()[0]) from error
    return [Reject(byte, _told(kind, message), line) for byte, kind, message, line in rows]


def stage_sqlite(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    path: Path,
    name: str,
    columns: Sequence[str],
) -> None:
    """See `DuckEngine.stage_sqlite`. The caller has seen that the table and columns are there."""
    picks = ", ".join(f"{_quoted(column)} AS r{n}" for n, column in enumerate(columns))
    text = (
        f"CREATE OR REPLACE TEMP TABLE {_quoted(table)} AS "
        f"SELECT ROW_NUMBER() OVER () - 1 AS ordinal, {picks} FROM sqlite_scan($path, $name)"
    )
    try:
        connection.execute("SET sqlite_all_varchar = true")
        with _in_order(connection):
            connection.execute(text, {"path": str(path), "name": name})
    except duckdb.Error as error:
        raise DataError(str(error).splitlines()[0]) from error


@contextmanager
def _in_order(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    connection.execute("SET preserve_insertion_order = true")
    try:
        yield
    finally:
        connection.execute("SET preserve_insertion_order = false")


def _drop_rejects(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("DROP TABLE IF EXISTS csv_reject")
    connection.execute("DROP TABLE IF EXISTS csv_reject_scan")


def _told(kind: str, message: str) -> str:
    reason = _REASONS.get(kind, kind.lower())
    return f"{reason}: {message}" if kind.endswith("COLUMNS") else reason


def _exact(path: Path) -> str:
    # The reader expands patterns: a file may be called `a[1].csv`.
    return "".join(f"[{c}]" if c in "*?[" else c for c in str(path))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
