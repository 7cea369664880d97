"""Copies a state file while another process may be writing to it.

A commit goes to the log, and the main file changes only when the log is folded into it. So a main file
that did not change while both were copied, with a log that was copied after it, is a state as a crash
would have left it at that moment.
"""

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

import duckdb

from cij.runtime.engine.duckdb.closed import CLOSED
from cij.runtime.errors import StoreError

_TRIES = 50
_PAUSE_S = 0.1


def copy_file(path: Path, target: Path) -> None:
    """Copy the state file `path` to `target`, which must not exist, as one file without a log.

    Raises: StoreError.
    """
    draft = target.with_name(f"{target.name}.part")
    try:
        for _ in range(_TRIES):
            if _copied(path, draft):
                _fold(draft)
                # Not `replace`: a backup is never written over another one.
                os.link(draft, target)
                return
            time.sleep(_PAUSE_S)
        raise StoreError(f"{path} changes all the time, so it could not be copied; try again")
    except (OSError, duckdb.Error) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise StoreError(f"cannot copy {path} to {target}: {why}") from error
    finally:
        for left in (draft, _log(draft)):
            with suppress(OSError):
                left.unlink()


def _copied(path: Path, draft: Path) -> bool:
    """Copy both files, and tell whether the main file stood still meanwhile."""
    before = _stamp(path)
    for source, copy in ((path, draft), (_log(path), _log(draft))):
        copy.unlink(missing_ok=True)
        with suppress(FileNotFoundError), source.open("rb") as file, _private(copy) as to:
            shutil.copyfileobj(file, to)
    return draft.exists() and _stamp(path) == before


def _private(path: Path) -> IO[bytes]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    return os.fdopen(os.open(path, flags, 0o600), "wb")


def _fold(draft: Path) -> None:
    # Opening replays the log, and shows that the copy is whole.
    with duckdb.connect(str(draft), config=CLOSED) as connection:
        connection.execute("CHECKPOINT")


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")


def _stamp(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino
