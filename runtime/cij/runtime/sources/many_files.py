"""A source of several files: `path = "orders/*.csv"`, also in folders such as `year=2026/month=03`.

Each file is read by the reader of its kind, as if it were a source of its own. A folder `year=2026`
gives the column `year` of all rows below it.
"""

from bisect import bisect_right
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from cij.compiler.program import Source
from cij.compiler.source_kinds import scheme_of
from cij.compiler.sql import load as statements
from cij.runtime.engine import Engine
from cij.runtime.sources.reader import BadRow, Kind, Reading, files_of, is_pattern, one_of_files


@dataclass(frozen=True, slots=True)
class Staged:
    """What is known of a source whose rows are staged.

    `lines` finds the lines of ordinals, and `file_at` the file of one: "" where there is only `file`.
    """

    file: str
    rejected: list[BadRow]
    lines: Callable[[Collection[int]], dict[int, int]]
    file_at: Callable[[int], str] = lambda ordinal: ""


@dataclass(frozen=True, slots=True)
class _Part:
    """One file: the ordinal of its first row, and how to find lines."""

    first: int
    reading: Reading


def is_of_files(source: Source, root: Path) -> bool:
    """Tell whether the path of a source is a pattern. Raises DataError where no file matches."""
    path = source.settings.get("path", "")
    if scheme_of(path):
        return is_pattern(path)
    return bool(path) and files_of(source, root) != [path]


def stage_files(engine: Engine, source: Source, root: Path, kind: Kind) -> Staged:
    """Stage the rows of all files, one after the other. Raises DataError."""
    parts: list[_Part] = []
    rejected: list[BadRow] = []
    count = 0
    for file in files_of(source, root):
        given = _given(source, file)
        columns = tuple(c for c in source.columns if c.outside not in given)
        own = one_of_files(source, file).model_copy(update={"columns": columns})
        engine.execute(statements.staging(len(columns), statements.STAGE_OF_FILE))
        with kind.read(own, root) as reading:
            engine.append(statements.STAGE_OF_FILE, reading.rows)
            rejected += [replace(row, file=reading.file) for row in reading.rejected()]
        parts.append(_Part(count, reading))
        count += engine.execute(
            statements.add_file(source, given), {"first": count, **_bound(given)}
        )
    return Staged(source.settings["path"], rejected, _lines(parts), _file_at(parts))


def _given(source: Source, file: str) -> dict[str, str]:
    """Return the values of columns that the folders of a file give."""
    names = {c.outside for c in source.columns} - {source.key}
    pairs = [part.partition("=") for part in PurePosixPath(file).parent.parts if "=" in part]
    # As Hive writes them: signs that a folder cannot have are escaped, and missing has a name.
    return {name: unquote(value) for name, _, value in pairs if name in names}


def _bound(given: dict[str, str]) -> dict[str, str | None]:
    missing = "__HIVE_DEFAULT_PARTITION__"
    return {f"v{n}": None if v == missing else v for n, v in enumerate(given.values())}


def _part_of(parts: list[_Part], ordinal: int) -> _Part:
    return parts[bisect_right([part.first for part in parts], ordinal) - 1]


def _lines(parts: list[_Part]) -> Callable[[Collection[int]], dict[int, int]]:
    def lines(ordinals: Collection[int]) -> dict[int, int]:
        found: dict[int, int] = {}
        for n, part in enumerate(parts):
            end = parts[n + 1].first if n + 1 < len(parts) else None
            own = [o - part.first for o in ordinals if o >= part.first and (end is None or o < end)]
            there = part.reading.lines(own) if own else {}
            found |= {part.first + ordinal: line for ordinal, line in there.items()}
        return found

    return lines


def _file_at(parts: list[_Part]) -> Callable[[int], str]:
    return lambda ordinal: _part_of(parts, ordinal).reading.file
