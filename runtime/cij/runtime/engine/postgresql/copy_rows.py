"""Rows into tables of PostgreSQL by COPY."""

import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString, cast

from cij.compiler.sql import Statement
from cij.runtime.engine.postgresql.made_tables import named, nulls_of, raw
from cij.runtime.engine.postgresql.values import bindable, type_name
from cij.runtime.engine.protocol import ArrowStream, Parameters

if TYPE_CHECKING:
    import psycopg

_BLOCK = 1 << 20
_PARAMETER = re.compile(r"\$(\d+)")


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
        names = [*write_csv(stream, file)]
        text = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
            sql.Identifier(table), _names(names)
        )
        with connection.cursor() as cursor:
            with cursor.copy(text) as copy, file.open("rb") as rows:
                while block := rows.read(_BLOCK):
                    copy.write(block)
            return max(cursor.rowcount, 0)


def stream_of(
    connection: "psycopg.Connection[Any]", statement: Statement, parameters: Parameters
) -> ArrowStream:
    """Return the rows of a query as Arrow, by COPY to a file."""
    from cij.runtime.engine.duckdb.csv_file import read_csv

    nulls = nulls_of(statement, parameters)
    text, names = statement.bound_text("postgres", nulls)
    values = named(parameters, names)
    columns = columns_of_query(connection, text, values)
    with tempfile.TemporaryDirectory(prefix="cij-copy-") as folder:
        file = Path(folder) / "rows.csv"
        with (
            connection.cursor() as cursor,
            cursor.copy(_copy_out(connection, text, values)) as copy,
            file.open("wb") as out,
        ):
            for block in copy:
                out.write(block)
        return read_csv(columns, file)


def _copy_out(connection: "psycopg.Connection[Any]", text: str, values: Sequence[object]) -> Any:
    from psycopg import sql

    # COPY takes no parameters, so the driver writes their values into the text.
    parts: list[sql.Composable] = []
    for n, part in enumerate(_PARAMETER.split(text)):
        # The text is printed from a tree, so no value is in it.
        fixed = cast(LiteralString, part)
        parts.append(sql.SQL(fixed) if n % 2 == 0 else sql.Literal(values[int(part) - 1]))
    return sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, FORCE_QUOTE *)").format(sql.Composed(parts))


def columns_of_query(
    connection: "psycopg.Connection[Any]", text: str, values: Sequence[object]
) -> dict[str, str]:
    """Return the types of the columns of a query, by name."""
    cursor = raw(connection, f"SELECT * FROM ({text}) AS q LIMIT 0", values)
    return {c.name: type_name(c.type_display) for c in cursor.description or ()}


def _names(names: Sequence[str]) -> Any:
    from psycopg import sql

    return sql.SQL(", ").join(map(sql.Identifier, names))
