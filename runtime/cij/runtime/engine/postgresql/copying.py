"""Rows into tables of PostgreSQL by COPY."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cij.runtime.engine.postgresql.values import bindable
from cij.runtime.engine.protocol import ArrowStream

if TYPE_CHECKING:
    import psycopg

_BLOCK = 1 << 20


def copy_columns(
    connection: "psycopg.Connection[Any]", table: str, columns: Mapping[str, Sequence[object]]
) -> int:
    """Append rows that are given as columns; return how many."""
    from psycopg import sql

    text = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), _names([*columns]))
    count = 0
    with connection.cursor() as cursor, cursor.copy(text) as copy:
        for row in zip(*columns.values(), strict=True):
            copy.write_row([bindable(value) for value in row])
            count += 1
    return count


def copy_stream(connection: "psycopg.Connection[Any]", table: str, stream: ArrowStream) -> int:
    """Append the rows of an Arrow stream; return how many. Raises DataError where the stream fails."""
    from psycopg import sql

    from cij.runtime.engine.duckdb.csv_file import write_csv

    with tempfile.TemporaryDirectory(prefix="cij-copy-") as folder:
        file = Path(folder) / "rows.csv"
        names = write_csv(stream, file)
        text = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
            sql.Identifier(table), _names(names)
        )
        with connection.cursor() as cursor:
            with cursor.copy(text) as copy, file.open("rb") as rows:
                while block := rows.read(_BLOCK):
                    copy.write(block)
            return max(cursor.rowcount, 0)


def _names(names: Sequence[str]) -> Any:
    from psycopg import sql

    return sql.SQL(", ").join(map(sql.Identifier, names))
