"""Scans of foreign files as rows of text, with DuckDB's scanners.

Each scan is a separate DuckDB in memory, so that it has its own settings and leaves nothing in a
store. Columns are named r0, r1, ..., so that no name from a file becomes part of SQL. `ordinal`
numbers the rows from 0 in the order of the file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb

from cij.runtime.engine.duckdb import json_lines, parquet_scan, sqlite_cells
from cij.runtime.engine.duckdb.closed import CLOSED
from cij.runtime.engine.duckdb.connection import HiddenStream
from cij.runtime.engine.duckdb.extensions import load_extension
from cij.runtime.engine.duckdb.parquet_scan import ParquetColumns
from cij.runtime.engine.protocol import ArrowStream
from cij.runtime.errors import DataError


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A UTF-8 file of `width` columns. `picks` are the positions of the wanted ones.

    A quote inside a value is doubled. `quote` is None where no value is quoted. With `has_header` its
    first line is no row.
    """

    path: Path
    width: int
    picks: tuple[int, ...]
    delimiter: str
    quote: str | None
    has_header: bool = True


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that does not parse.

    `byte` is its start, from 0; blank lines may follow there first. Of a long row `content` is the
    beginning. One with an unclosed quote ends where the next quote does. One that is undecodable has bytes
    that are not UTF-8.
    """

    byte: int
    reason: str
    content: str
    is_unclosed: bool
    is_undecodable: bool = False


_STREAM = "arrow_stream"
_READ_CSV = """
SELECT ROW_NUMBER() OVER () - 1 AS ordinal, {picks}
FROM read_csv({path},
  columns = {{{columns}}}, delim = {delimiter}, quote = {quote}, escape = {quote}, header = {header},
  all_varchar = true, auto_detect = false, null_padding = false,
  store_rejects = true, rejects_table = 'csv_reject', rejects_scan = 'csv_reject_scan')
"""

# A row may have several errors. Only the first is reported, since it usually causes the others.
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


class FileScan:
    """A scanner of one file. Its streams can be read only while it is open."""

    def __init__(self) -> None:
        self._connection = duckdb.connect(":memory:", config=CLOSED)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._connection.close()

    def csv(self, file: CsvFile) -> ArrowStream:
        """Return the rows of a CSV file.

        Rows that do not parse are in `rejects` after all were read.
        """
        text = _READ_CSV.format(
            columns=", ".join(f"'c{i}': 'VARCHAR'" for i in range(file.width)),
            picks=", ".join(f"c{i} AS r{n}" for n, i in enumerate(file.picks)),
            path=_text(_exact(file.path)),
            delimiter=_text(file.delimiter),
            quote=_text(file.quote or ""),
            header="true" if file.has_header else "false",
        )
        return self._stream(text)

    def rejects(self) -> list[Reject]:
        """Return the rows of the CSV file that did not parse, in the order of the file."""
        rows = self._connection.execute(_REJECTS).fetchall()
        return [
            Reject(
                byte,
                _reason(kind, message),
                line,
                is_unclosed=kind == "UNQUOTED VALUE",
                is_undecodable=kind == "INVALID ENCODING",
            )
            for byte, kind, message, line in rows
        ]

    def json_lines(self, path: Path) -> None:
        """Read the lines of a UTF-8 file as JSON texts, for the three methods below."""
        self.run(json_lines.LINES.format(path=_text(_exact(path))))
        self.run(json_lines.DOCUMENTS)

    def members(self, names: Sequence[str]) -> ArrowStream:
        """Return the text of members of each object; those inside of others by their path."""
        return self._stream(json_lines.members(names))

    def bad_objects(self) -> list[tuple[int, str]]:
        """Return (ordinal, text) of the lines that are no JSON object."""
        return [(ordinal, text) for ordinal, text in self.run(json_lines.BAD_OBJECTS)]

    def structure(self) -> str | None:
        """Return the members of all objects together, as an object of JSON."""
        [(found,)] = self.run(json_lines.STRUCTURE)
        return None if found is None else str(found)

    def json_arrays(self, path: Path, width: int) -> ArrowStream:
        """Return the rows of a CSV file that `cij` wrote: each cell is a JSON array of `width` texts."""
        return self._stream(json_lines.arrays(_text(_exact(path)), width))

    def parquet(self, path: Path) -> ParquetColumns:
        """Open a Parquet file. Raises DataError."""
        self.run(parquet_scan.VIEW.format(path=_text(_exact(path))))
        return ParquetColumns(self.run, self._stream)

    def duckdb(self, path: Path, table: str, query: str) -> ParquetColumns:
        """Open a table of a DuckDB file, or else a query over it. Raises DataError.

        What the query says can read this file only.
        """
        self.run(f"ATTACH {_text(str(path))} AS outside (TYPE duckdb, READ_ONLY)")
        self.run("SET enable_external_access = false")
        self.run("USE outside")
        name = ".".join(_quoted(part) for part in table.split("."))
        whole = f"({query.strip().rstrip(';')}\n) AS q" if query else name
        self.run(parquet_scan.NUMBERED.format(table=whole))
        return ParquetColumns(self.run, self._stream)

    def arrow(self, stream: ArrowStream) -> ParquetColumns:
        """Open rows in Arrow's format, which give a new stream each time. Raises DataError."""
        self.arrow_again(stream)
        self.run(parquet_scan.NUMBERED.format(table=_STREAM))
        return ParquetColumns(self.run, self._stream)

    def arrow_again(self, stream: ArrowStream) -> None:
        """Put other rows in the place of those that are open: the same, or some of their columns."""
        self._connection.register(_STREAM, HiddenStream(stream))

    def run(self, text: str) -> list[tuple[Any, ...]]:
        """Run the text of a statement of a scan. Raises DataError."""
        try:
            return self._connection.execute(text).fetchall()
        except duckdb.Error as error:
            raise DataError(str(error).splitlines()[0]) from error

    def sqlite_query(self, path: Path, query: str, columns: Sequence[str]) -> ArrowStream:
        """Return columns of the result of a query over an SQLite file."""
        self._open_sqlite()
        self.run(f"ATTACH {_text(str(path))} AS outside (TYPE sqlite, READ_ONLY)")
        picks = [f"CAST({_quoted(column)} AS VARCHAR)" for column in columns]
        return self._cells(picks, f"sqlite_query('outside', {_text(query)})")

    def sqlite(self, path: Path, table: str, columns: Sequence[str]) -> ArrowStream:
        """Return columns of a table of an SQLite file. The caller has checked that they exist."""
        self._open_sqlite()
        picks = [_quoted(column) for column in columns]
        return self._cells(picks, f"sqlite_scan({_text(str(path))}, {_text(table)})")

    def odd_rows(self, count: int) -> list[tuple[int, list[str | None]]]:
        """Return (ordinal, cells) of the rows of SQLite that are not UTF-8, once the others were read.

        Odd bytes are as Python escapes them.
        """
        [(is_any,)] = self.run(sqlite_cells.HAS_ODD_ROWS)
        found = self.run(sqlite_cells.odd_rows(count)) if is_any else []
        return [(row[0], [_escaped(cell) for cell in row[1:]]) for row in found]

    def _open_sqlite(self) -> None:
        self.load_extension("sqlite_scanner")
        # SQLite does not enforce the types of columns, so the loader types the text of each value.
        self._connection.execute("SET sqlite_all_varchar = true")

    def _cells(self, picks: Sequence[str], table: str) -> ArrowStream:
        self.run(sqlite_cells.SEQUENCE)
        self.run(sqlite_cells.view(picks, table))
        return self._stream(sqlite_cells.rows(len(picks)))

    def load_extension(self, name: str) -> None:
        """Load an extension that a scan needs. Raises StoreError where it is not installed."""
        load_extension(self._connection, name)

    def _stream(self, text: str) -> ArrowStream:
        try:
            # No bound parameters: with them DuckDB reads all rows into memory before the first one.
            return self._connection.sql(text)
        except duckdb.Error as error:
            raise DataError(str(error).splitlines()[0]) from error


def _reason(kind: str, message: str) -> str:
    reason = _REASONS.get(kind, kind.lower())
    return f"{reason}: {message}" if kind.endswith("COLUMNS") else reason


def _escaped(cell: bytes | None) -> str | None:
    return None if cell is None else cell.decode(errors="surrogateescape")


def _exact(path: Path) -> str:
    # DuckDB expands patterns in file names, and a file may be called `a[1].csv`.
    return "".join(f"[{c}]" if c in "*?[" else c for c in str(path))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
