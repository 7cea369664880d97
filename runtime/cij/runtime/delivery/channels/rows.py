"""Actions as rows: `<folder>/action/<name>/<day>.jsonl`, one JSON object a line, for others to read.

The store is the one writer. A row is written once, also when a run broke off in the middle of it:
what an earlier run wrote is read before its file grows.
"""

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cij.runtime.delivery.channels.transport import Outcome, Prepared
from cij.runtime.errors import ConfigError
from cij.runtime.private_files import make_inside, open_private
from cij.runtime.whole_lines import append

_PLAIN = re.compile(r"[\w-]{1,80}", re.ASCII)


@dataclass(frozen=True)
class RowSettings:
    """`fsync` makes each batch survive a loss of power."""

    folder: Path
    fsync: bool = True


class RowTransport:
    """Appends to the file of the action and the day; the same key is the same row."""

    is_idempotent = True

    def __init__(self, settings: RowSettings) -> None:
        self._settings = settings
        # What stood in a file when it was first opened, by path.
        self._earlier: dict[Path, set[str]] = {}

    def deliver(self, batch: Sequence[Prepared]) -> list[Outcome]:
        """Write the rows. The first file that cannot be written ends it."""
        by_path: dict[Path, list[Prepared]] = {}
        for one in batch:
            by_path.setdefault(self._path_of(one), []).append(one)
        outcomes: list[Outcome] = []
        for path, rows in by_path.items():
            try:
                self._append(path, rows)
            except (OSError, ConfigError) as error:
                reason = _message(self._settings.folder, error)
                done = {o.key for o in outcomes}
                rest = (one.key for one in batch if one.key not in done)
                return outcomes + [Outcome(key, "later", reason) for key in rest]
            name = path.relative_to(self._settings.folder).as_posix()
            outcomes += [Outcome(one.key, "delivered", provider_id=name) for one in rows]
        return outcomes

    def close(self) -> None:
        """Nothing is held open."""

    def _path_of(self, one: Prepared) -> Path:
        name = one.address
        if not _PLAIN.fullmatch(name):
            # Any script may stand in a name, but not on every disk.
            name = sha256(name.encode()).hexdigest()[:16]
        return self._settings.folder / "action" / name / f"{one.created_at:%Y-%m-%d}.jsonl"

    def _append(self, path: Path, rows: Sequence[Prepared]) -> None:
        if path not in self._earlier:
            make_inside(self._settings.folder, path.parent)
            self._earlier[path] = _mended(path)
        # Not kept where this fails: what stands there is then read anew.
        earlier = self._earlier.pop(path)
        new = b"".join(one.content + b"\n" for one in rows if one.key not in earlier)
        with open_private(path, is_appended=True) as file:
            append(file, new, is_synced=self._settings.fsync)
        self._earlier[path] = earlier


def _mended(path: Path) -> set[str]:
    """Cut off a row that was left half written, and return the keys of the others."""
    if not path.exists():
        return set()
    whole = path.read_bytes()
    kept = whole[: whole.rfind(b"\n") + 1]
    if len(kept) < len(whole):
        os.truncate(path, len(kept))
    return {key for line in kept.split(b"\n") if (key := _key_of(line))}


def _key_of(line: bytes) -> str | None:
    try:
        return str(json.loads(line)["data"]["key"])
    except (ValueError, KeyError, TypeError):
        return None


def _message(folder: Path, error: Exception) -> str:
    why = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return (
        f"cannot write rows into {folder}: {why}; free some space or grant access, then run again"
    )
