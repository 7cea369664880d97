"""What became of a transaction whose COMMIT was not answered."""

import time
from collections.abc import Callable
from typing import Any

from cij.runtime.errors import StoreError

# How long a new session is tried for, and how long the server may take to end the old one.
PATIENCE_S = 30.0
_AGAIN_S = 0.2
_NUMBER = "SELECT pg_current_xact_id_if_assigned()::text"
_STATUS = "SELECT pg_xact_status(%s::text::xid8)"


def number_of_transaction(connection: Any) -> str | None:
    """Return the number of the open transaction; None where it has written nothing."""
    row = connection.execute(_NUMBER).fetchone()
    return str(row[0]) if row and row[0] is not None else None


def is_committed(connection: Any, number: str) -> bool:
    """Tell whether a transaction of an earlier session was committed. Raises StoreError."""
    end = time.monotonic() + PATIENCE_S
    while True:
        row = connection.execute(_STATUS, (number,)).fetchone()
        status = row[0] if row else None
        if status in ("committed", "aborted"):
            return bool(status == "committed")
        if time.monotonic() >= end:
            raise StoreError(f"nobody can say whether transaction {number} was committed: {status}")
        time.sleep(_AGAIN_S)


def patiently(connect: Callable[[], None]) -> None:
    """Connect, and try again for a while: a server that restarts is back after some seconds."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            connect()
        except StoreError:
            # That another session has the lock is also true of the one that was lost, for some time.
            if time.monotonic() >= end:
                raise
            time.sleep(_AGAIN_S)
        else:
            return
