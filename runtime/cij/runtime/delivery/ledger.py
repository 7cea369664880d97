"""The ledger: a small file beside the state that says how far the sending was.

    {"store": ID, "handed": 17, "at": INSTANT, "marks": [MARK, …]}     one line for each batch

A state that is older than what was sent from it would send all of that again. This happens where the log
of the state is lost or torn, where a backup is restored, or where a copy is run. Each batch has a
number, which the state commits together with the claim, and the ledger before anything leaves. So a
ledger that is ahead of the state says that the state went back.

The marks say which messages were handed over. A mark is made of what stays the same where a state goes the
same way again: the customer, the journey, the step and the turn. So an operator can go on with the
older state, and nothing is sent twice.
"""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from cij.runtime.delivery.outbox import Row
from cij.runtime.errors import DeliveryError
from cij.runtime.private_files import write_private
from cij.runtime.whole_lines import append

# About one and a half million messages. One older file is kept as well.
BYTES_MAX = 32_000_000
_TAIL_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Last:
    """The last batch that the ledger knows."""

    store: str
    handed: int
    at: str


def mark_of(row: Row) -> str:
    """Return what stands for a message in the ledger. It tells nothing about the customer."""
    text = "\n".join([row.journey, row.step, str(row.turn), row.customer])
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class Ledger:
    """Writes and reads the file of one store. `path` is None where the store is in memory."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def note(self, store: str, handed: int, rows: Iterable[Row], now: datetime) -> None:
        """Note on the disk that a batch is being handed over. Raises: DeliveryError."""
        if self._path is None:
            return
        line = {"store": store, "handed": handed, "at": now.isoformat(timespec="seconds")}
        text = json.dumps({**line, "marks": [mark_of(row) for row in rows]}) + "\n"
        try:
            self._append(self._path, text.encode())
        except OSError as error:
            raise DeliveryError(
                f"cannot write {self._path}: {error.strerror}; nothing is sent unnoted"
            ) from error

    def _append(self, path: Path, line: bytes) -> None:
        if self._file is None:
            self._file = _opened(path)
        append(self._file, line, is_synced=True)
        if self._file.tell() > BYTES_MAX:
            # The next batch begins a new file.
            self.close()

    def last(self) -> Last | None:
        """Return the last batch; None where nothing was ever noted."""
        for path in self._paths():
            # A line may be longer than the tail.
            for read in (_tail, Path.read_bytes):
                for row in reversed(list(_rows(read(path)))):
                    return Last(str(row["store"]), int(row["handed"]), str(row.get("at", "")))
        return None

    def marks_after(self, store: str, handed: int) -> list[str]:
        """Return the marks of all messages that were handed over after a batch of a store.

        Of a store that the ledger does not know, these are all: it is new, and takes the place of others.
        """
        rows = [row for path in reversed(self._paths()) for row in _rows(path.read_bytes())]
        if any(row["store"] == store for row in rows):
            rows = [row for row in rows if row["store"] == store and row["handed"] > handed]
        return [str(mark) for row in rows for mark in row.get("marks", ())]

    @property
    def path(self) -> Path | None:
        return self._path

    def copy_to(self, target: "Ledger") -> None:
        """Let the ledger of a copy of the store know what was sent from it. Raises: DeliveryError."""
        for path in self._paths():
            to = target._path if path == self._path else target._path and _older(target._path)
            if to is not None:
                _copy(path, to)

    def remove(self) -> None:
        """Remove what `copy_to` has made for a copy that failed."""
        self.close()
        for path in self._paths():
            path.unlink()

    def close(self) -> None:
        """Close the file. The next note opens it again; a long one then becomes the older one."""
        if self._file is None:
            return
        self._file.close()
        self._file = None

    def _paths(self) -> list[Path]:
        """Return the files that exist, the newest first."""
        if self._path is None:
            return []
        return [path for path in (self._path, _older(self._path)) if path.is_file()]


def _opened(path: Path) -> IO[bytes]:
    """Open the file to append to it. What a crash left of a line is cut off."""
    with suppress(FileNotFoundError):
        if path.stat().st_size > BYTES_MAX:
            path.replace(_older(path))
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    file = os.fdopen(os.open(path, flags, 0o600), "r+b", buffering=0)
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _TAIL_BYTES))
    tail = file.read()
    if tail and not tail.endswith(b"\n"):
        whole = path.read_bytes()
        file.truncate(whole.rfind(b"\n") + 1)
    return file


def _copy(path: Path, target: Path) -> None:
    try:
        write_private(target, path.read_bytes())
    except OSError as error:
        raise DeliveryError(f"cannot write {target}: {error.strerror}") from error


def _older(path: Path) -> Path:
    return path.with_name(f"{path.name}.older")


def _tail(path: Path) -> bytes:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL_BYTES))
        return file.read()


def _rows(data: bytes) -> Iterator[dict[str, Any]]:
    # The first line may be cut by the reader and the last one by a crash.
    for line in data.split(b"\n"):
        try:
            row = json.loads(line) if line else None
        except ValueError:
            continue
        if isinstance(row, dict) and "store" in row and isinstance(row.get("handed"), int):
            yield row
