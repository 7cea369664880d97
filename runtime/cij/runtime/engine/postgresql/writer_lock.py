"""The lock that makes one process the writer of a store.

It belongs to the session, so the server frees it when the process or its connection ends.
"""

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cij.runtime.errors import StoreLocked

if TYPE_CHECKING:
    import psycopg

_HOLDER = """
SELECT a.application_name, a.usename, host(a.client_addr),
  to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')
FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (l.classid::bigint << 32) + l.objid::bigint = %s
"""


def key_of(schema: str) -> int:
    """Return the number of the lock of a schema: 63 bits, the same in every process."""
    return int.from_bytes(hashlib.sha256(f"cij store {schema}".encode()).digest()[:8]) >> 1


def take(
    connection: "psycopg.Connection[Any]",
    schema: str,
    wait: Callable[[str], bool] | None = None,
) -> None:
    """Become the writer. `wait` gets the holder of the lock, pauses, and returns whether to ask again.

    Asking again and again keeps the server free to clean its tables: a statement that waits would
    hold them as they were when it began. Raises: StoreLocked, with who has the lock.
    """
    while not _is_taken(connection, schema):
        who = f"{holder(connection, schema)}; stop it, or wait until it ends"
        if wait is None or not wait(who):
            raise StoreLocked(who)


def _is_taken(connection: "psycopg.Connection[Any]", schema: str) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (key_of(schema),)).fetchone()
    return bool(row and row[0])


def holder(connection: "psycopg.Connection[Any]", schema: str) -> str:
    """Return a sentence about the process that is the writer."""
    row = connection.execute(_HOLDER, (key_of(schema),)).fetchone()
    if row is None:
        return "another process writes to the store"
    name, role, host, since = row
    where = f" from {host}" if host else ""
    return f"`{name}` writes to the store since {since} UTC (role {role}{where})"
