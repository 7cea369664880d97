"""Questions about segments: their size, their members, and what uses them.

They are answered from the store, with the program of its last run.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cij.app.known_names import LAST_RUN, require_known
from cij.app.request_error import RequestError
from cij.app.store_view import store_view
from cij.compiler import expression as ex
from cij.compiler.program import Program, Segment, SegmentEntry
from cij.compiler.unparse import words
from cij.compiler.walk import walk
from cij.runtime.clock import LiveClock
from cij.runtime.engine.duckdb.table_file import FORMATS
from cij.runtime.segment_members import Members, Overlap

Say = Callable[[str], None]

_OVERLAP_MAX = 12


@dataclass(frozen=True, slots=True)
class SegmentSize:
    """A segment: how many customers are in it, of how many, its condition, and what uses it."""

    name: str
    size: int
    customers: int
    condition: str
    used_by: tuple[str, ...]


@contextmanager
def _members(path: Path, on_wait: Say) -> Iterator[Members]:
    with store_view(path, on_wait) as found:
        yield Members(found.engine, found.program, LiveClock().now())


def segment_sizes(path: Path, on_wait: Say, name: str | None = None) -> list[SegmentSize]:
    """Return all segments, or one. Raises: RequestError for an unknown name; ConfigError."""
    with _members(path, on_wait) as found:
        program = found.program
        chosen = program.segments if name is None else (_segment(program, name),)
        customers, users = found.customers(), _users(program)
        return [
            SegmentSize(
                s.name, found.size(s), customers, words(s.condition), tuple(users.get(s.name, ()))
            )
            for s in chosen
        ]


def segment_members(
    path: Path, name: str, fields: Sequence[str], limit: int, on_wait: Say
) -> list[tuple[Any, ...]]:
    """Return (id, fields) of the first members of a segment. Raises: RequestError; ConfigError."""
    with _members(path, on_wait) as found:
        return found.rows(_segment(found.program, name), _fields(found.program, fields), limit)


def write_members(path: Path, name: str, fields: Sequence[str], file: Path, on_wait: Say) -> int:
    """Write the members of a segment to a file, and return how many. Raises: as `segment_members`."""
    format = FORMATS.get(file.suffix.lower())
    if format is None:
        raise RequestError(f"{file.name} ends with none of {', '.join(FORMATS)}")
    with _members(path, on_wait) as found:
        segment, names = _segment(found.program, name), _fields(found.program, fields)
        return found.write(segment, names, file, format)


def segment_overlap(path: Path, names: Sequence[str], on_wait: Say) -> Overlap:
    """Return how many customers segments share; of all segments where none is named.

    Raises: RequestError; ConfigError.
    """
    with _members(path, on_wait) as found:
        program = found.program
        chosen = [_segment(program, n) for n in dict.fromkeys(names)] or [*program.segments]
        if len(chosen) > _OVERLAP_MAX:
            raise RequestError(f"name up to {_OVERLAP_MAX} segments; there are {len(chosen)}")
        if not chosen:
            raise RequestError("the program of the last run has no segments")
        return found.overlap(chosen)


def _segment(program: Program, name: str) -> Segment:
    return require_known("segment", name, {s.name: s for s in program.segments}, LAST_RUN)


def _fields(program: Program, names: Sequence[str]) -> list[str]:
    """Return the fields and measures with these names, or say which there is none of."""
    known = [field.name for field in program.profile.fields]
    known += [measure.name for measure in program.measures]
    for name in names:
        require_known("field or measure", name, dict.fromkeys(known), LAST_RUN)
    return list(dict.fromkeys(names))


def _users(program: Program) -> dict[str, list[str]]:
    """Return what uses each segment, as `journey loyalty`."""
    parts = [(f"journey {j.name}", walk(j)) for j in program.journeys]
    parts += [(f"segment {s.name}", walk(s)) for s in program.segments]
    parts += [(f"measure {m.name}", walk(m)) for m in program.measures]
    parts += [(f"policy {p.name}", walk(p)) for p in program.policies]
    found: dict[str, list[str]] = {}
    for user, nodes in parts:
        inside = [n.segment for n in nodes if isinstance(n, ex.Member | SegmentEntry)]
        for name in dict.fromkeys(inside):
            found.setdefault(name, []).append(user)
    for export in program.exports:
        if export.segment is not None:
            found.setdefault(export.segment, []).append(f"export {export.name}")
    return found
