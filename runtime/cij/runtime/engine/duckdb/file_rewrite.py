"""Rewrites a state file, so that nothing is left in it of rows that were deleted.

DuckDB keeps deleted values in blocks that it will use again, and in the log. A file that is written anew
from the rows that are there has neither.
"""

import os
from contextlib import suppress
from pathlib import Path

import duckdb

from cij.runtime.engine.duckdb.closed import CLOSED
from cij.runtime.engine.duckdb.connection import FORMAT
from cij.runtime.errors import StoreError


def rewrite_file(path: Path) -> None:
    """Write a closed state file anew, and put it in the place of the old one. Raises: StoreError."""
    draft = path.with_name(f"{path.name}.rewritten")
    try:
        _remove(draft)
        with duckdb.connect(":memory:", config={**CLOSED, **FORMAT}) as connection:
            _copy(connection, path, draft)
        _sync(draft)
        draft.replace(path)
        _log(path).unlink(missing_ok=True)
    except (OSError, duckdb.Error) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise StoreError(f"cannot write {path} anew: {why}") from error
    finally:
        _remove(draft)


def _copy(connection: duckdb.DuckDBPyConnection, path: Path, draft: Path) -> None:
    # Opened for writing, so that its log is folded, and nobody else changes it meanwhile.
    connection.execute(f"ATTACH '{_escaped(path)}' AS original")
    connection.execute("CHECKPOINT original")
    version = FORMAT["storage_compatibility_version"]
    connection.execute(f"ATTACH '{_escaped(draft)}' AS rewritten (STORAGE_VERSION '{version}')")
    connection.execute("COPY FROM DATABASE original TO rewritten")
    connection.execute("CHECKPOINT rewritten")
    connection.execute("DETACH rewritten")
    connection.execute("DETACH original")


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _remove(draft: Path) -> None:
    for left in (draft, _log(draft)):
        with suppress(OSError):
            left.unlink()


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")


def _escaped(path: Path) -> str:
    return str(path).replace("'", "''")
