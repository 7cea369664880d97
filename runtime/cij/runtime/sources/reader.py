"""The contract of a reader, which every kind of source has, and what readers share.

    source, folder --read--> Reading: Arrow rows of text, rejected rows, a way to find lines

A reader knows nothing of the store, and an engine nothing of kinds of sources: rows go from one to the
other as Arrow. Their types are found later, by the loader, so a reader may hand over text.
"""

import difflib
import os
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path, PurePath

from cij.compiler.program import Source
from cij.compiler.source_kinds import scheme_of
from cij.runtime.engine import ArrowStream
from cij.runtime.errors import ConfigError, DataError
from cij.runtime.private_values import hidden, note

# How the compiler writes `env("NAME")`.
_VARIABLE = "env:"
_PATTERN_SIGNS = "*?["
# The name of the copy of a file over the network, in a folder of its own.
COPY = "copy"


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that goes to quarantine. `line` is counted from 1.

    A row that the reader could not delimit covers several `lines`, and counts as so many (S24). `keys`
    are the texts of the key on these lines, as far as they can be made out: their rows of before stay.
    `file` is where it is, of a source of several files. `advice` is what helps where many rows are like it.
    """

    line: int
    reason: str
    content: str
    lines: int = 1
    keys: tuple[str, ...] = ()
    file: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """A source that is open to be read once.

    Attributes:
        file: its name for people, as `quarantine` shows it.
        rows: `ordinal`, which counts the rows from 0, then `r0`, `r1`, ... in the order of
            `Source.columns`.
        rejected: returns the rows that do not parse, once `rows` were read.
        lines: finds the lines of ordinals; it works also when the source is closed again.
    """

    file: str
    rows: ArrowStream
    rejected: Callable[[], list[BadRow]]
    lines: Callable[[Collection[int]], dict[int, int]]


@dataclass(frozen=True, slots=True)
class ColumnName:
    """A column as the source itself knows it; `declared` is its type there, if it has types."""

    name: str
    declared: str | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of source.

    Attributes:
        read: opens a source below a folder. Raises DataError, also for what goes wrong while the rows
            are read inside of it.
        fingerprint: is equal as long as the rows need no reading.
        names: returns the columns of the source itself, whatever is declared. Raises DataError.
    """

    read: Callable[[Source, Path], AbstractContextManager[Reading]]
    fingerprint: Callable[[Source, Path], str]
    names: Callable[[Source, Path], list[ColumnName]]


def files_of(source: Source, root: Path) -> list[str]:
    """Return the paths of the files of a source, in order of their names. Raises DataError.

    A path with `*`, `?` or `[…]` is a pattern, unless a file has just that name. `**` stands for any
    folders.
    """
    written = source.settings["path"]
    if not is_pattern(written) or (not scheme_of(written) and (root / written).exists()):
        return [written]
    if scheme_of(written):
        return _remote_files(source, written)
    if PurePath(written).is_absolute() or ".." in PurePath(written).parts:
        raise failure(source, f"{written} leads out of the project's folder")
    try:
        found = sorted(p.relative_to(root).as_posix() for p in root.glob(written) if p.is_file())
    except (ValueError, OSError) as error:
        raise failure(source, f"{written} is no pattern of file names: {error}") from error
    if not found:
        raise failure(source, f"no file below {root} matches {written}")
    return found


def _remote_files(source: Source, pattern: str) -> list[str]:
    # What speaks HTTP takes a while to load, and most projects do not need it.
    from cij.runtime.sources.object_stores import names_like

    try:
        found = names_like(pattern, with_environment(source).settings)
    except DataError as error:
        raise failure(source, f"cannot list {pattern}: {error}") from error
    if not found:
        raise failure(source, f"no file matches {pattern}")
    return found


def is_pattern(path: str) -> bool:
    """Tell whether a path may stand for several files."""
    # In the address of a page such signs have another meaning.
    is_exact = path.startswith((_VARIABLE, "http://", "https://"))
    return not is_exact and any(sign in path for sign in _PATTERN_SIGNS)


def one_of_files(source: Source, file: str) -> Source:
    """Return the source of one of its files."""
    return source.model_copy(update={"settings": {**source.settings, "path": file}})


def path_of(source: Source, root: Path, *, is_folder: bool = False) -> Path:
    """Return the file of a source, or its folder. Raises DataError when there is none.

    A path that the journeys name stays inside the project, whatever links lead out of it; one that
    the environment names may be anywhere.
    """
    written = source.settings["path"]
    address = from_environment(written, source)
    if scheme_of(address):
        # `remote_files` has put it there.
        return root / COPY
    path = root / address
    if written == address and not _is_inside(path, root):
        raise failure(source, f"{written} leads out of the project's folder")
    wanted = "folder" if is_folder else "file"
    if not path.exists():
        raise failure(source, f"there is no {wanted} {source.settings['path']} below {root}")
    if not (path.is_dir() if is_folder else path.is_file()):
        raise failure(source, f"{source.settings['path']} is not a {wanted}")
    return path


def _is_inside(path: Path, root: Path) -> bool:
    try:
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):
        # A link that leads to itself leads nowhere.
        return False


def from_environment(value: str, source: Source) -> str:
    """Return the value of a setting, which `env("NAME")` leaves to the environment."""
    if not value.startswith(_VARIABLE):
        return value
    name = value.removeprefix(_VARIABLE)
    if name not in os.environ:
        raise ConfigError(f"source {source.name} needs the variable {name} ({source.place})")
    return note(name, os.environ[name])


def with_environment(source: Source) -> Source:
    """Return the source with its settings filled in, but for the path: see `path_of`."""
    filled = {
        name: value if name == "path" else from_environment(value, source)
        for name, value in source.settings.items()
    }
    return source.model_copy(update={"settings": filled})


def stamp(*paths: Path) -> str:
    """Return the sizes and times of change of files; those that do not exist count as empty."""
    found = [_stat(path) for path in paths]
    return " ".join(f"{s.st_size}:{s.st_mtime_ns}" if s else "-" for s in found)


def _stat(path: Path) -> os.stat_result | None:
    # Not `exists` before: the file may vanish in between.
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def failure(source: Source, message: str) -> DataError:
    """Return the error of a source: which, what, and where it is written."""
    # Also a short value: it may be the fault.
    first, newline, rest = hidden(message, least=3).partition("\n")
    return DataError(f"source {source.name}: {first} ({source.place}){newline}{rest}")


def require_columns(source: Source, names: Iterable[str], where: str) -> None:
    """Raise DataError unless all columns of the source are among `names`."""
    there = list(names)
    missing = [c.outside for c in source.columns if c.outside not in there]
    if not missing:
        return
    near = difflib.get_close_matches(missing[0], there, n=1, cutoff=0.6)
    hint = f'did you mean "{near[0]}"?' if near else "it has " + ", ".join(there[:20])
    hint = _other_delimiter(there, missing[0]) or hint
    columns = ", ".join(f'"{name}"' for name in missing)
    raise failure(source, f"{where} has no column {columns}; {hint}")


def _other_delimiter(there: Sequence[str], wanted: str) -> str:
    """Say so where the one column is a line of names with another delimiter."""
    signs = [s for s in ";\t|," if len(there) == 1 and wanted in there[0].split(s) != there]
    if not signs:
        return ""
    shown = signs[0].replace("\t", "\\t")
    return f'its columns are separated by another character: set delimiter = "{shown}"'
