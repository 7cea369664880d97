"""A query over a PostgreSQL server, copied to a file of text within one read-only transaction, and the
connection for it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cij.runtime.errors import DataError
from cij.runtime.private_values import note

if TYPE_CHECKING:
    import psycopg
    from psycopg import sql

# A server that does not answer must not keep a run waiting for ever.
_CONNECT_S = 10
_OPTIONS = (
    "-c statement_timeout=900000 -c lock_timeout=30000 -c idle_in_transaction_session_timeout=900000"
    " -c timezone=UTC -c datestyle=ISO -c intervalstyle=iso_8601 -c extra_float_digits=1"
)


class PostgresQuery:
    """A table or a query of an open connection."""

    def __init__(self, connection: "psycopg.Connection[Any]", table: str, query: str) -> None:
        from psycopg import sql

        self._connection = connection
        if query:
            # The author's own text, which the driver takes for one that may come from outside.
            written: Any = query.strip().rstrip(";")
            inner = sql.SQL(written)
            self._from: sql.Composable = sql.SQL("({}\n) AS q").format(inner)
        else:
            self._from = sql.SQL("{} AS q").format(sql.Identifier(*table.split(".")))
        with self._connection.cursor() as cursor:
            cursor.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(self._from))
            self.columns = {c.name: c.type_display for c in cursor.description or ()}

    def copy(self, columns: Sequence[str], file: Path) -> None:
        """Write the texts of columns as a CSV file of one column: a JSON array for each row.

        So no line break of a value ends a line of the file.
        """
        from psycopg import sql

        picks = sql.SQL(", ").join(self._text(name) for name in columns)
        text = sql.SQL(
            "COPY (SELECT to_json(ARRAY[{}])::text FROM {}) TO STDOUT (FORMAT csv, FORCE_QUOTE *)"
        )
        with (
            self._connection.cursor() as cursor,
            cursor.copy(text.format(picks, self._from)) as rows,
            file.open("wb") as out,
        ):
            for block in rows:
                out.write(block)

    def _text(self, name: str) -> "sql.Composable":
        from psycopg import sql

        type = self.columns[name]
        form = "{c}::text"
        if type.endswith("[]"):
            form = "to_json({c})::text"
        elif type == "money":
            form = "{c}::numeric::text"
        elif type in ("float4", "float8"):
            # Without an exponent, where that is the same number.
            form = (
                "CASE WHEN {c}::text LIKE '%e%' AND {c}::numeric::float8 = {c} "
                "THEN {c}::numeric::text ELSE {c}::text END"
            )
        return sql.SQL(form).format(c=sql.Identifier("q", name))


@contextmanager
def open_query(address: str, table: str, query: str) -> Iterator[PostgresQuery]:
    """Open a table, or else a query, for reading. Raises DataError, also for what fails inside.

    Everything inside sees one snapshot of the database.
    """
    with connected(address) as connection:
        yield PostgresQuery(connection, table, query)


def snapshot_of(address: str) -> str:
    """Return what is the same as long as no transaction of the server has begun or ended."""
    with connected(address) as connection:
        row = connection.execute(
            "SELECT current_database(), txid_current_snapshot()::text"
        ).fetchone()
        assert row is not None, "it is one row"
        return ":".join(row)


@contextmanager
def connected(address: str, *, is_reader: bool = True) -> Iterator["psycopg.Connection[Any]"]:
    """Open a connection with one transaction, which is committed at the end. Raises DataError, also for
    what the server refuses inside.

    A reader sees one snapshot of the database.
    """
    try:
        import psycopg
        from psycopg import conninfo
    except ImportError as error:
        raise DataError("PostgreSQL needs a driver: pip install 'cij[postgres]'") from error
    try:
        # Its message would repeat what may be a password.
        note("the password", str(conninfo.conninfo_to_dict(address).get("password", "")))
    except psycopg.Error:
        raise DataError("the variable of `database` holds no address of a database") from None
    try:
        with psycopg.connect(address, connect_timeout=_CONNECT_S, options=_OPTIONS) as connection:
            if is_reader:
                connection.read_only = True
                connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            yield connection
    except psycopg.Error as error:
        raise DataError((str(error).splitlines() or [type(error).__name__])[0]) from error
