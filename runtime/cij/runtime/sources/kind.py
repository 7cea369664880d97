"""What every kind of source does."""

import difflib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from cij.compiler.program import Source
from cij.runtime.engine import Engine
from cij.runtime.errors import DataError


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that goes to quarantine. `line` is counted from 1."""

    line: int
    reason: str
    content: str


@dataclass(frozen=True, slots=True)
class Staged:
    """A source's rows are in the stage. `lines` finds the lines of ordinals of staged rows."""

    file: str
    rejected: list[BadRow]
    lines: Callable[[Collection[int]], dict[int, int]]


@dataclass(frozen=True, slots=True)
class ColumnName:
    """A column as the source itself knows it; `declared` is its type there, if it has types."""

    name: str
    declared: str | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """`stage` and `names` raise DataError; `fingerprint` is equal as long as the rows need no
    reading; `names` does not look at the columns that the source declares.
    """

    stage: Callable[[Engine, Source, Path], Staged]
    fingerprint: Callable[[Source, Path], str]
    names: Callable[[Source, Path], list[ColumnName]]


def path_of(source: Source, root: Path) -> Path:
    """Return the file of a source. Raises DataError when there is none."""
    path = root / source.settings["path"]
    if not path.exists():
        raise failure(source, f"there is no file {source.settings['path']} below {root}")
    if not path.is_file():
        raise failure(source, f"{source.settings['path']} is not a file")
    return path


def stamp(*paths: Path) -> str:
    """Return the sizes and times of change of files; those that do not exist count as empty."""
    found = [p.stat() if p.exists() else None for p in paths]
    return " ".join(f"{s.st_size}:{s.st_mtime_ns}" if s else "-" for s in found)


def failure(source: Source, message: str) -> DataError:
    """Return the error of a source: which, what, and where it is written."""
    return DataError(f"source {source.name}: {message} ({source.place})")


def require_columns(source: Source, names: Iterable[str], where: str) -> None:
    """Raise DataError unless all columns of the source are among `names`."""
    there = list(names)
    missing = [c.name for c in source.columns if c.name not in there]
    if not missing:
        return
    near = difflib.get_close_matches(missing[0], there, n=1, cutoff=0.6)
    hint = f'did you mean "{near[0]}"?' if near else "it has " + ", ".join(there[:20])
    columns = ", ".join(f'"{name}"' for name in missing)
    raise failure(source, f"{where} has no column {columns}; {hint}")
