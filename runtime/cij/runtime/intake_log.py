"""The log of events that come over the network: an event is on the disk before it is answered.

    requests --append--> one write and one sync for all that wait --> Future
    log --hand_over--> a file of the inbox, which a step takes in

Lines are those of the inbox. A log that a crash left is handed over by the next run: what was not
synced is cut off, because nobody was told that it is safe. An event that was taken in before is known
by its id.
"""

import os
import queue
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cij.runtime.errors import WorldError
from cij.runtime.inbox import folder_of
from cij.runtime.private_files import make_inside, open_private
from cij.runtime.state_folder import state_folder
from cij.runtime.whole_lines import append

# A step reads a file whole.
_FILE_BYTES_MAX = 8_000_000
# What waits for the disk lies in memory.
_WAITING_BYTES_MAX = 64_000_000
_SUFFIX = ".log"


def folder_of_log() -> Path:
    """Return the folder of the log, as a path from the project folder."""
    return state_folder() / "intake"


@dataclass(frozen=True, slots=True)
class _Entry:
    lines: bytes
    future: "Future[None]"


class IntakeLog:
    """Writes the log. `on_synced` is called, by another thread, after events were written.

    `take` gets each file that is whole, in place of the inbox. Files of a log of this kind have a `suffix` of
    their own, and its owner recovers them.
    """

    def __init__(
        self,
        root: Path,
        on_synced: Callable[[], None],
        suffix: str = _SUFFIX,
        take: Callable[[Path], None] | None = None,
    ) -> None:
        if take is None:
            recover(root)
        self._root, self._suffix = root, suffix
        self._on_synced = on_synced
        self._take = take or self._to_inbox
        self._queue: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._waiting_bytes = 0
        # The first guards only the counter: the holder of the second may wait for the disk.
        self._counting, self._writing = threading.Lock(), threading.Lock()
        self._is_closed = False
        self._file: IO[bytes] | None = None
        self._path = root
        self._thread = threading.Thread(target=self._run, name="cij-intake", daemon=True)
        self._thread.start()

    def append(self, lines: bytes) -> "Future[None]":
        """Write whole lines. The future ends when they are on the disk, or raises OSError."""
        future: Future[None] = Future()
        # Nobody can call back what is on its way to the disk.
        future.set_running_or_notify_cancel()
        with self._counting:
            why = self._why_not(len(lines))
            if why is None:
                self._waiting_bytes += len(lines)
                self._queue.put(_Entry(lines, future))
        if why is not None:
            future.set_exception(OSError(why))
        return future

    def _why_not(self, bytes: int) -> str | None:
        if self._is_closed:
            return "the service is about to end"
        is_full = self._waiting_bytes + bytes > _WAITING_BYTES_MAX
        return "the disk is too slow for what comes in" if is_full else None

    def hand_over(self) -> None:
        """Move what was written to the inbox."""
        with self._writing:
            self._hand_over()

    def close(self) -> None:
        """Write what waits, and hand all over."""
        with self._counting:
            self._is_closed = True
            self._queue.put(None)
        self._thread.join()
        self.hand_over()

    # --- the thread that writes ---------------------------------------------------------------

    def _run(self) -> None:
        while (entry := self._queue.get()) is not None:
            entries, is_last = [entry], False
            # One sync for all that came during the sync before.
            with suppress(queue.Empty):
                while not is_last:
                    more = self._queue.get_nowait()
                    is_last = more is None
                    entries += [more] if more is not None else []
            self._write(entries)
            if is_last:
                return

    def _write(self, entries: list[_Entry]) -> None:
        data = b"".join(entry.lines for entry in entries)
        failed = self._failure_of(data)
        with self._counting:
            self._waiting_bytes -= len(data)
        for entry in entries:
            if failed is None:
                entry.future.set_result(None)
            else:
                entry.future.set_exception(failed)
        if failed is None:
            self._on_synced()

    def _failure_of(self, data: bytes) -> Exception | None:
        """Write and sync `data`; return why this did not succeed."""
        with self._writing:
            try:
                append(self._opened(), data, is_synced=True)
            except Exception as error:  # noqa: BLE001 - the next ones may succeed (S28)
                # After a sync that failed nobody knows what the disk has of this file, so a new one
                # is begun. What was synced before stays.
                with suppress(OSError, WorldError):
                    self._hand_over()
                return error
        return None

    def _opened(self) -> IO[bytes]:
        if self._file is not None and self._file.tell() > _FILE_BYTES_MAX:
            self._hand_over()
        if self._file is None:
            folder = self._root / folder_of_log()
            make_inside(self._root, folder)
            self._path = folder / f"{uuid.uuid4().hex}{self._suffix}"
            self._file = open_private(self._path, is_appended=True)
            # Without this, a file that was just made may be gone after a loss of power.
            _sync_folder(folder)
        return self._file

    def _hand_over(self) -> None:
        if self._file is None:
            return
        self._file.close()
        self._file = None
        self._take(self._path)

    def _to_inbox(self, path: Path) -> None:
        _move(self._root, path)


def recover(root: Path) -> int:
    """Hand over the logs that a crash left, and return their number.

    Raises: OSError where the disk is full: the logs stay, and the next run takes them.
    """
    found = sorted((root / folder_of_log()).glob(f"*{_SUFFIX}"))
    for path in found:
        _cut(path)
        _move(root, path)
    return len(found)


def _move(root: Path, path: Path) -> None:
    make_inside(root, root / folder_of())
    path.replace(root / folder_of() / f"{path.stem}.jsonl")


def _cut(path: Path) -> None:
    """Cut off what a crash left of a line."""
    data = path.read_bytes()
    end = data.rfind(b"\n") + 1
    if end < len(data):
        os.truncate(path, end)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
