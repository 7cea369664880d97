"""The handover file: which messages of a claimed batch a connection took, and what it heard.

    {"batch": TOKEN}                          the batch that is claimed in the store
    {"taken": KEY}                            on the disk before the content leaves
    {"heard": KEY, "status": …, …}            the answer; the store gets it when the batch is settled

A batch is claimed at once, because a commit for each message would take longer than sending it. After a
crash this file tells its messages apart: those that were never taken go out again, those whose answer
was heard are settled, and only what a connection had in its hands is uncertain (S19).
"""

import asyncio
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from cij.runtime.delivery.channels.transport import Outcome
from cij.runtime.errors import DeliveryError
from cij.runtime.private_files import open_private
from cij.runtime.whole_lines import append

_HEARD = ("status", "reason", "provider_id", "retry_after_s", "is_bounce")


@dataclass(frozen=True, slots=True)
class Left:
    """What a file tells after a crash. `token` is that of the batch."""

    token: str
    taken: frozenset[str] = frozenset()
    heard: dict[str, Outcome] = field(default_factory=dict)


class Handover:
    """Writes the file of one channel. All lines of one batch; the next one begins it anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def begin(self, keys: Iterable[str]) -> str:
        """Begin the file of a batch and return the token by which the store knows it."""
        # The number of the process makes two attempts at the same messages two batches.
        token = sha256("\n".join([str(os.getpid()), *keys]).encode()).hexdigest()[:32]
        try:
            self.close()
            self._file = open_private(self._path)
            self._write({"batch": token})
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._failed(error) from error
        return token

    async def take(self, key: str) -> None:
        """Note that a connection takes a message now, and return when that is on the disk."""
        try:
            file = self._write({"taken": key})
            # In a thread, so that the other connections go on meanwhile.
            await asyncio.to_thread(os.fsync, file.fileno())
        except OSError as error:
            raise self._failed(error) from error

    def hear(self, outcome: Outcome) -> None:
        """Note what became of a message. It reaches the disk with the next one that is taken."""
        said = {name: getattr(outcome, name) for name in _HEARD}
        try:
            self._write({"heard": outcome.key, **said})
        except OSError:
            # The store will have it in a moment; only a crash before that makes it uncertain.
            return

    def left(self) -> Left | None:
        """Return what an earlier run left, None where there is no file."""
        try:
            lines = self._path.read_bytes().split(b"\n")
        except OSError:
            return None
        rows = [row for row in map(_row, lines) if row]
        if not rows or "batch" not in rows[0]:
            return None
        taken = frozenset(row["taken"] for row in rows if "taken" in row)
        heard = {row["heard"]: _outcome(row) for row in rows if "heard" in row}
        return Left(rows[0]["batch"], taken, heard)

    def close(self) -> None:
        """Close the file. What it says stays true: its batch is settled in the store, or was not."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, row: dict[str, Any]) -> IO[bytes]:
        assert self._file is not None, "a batch is begun before a message of it is taken"
        append(self._file, json.dumps(row).encode() + b"\n", is_synced=False)
        return self._file

    def _failed(self, error: OSError) -> DeliveryError:
        return DeliveryError(
            f"cannot write {self._path}: {error.strerror}; nothing is sent unnoted"
        )


def _row(line: bytes) -> dict[str, Any] | None:
    # The last line may be torn, and is then one that nobody relied on.
    try:
        found = json.loads(line) if line else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _outcome(row: dict[str, Any]) -> Outcome:
    known: dict[str, Any] = {name: row[name] for name in _HEARD if name in row}
    return Outcome(row["heard"], **known)
