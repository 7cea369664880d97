"""Rows in Arrow's format as a CSV file that PostgreSQL's COPY reads."""

from collections.abc import Mapping
from pathlib import Path

import duckdb

from cij.runtime.engine.duckdb.closed import CLOSED
from cij.runtime.engine.duckdb.connection import BROKEN, HiddenStream, first_line
from cij.runtime.engine.protocol import ArrowStream
from cij.runtime.errors import DataError, StoreError

_STREAM = "arrow_stream"


def write_csv(stream: ArrowStream, file: Path) -> dict[str, str]:
    """Write all rows to `file`, in a private folder, and return the types of the columns by name.

    A null is nothing, and an empty text is a pair of quotes. Raises DataError where the stream fails, and
    StoreError where the file cannot be written.
    """
    with duckdb.connect(":memory:", config=CLOSED) as connection:
        connection.register(_STREAM, HiddenStream(stream))
        try:
            return _write(connection, file)
        except duckdb.InvalidInputException as error:
            found = first_line(error)
            raise DataError(found.partition(BROKEN)[2] or found) from error
        except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
            text = f"rows for the store could not be written to {file.parent}: {first_line(error)}"
            raise StoreError(text) from error


def _write(connection: duckdb.DuckDBPyConnection, file: Path) -> dict[str, str]:
    # The stream can be read once, so the rows are kept before their columns are looked at.
    connection.execute(f"CREATE TEMP TABLE rows AS SELECT * FROM {_STREAM}")
    columns = connection.execute("DESCRIBE rows").fetchall()
    texts = [_quoted(name) for name, type, *_ in columns if type == "VARCHAR"]
    # PostgreSQL has no text with the character 0.
    cells = ", ".join(f"REPLACE({name}, CHR(0), CHR(65533)) AS {name}" for name in texts)
    picks = f"* REPLACE ({cells})" if cells else "*"
    where = str(file).replace("'", "''")
    connection.execute(
        f"COPY (SELECT {picks} FROM rows) TO '{where}' (FORMAT csv, HEADER false, FORCE_QUOTE *)"
    )
    return {name: type for name, type, *_ in columns}


def read_csv(columns: Mapping[str, str], file: Path) -> ArrowStream:
    """Return the rows of a file that PostgreSQL's COPY wrote. The file is not needed afterwards."""
    connection = duckdb.connect(":memory:", config=CLOSED)
    types = ", ".join(f"{_literal(name)}: {_literal(type)}" for name, type in columns.items())
    connection.execute(
        f"CREATE TABLE rows AS SELECT * FROM read_csv({_literal(str(file))}, columns = {{{types}}}, "
        "header = false, delim = ',', quote = '\"', escape = '\"', nullstr = '', "
        "allow_quoted_nulls = false, auto_detect = false, max_line_size = 100000000, "
        "dateformat = '%Y-%m-%d', parallel = false)"
    )
    return connection.sql("SELECT * FROM rows")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
