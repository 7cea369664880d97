"""Clicks that may be those of a scanner, which opens all links of a mail: each waits on the disk for seconds.

    click --append--> .cij/intake/*.held --after HOLD--> a file of the inbox, as a click of a person or of a machine

The first link that a scanner opens looks like that of a person. What tells it apart are the next ones.
A click that waits is as safe as any event of the log; one that a crash left is handed over by the next run.
"""

import json
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cij.runtime.errors import WorldError
from cij.runtime.inbox import folder_of
from cij.runtime.intake_log import IntakeLog, folder_of_log
from cij.runtime.private_files import make_inside, write_private

HOLD = timedelta(seconds=5)
SUFFIX = ".held"
_SIGN = "all links"
# Nobody opens so many links of a mail in the time, however many it has.
_MANY = 5
# What a row says besides its event: the number of its link, and how many the mail has.
_OWN = ("link_number", "links")
Row = dict[str, Any]


class HeldClicks:
    """`on_released` is called, by another thread, after clicks were handed over."""

    def __init__(
        self, root: Path, now: Callable[[], datetime], on_released: Callable[[], None]
    ) -> None:
        self._root, self._now, self._on_released = root, now, on_released
        self._sealed: list[Path] = []
        self._arrived, self._closed = threading.Event(), threading.Event()
        self._log = IntakeLog(root, self._arrived.set, SUFFIX, self._sealed.append)
        self._thread = threading.Thread(target=self._run, name="cij-clicks", daemon=True)
        self._thread.start()

    def append(self, lines: bytes) -> "Future[None]":
        """Write whole lines. The future ends when they are on the disk, or raises OSError."""
        return self._log.append(lines)

    def close(self) -> None:
        """Hand over all that waits."""
        self._closed.set()
        self._arrived.set()
        self._thread.join()
        self._log.close()
        self._release(timedelta())

    def _run(self) -> None:
        while not self._closed.is_set():
            self._arrived.wait()
            self._arrived.clear()
            self._closed.wait(HOLD.total_seconds() * 1.1)
            if not self._closed.is_set():
                self._log.hand_over()
                self._release(HOLD)

    def _release(self, hold: timedelta) -> None:
        files = list(self._sealed)
        try:
            left = release(self._root, files, self._now(), hold)
        except (OSError, WorldError):
            # They are on the disk, and the next time may find room for what is made of them.
            self._arrived.set()
            return
        self._sealed[:] = [*left, *self._sealed[len(files) :]]
        if left:
            self._arrived.set()
        if files:
            self._on_released()


def recover(root: Path, now: datetime) -> None:
    """Hand over the clicks that a crash left. Raises: OSError where the disk is full."""
    release(root, sorted((root / folder_of_log()).glob(f"*{SUFFIX}")), now, timedelta())


def release(root: Path, files: Sequence[Path], now: datetime, hold: timedelta) -> list[Path]:
    """Hand over the clicks of files that are older than `hold`; return the file of the others.

    Raises: OSError, and then all files stay. A click that is handed over twice is known by its id.
    """
    rows = marked(row for file in files for row in _rows(file))
    young = [row for row in rows if hold and abs(now - _at(row)) < hold]
    ripe = [row for row in rows if not (hold and abs(now - _at(row)) < hold)]
    left = []
    if ripe:
        make_inside(root, root / folder_of())
        plain = [{k: v for k, v in row.items() if k not in _OWN} for row in ripe]
        write_private(root / folder_of() / f"{uuid.uuid4().hex}.jsonl", _lines(plain))
    if young:
        left.append(root / folder_of_log() / f"{uuid.uuid4().hex}{SUFFIX}")
        write_private(left[0], _lines(young))
    for file in files:
        file.unlink(missing_ok=True)
    return left


def marked(rows: Iterable[Row]) -> list[Row]:
    """Return clicks in the order of their times, those of a machine as such."""
    found = sorted(rows, key=_at)
    by_message: dict[str, list[Row]] = {}
    for row in found:
        by_message.setdefault(str(row.get("message_key")), []).append(row)
    machines = {id(row) for each in by_message.values() for row in _of_machines(each)}
    return [_as_machine(row) if id(row) in machines else row for row in found]


def _of_machines(rows: Sequence[Row]) -> Iterator[Row]:
    """Yield the clicks of one message that are too many for a person in the time."""
    for n, first in enumerate(rows):
        together = [row for row in rows[n:] if _at(row) - _at(first) <= HOLD]
        different = {row.get("link_number") for row in together}
        count = first.get("links")
        most = count if isinstance(count, int) else _MANY
        if len(different) >= max(2, min(most, _MANY)):
            yield from together


def _as_machine(row: Row) -> Row:
    fields = row.get("fields") or {}
    return {**row, "event": "clicked_by_machine", "fields": {"sign": _SIGN, **fields}}


def _at(row: Row) -> datetime:
    return datetime.fromisoformat(str(row["at"]).removesuffix("Z"))


def _rows(file: Path) -> Iterator[Row]:
    for line in file.read_bytes().split(b"\n"):
        # The last line may be torn by a crash; nobody was told that it is safe.
        with suppress(ValueError, KeyError, TypeError):
            found = json.loads(line)
            _at(found)
            yield found


def _lines(rows: Sequence[Row]) -> bytes:
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode(
        "utf-8", "replace"
    )
