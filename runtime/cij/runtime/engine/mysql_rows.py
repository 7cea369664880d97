"""A query over a MySQL or MariaDB server, copied to a file of text within one read-only snapshot, and the
connection for it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from cij.runtime.errors import DataError
from cij.runtime.private_values import note

if TYPE_CHECKING:
    from pymysql.connections import Connection

# A server that does not answer must not keep a run waiting for ever.
_CONNECT_S = 10
_ANSWER_S = 900
_PORT = 3306
_ROWS_AT_ONCE = 10_000
_OPTIONS = ("socket", "tls", "ca")
_NO_ADDRESS = (
    "the variable of `database` holds no address such as mysql://user:password@host:3306/shop"
)
# The types of the protocol by the words that finding types understands (`sniff.narrowest`).
_TYPES = {
    "integer": ("TINY", "SHORT", "INT24", "LONG", "LONGLONG", "YEAR", "BIT"),
    "decimal": ("DECIMAL", "NEWDECIMAL", "FLOAT", "DOUBLE"),
    "date": ("DATE", "NEWDATE"),
    "datetime": ("DATETIME",),
    "timestamp": ("TIMESTAMP",),
    "clock": ("TIME",),
}


class MysqlQuery:
    """A table or a query of an open connection."""

    def __init__(self, connection: "Connection[Any]", table: str, query: str) -> None:
        self._connection = connection
        if query:
            self._from = f"({query.strip().rstrip(';')}\n) AS q"
        else:
            self._from = ".".join(quoted(part) for part in table.split(".")) + " AS q"
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {self._from} LIMIT 0")
            self._codes = {name: code for name, code, *_ in cursor.description or ()}
        self.columns = {name: _type_of(code) for name, code in self._codes.items()}

    def copy(self, columns: Sequence[str], file: Path, above: str | None = None) -> None:
        """Write the texts of columns as a CSV file of one column: a JSON array for each row.

        So no line break of a value ends a line of the file. `above` is a condition on the rows.
        """
        from pymysql.cursors import SSCursor

        where = f" WHERE {above}" if above else ""
        text = f"SELECT {self._array(columns)} FROM {self._from}{where}"
        with (
            self._connection.cursor(SSCursor) as cursor,
            file.open("w", encoding="utf-8", newline="") as out,
        ):
            cursor.execute(text)
            while rows := cursor.fetchmany(_ROWS_AT_ONCE):
                out.writelines(_line(item) for (item,) in rows)

    def digest(self, columns: Sequence[str]) -> str:
        """Return what is the same as long as the texts of these columns are, in whatever order."""
        # 60 bits of each row: a sum of them has room in a decimal of 65 digits.
        part = f"CONV(LEFT(MD5({self._array(columns)}), 15), 16, 10)"
        text = f"SELECT COUNT(*), SUM(CAST({part} AS DECIMAL(20, 0))) FROM {self._from}"
        with self._connection.cursor() as cursor:
            cursor.execute(text)
            return ":".join(str(cell) for cell in cursor.fetchone() or ())

    def _array(self, columns: Sequence[str]) -> str:
        return f"JSON_ARRAY({', '.join(self._text(name) for name in columns)})"

    def _text(self, name: str) -> str:
        value, type = f"q.{quoted(name)}", self.columns[name]
        if type == "timestamp":
            # The session is in UTC; a date and time without a zone is that of the source.
            return f"CONCAT({value}, 'Z')"
        if self._codes[name] == _codes()["BIT"]:
            return f"CAST({value} + 0 AS CHAR)"
        if type != "text":
            return f"CAST({value} AS CHAR)"
        # The text of JSON stays one: JSON_ARRAY would nest it.
        text = f"CONCAT({value}, '')"
        return f"CONVERT(IF(CHARSET({value}) = 'binary', HEX({value}), {text}) USING utf8mb4)"


@contextmanager
def open_query(address: str, table: str, query: str) -> Iterator[MysqlQuery]:
    """Open a table, or else a query, for reading. Raises DataError, also for what fails inside.

    Everything inside sees one snapshot of the tables that have transactions (InnoDB).
    """
    with _connected(address) as connection:
        yield MysqlQuery(connection, table, query)


def quoted(name: str) -> str:
    """Return a name as an identifier of SQL."""
    return "`" + name.replace("`", "``") + "`"


@contextmanager
def _connected(address: str) -> "Iterator[Connection[Any]]":
    try:
        import pymysql
    except ImportError as error:
        raise DataError("MySQL needs a driver: pip install 'cij[mysql]'") from error
    settings = _settings(address)
    try:
        with pymysql.connect(**settings) as connection:
            with connection.cursor() as cursor:
                cursor.execute("SET SESSION time_zone = '+00:00'")
                cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            yield connection
    except (pymysql.Error, UnicodeError, ValueError) as error:
        raise DataError(_told(error)) from error


def _told(error: Exception) -> str:
    """Return the sentence of the server without its number."""
    text = str(error.args[-1] if error.args else error)
    return (text.splitlines() or [type(error).__name__])[0]


def _settings(address: str) -> dict[str, Any]:
    """Return what the driver needs of an address. Raises DataError, which repeats none of it."""
    from pymysql.converters import encoders

    parts, port = _parts(address)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    name = unquote(parts.path.removeprefix("/"))
    if parts.scheme not in ("mysql", "mariadb") or not name:
        raise DataError(_NO_ADDRESS)
    if unknown := [option for option in options if option not in _OPTIONS]:
        known = ", ".join(_OPTIONS)
        raise DataError(f'the address of `database` has the option "{unknown[0]}", not {known}')
    note("the password", password := unquote(parts.password or ""))
    found: dict[str, Any] = {
        "host": parts.hostname or "localhost",
        "port": port,
        "user": unquote(parts.username or "") or None,
        "password": password,
        "database": name,
        "charset": "utf8mb4",
        "connect_timeout": _CONNECT_S,
        "read_timeout": _ANSWER_S,
        "write_timeout": _ANSWER_S,
        # Without decoders each cell stays the text that the server wrote.
        "conv": {**encoders},
        "local_infile": False,
    }
    return found | _way(options)


def _parts(address: str) -> tuple[SplitResult, int]:
    try:
        parts = urlsplit(address)
        return parts, parts.port or _PORT
    except ValueError:
        raise DataError(_NO_ADDRESS) from None


def _way(options: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "socket" in options:
        if not Path(options["socket"]).exists():
            raise DataError("there is no such socket as the address of `database` names")
        found["unix_socket"] = options["socket"]
    if "ca" in options:
        found |= {"ssl_ca": options["ca"], "ssl_verify_cert": True, "ssl_verify_identity": True}
    elif options.get("tls", "false") != "false":
        # With the authorities that this machine trusts.
        found["ssl"] = {"check_hostname": True}
    return found


def _line(item: str | None) -> str:
    if item is None:
        raise ValueError("a row is longer than the server sends (max_allowed_packet)")
    return '"' + item.replace('"', '""') + '"\n'


def _codes() -> dict[str, int]:
    from pymysql.constants import FIELD_TYPE

    return {name: code for name, code in vars(FIELD_TYPE).items() if isinstance(code, int)}


def _type_of(code: int) -> str:
    codes = _codes()
    return next((t for t, names in _TYPES.items() if code in {codes[n] for n in names}), "text")
