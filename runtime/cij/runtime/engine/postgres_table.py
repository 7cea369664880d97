"""A table of a PostgreSQL server that gets all rows of a stream, in place of those that it had."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString

from cij.runtime.engine.duckdb.csv_file import write_csv
from cij.runtime.engine.postgres_copy import connected
from cij.runtime.engine.protocol import ArrowStream
from cij.runtime.errors import DataError

if TYPE_CHECKING:
    import psycopg

_BLOCK = 1 << 20
# The types of DuckDB, by how their names begin; all others become text.
_TYPES: dict[str, LiteralString] = {
    "BIGINT": "bigint",
    "INTEGER": "integer",
    "HUGEINT": "numeric",
    "DECIMAL": "numeric",
    "DOUBLE": "double precision",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamptz",
}
_FOUND = (
    "SELECT obj_description(c.oid, 'pg_class') FROM pg_class AS c WHERE c.oid = to_regclass(%s)"
)
_COLUMNS = (
    "SELECT a.attname FROM pg_attribute AS a WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 "
    "AND NOT a.attisdropped ORDER BY a.attnum"
)


def replace_rows(
    address: str, table: str, stream: ArrowStream, names: Sequence[str], mark: str
) -> int:
    """Replace the rows of a table in one transaction, and return how many it has then.

    `names` are those of the columns. The table is made where there is none, and made anew where it has
    other columns. `mark` is the comment of a table that may be replaced. Instants are in UTC.

    Raises: DataError where the server refuses, or where the table has no such comment; OSError.
    """
    with tempfile.TemporaryDirectory(prefix="cij-copy-") as folder:
        file = Path(folder) / "rows.csv"
        types = write_csv(stream, file).values()
        columns: dict[str, LiteralString] = {}
        for name, type in zip(names, types, strict=True):
            columns[name] = _type(type)
        # The transaction is committed at the end of the connection, or undone.
        with connected(address, is_reader=False) as connection:
            _make(connection, table, columns, mark)
            return _fill(connection, table, [*columns], file)


def _type(duck: str) -> LiteralString:
    name = duck.partition("(")[0]
    return "text" if duck.endswith("]") else _TYPES.get(name, "text")


def _make(
    connection: "psycopg.Connection[Any]",
    table: str,
    columns: Mapping[str, LiteralString],
    mark: str,
) -> None:
    from psycopg import sql

    target = sql.Identifier(*table.split("."))
    written = target.as_string(connection)
    found = connection.execute(_FOUND, (written,)).fetchone()
    if found is not None and found[0] != mark:
        raise DataError(f"table {table} was not {mark}, so nothing is written there")
    made = [name for (name,) in connection.execute(_COLUMNS, (written,)).fetchall()]
    if found is not None and made == [*columns]:
        return
    if found is not None:
        connection.execute(sql.SQL("DROP TABLE {}").format(target))
    parts = (
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(type))
        for name, type in columns.items()
    )
    connection.execute(sql.SQL("CREATE TABLE {} ({})").format(target, sql.SQL(", ").join(parts)))
    comment = sql.SQL("COMMENT ON TABLE {} IS {}").format(target, sql.Literal(mark))
    connection.execute(comment)


def _fill(
    connection: "psycopg.Connection[Any]", table: str, names: Sequence[str], file: Path
) -> int:
    from psycopg import sql

    target = sql.Identifier(*table.split("."))
    # Readers see the old rows until the commit; TRUNCATE would have them wait.
    connection.execute(sql.SQL("DELETE FROM {}").format(target))
    text = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
        target, sql.SQL(", ").join(map(sql.Identifier, names))
    )
    with connection.cursor() as cursor:
        with cursor.copy(text) as copy, file.open("rb") as rows:
            while block := rows.read(_BLOCK):
                copy.write(block)
        return max(cursor.rowcount, 0)
