"""Whether the file of a source stands still: a file that is being written holds only a part of its rows.

A part would take the rest of the customers out of their journeys. So a file is taken when size, time
and inode are the same in two looks, or when nothing was written for some seconds; and it must be the
same after it was read.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cij.compiler.program import Program, Source
from cij.compiler.source_kinds import SOURCE_KINDS, scheme_of
from cij.runtime.clock import Clock, LiveClock
from cij.runtime.errors import WorldError
from cij.runtime.sources.reader import failure, files_of, one_of_files, path_of

# How long ago the last change must be where there was no look before.
AGE_S = 2.0
# How long after the first look a run that does not go on looks again, and how often.
STILL_S = 0.2
LOOKS_MAX = 10

_EPOCH = datetime(1970, 1, 1)
# Sizes, latest time of change and inodes; None where there is no file.
Stamp = tuple[tuple[int, ...], int, tuple[int, ...]] | None


def stamp_of(source: Source, root: Path) -> Stamp:
    """Return what is the same as long as nobody writes the files of a source."""
    if not SOURCE_KINDS[source.kind].may_be_half_written:
        return None
    if scheme_of(source.settings["path"]):
        # A server gives a file as it was before or after a change.
        return None
    try:
        files = files_of(source, root)
        found = [path_of(one_of_files(source, file), root).stat() for file in files]
    except (OSError, RuntimeError, WorldError):
        # Reading it says what is wrong.
        return None
    latest = max(one.st_mtime_ns for one in found)
    return tuple(s.st_size for s in found), latest, tuple(s.st_ino for s in found)


@dataclass
class Looks:
    """What the last look saw of each source."""

    clock: Clock = field(default_factory=LiveClock)
    seen: dict[str, Stamp] = field(default_factory=dict)

    def moving(self, program: Program, root: Path) -> dict[str, str]:
        """Look at all sources; return those that may be written just now, with the reason."""
        now = {source.name: stamp_of(source, root) for source in program.sources}
        found = {name: _REASON for name, stamp in now.items() if self._is_moving(name, stamp)}
        self.seen = now
        return found

    def still(self, program: Program, root: Path) -> Mapping[str, str]:
        """As `moving`, but wait a while for what is being written."""
        found = self.moving(program, root)
        for _ in range(LOOKS_MAX):
            if not found:
                break
            time.sleep(STILL_S)
            found = self.moving(program, root)
        return found

    def _is_moving(self, name: str, stamp: Stamp) -> bool:
        if stamp is None or self.seen.get(name, None) == stamp:
            return False
        # A time in the future is that of a clock that was wrong, and says nothing.
        age_s = (self.clock.now() - _EPOCH).total_seconds() - stamp[1] / 1e9
        return not age_s >= AGE_S


_REASON = "its file is being written; the old data stays until it stands still"


def require_still(source: Source, root: Path, before: Stamp) -> None:
    """Raise DataError where a file changed while it was read."""
    if stamp_of(source, root) != before:
        raise failure(source, "its file changed while it was read; the old data stays")
