"""A session on a PostgreSQL server: how it connects, what it requires, and what its errors mean."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cij.runtime.errors import ConfigError, StoreError, StoreLost
from cij.runtime.private_values import note

if TYPE_CHECKING:
    import psycopg

# The oldest version that the contract suite was run on.
OLDEST_SERVER = 15
_CONNECT_S = 10
# A statement of a mass wave over millions of customers takes minutes, and never hours.
STATEMENT_S, LOCK_S = 3600, 60
# The server notices in seven seconds that the machine of a session is gone, and frees its lock for a
# standby. A session that is lost for a short gap of the network costs one step, which is made again.
_ALIVE = {"keepalives": 1, "keepalives_idle": 4, "keepalives_interval": 1, "keepalives_count": 3}
SETTINGS = {
    "timezone": "UTC",
    "datestyle": "ISO",
    "intervalstyle": "iso_8601",
    "statement_timeout": f"{STATEMENT_S}s",
    "lock_timeout": f"{LOCK_S}s",
    "tcp_keepalives_idle": "4",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "3",
    # The same while the server has sent rows that nobody confirms: no probe is sent then.
    "tcp_user_timeout": "7s",
    # Compiling a statement takes longer than running it, since most have few rows.
    "jit": "off",
    # Notices such as "relation already exists" are for nobody.
    "client_min_messages": "error",
}
# What PostgreSQL calls an order of texts by code point, with letters of all scripts.
_ORDERED = ("C.UTF-8", "C.utf8")
_NAME_BYTES_MAX = 63
# The form of TRY_CAST (`cij.compiler.sql.dialects`).
_TRY_CAST = """
CREATE FUNCTION pg_temp.cij_try_cast(value text, INOUT result anyelement) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('SELECT CAST(%L AS %s)', value, pg_typeof(result)) INTO result;
EXCEPTION WHEN data_exception THEN result := NULL;
END $$
"""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a store is. `dsn` may hold a password, so it is never shown."""

    dsn: str
    schema: str


def connect(address: Address, purpose: str) -> "psycopg.Connection[Any]":
    """Return a session with autocommit in the schema of the store. Raises: ConfigError, StoreError."""
    library = driver()
    try:
        # The driver's message would repeat what may be a password.
        note(
            "the password", str(library.conninfo.conninfo_to_dict(address.dsn).get("password", ""))
        )
    except library.Error:
        raise ConfigError("the variable of `store.dsn` holds no address of a database") from None
    options: dict[str, Any] = {**_ALIVE, "application_name": _name(purpose)}
    try:
        found: Any = library.connect(
            address.dsn, autocommit=True, connect_timeout=_CONNECT_S, **options
        )
    except library.Error as error:
        raise StoreError(f"cannot connect to the store: {first_line(error)}") from error
    try:
        with told():
            _prepare(found, address)
    except BaseException:
        found.close()
        raise
    made: psycopg.Connection[Any] = found
    return made


def driver() -> Any:
    """Return the module of the driver. Raises: ConfigError where it is not installed."""
    try:
        import psycopg
    except ImportError as error:
        raise ConfigError(
            "a store in PostgreSQL needs a driver: pip install 'cij[postgres]'"
        ) from error
    return psycopg


def _name(purpose: str) -> str:
    """Return the name of this session on the server. A second writer reads it, to know which process to stop."""
    text = f"cij {purpose}, process {os.getpid()} on {socket.gethostname()}"
    return text.encode("ascii", "replace")[:_NAME_BYTES_MAX].decode()


def _prepare(connection: "psycopg.Connection[Any]", address: Address) -> None:
    from cij.runtime.engine.postgresql.values import register

    register(connection)
    if (fault := fault_of_server(connection)) is not None:
        raise StoreError(fault)
    for name, value in SETTINGS.items():
        connection.execute("SELECT set_config(%s, %s, false)", (name, value))
    connection.execute(_TRY_CAST)
    # Tables are made in the first schema that is named; scratch tables are found before it.
    path = f'"{address.schema}"'
    connection.execute("SELECT set_config('search_path', %s, false)", (path,))


def fault_of_server(connection: "psycopg.Connection[Any]") -> str | None:
    """Return why a store cannot be in this database; None where it can."""
    major = connection.info.server_version // 10000
    if major < OLDEST_SERVER:
        return f"the server is PostgreSQL {major}; a store needs {OLDEST_SERVER} or newer"
    row = connection.execute(
        "SELECT current_database(), pg_encoding_to_char(encoding), "
        "COALESCE(to_jsonb(d) ->> 'datlocale', datcollate), "
        "COALESCE(to_jsonb(d) ->> 'datlocale', datctype) "
        "FROM pg_database AS d WHERE datname = current_database()"
    ).fetchone()
    assert row is not None, "a session is in a database"
    name, encoding, order, letters = row
    if encoding == "UTF8" and order in _ORDERED and letters in _ORDERED:
        return None
    return (
        f"the database {name} has the encoding {encoding} and the locale {order}; a store needs texts "
        "in the order of their characters: CREATE DATABASE name TEMPLATE template0 ENCODING 'UTF8' "
        "LOCALE 'C.UTF-8'"
    )


@contextmanager
def told(connection: "psycopg.Connection[Any] | None" = None) -> Iterator[None]:
    """Raise StoreError with one message for what the server or the network refuses; StoreLost where it
    ended `connection`."""
    psycopg = driver()
    try:
        yield
    except psycopg.errors.QueryCanceled as error:
        raise StoreError(
            f"a statement of the store took longer than {STATEMENT_S} seconds and was stopped"
        ) from error
    except psycopg.errors.LockNotAvailable as error:
        raise StoreError(
            f"another session kept a table of the store locked for {LOCK_S} seconds"
        ) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise StoreError(
            f"the role of the store lacks a right: {first_line(error)}; see docs/postgresql.md"
        ) from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        if connection is not None and connection.closed:
            raise StoreLost(
                f"the connection to the store was lost: {first_line(error)}; nothing of the step that "
                "was under way was kept, and the next run goes on from before it"
            ) from error
        raise StoreError(f"the store failed: {first_line(error)}") from error


def first_line(error: BaseException) -> str:
    """Return the first line of an error of the driver."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
