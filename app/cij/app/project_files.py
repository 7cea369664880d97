"""The files of a project: the folder with `cij.toml`, and all `.journey` files below it.

It loads no compiler, because a cached check needs only the files.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from cij.app.journey_file import SUFFIX, read_file
from cij.grammar.codes import UNREADABLE_FILE
from cij.grammar.diagnostic import Diagnostic
from cij.grammar.span import file_start
from cij.runtime.errors import ConfigError, DataError

FILE_NAME = "cij.toml"
CATALOG_NAME = "catalog.lock.json"


def find_root(path: Path) -> Path:
    """Return the nearest folder at or above `path` with a `cij.toml`. Raises: ConfigError."""
    if not path.exists():
        raise ConfigError(f"there is no file or folder {path}")
    start = path.resolve()
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file():
            return folder
    raise ConfigError(f"no {FILE_NAME} in {path} or above it; `cij new DIR` makes a project")


def read_sources(root: Path) -> tuple[dict[str, str], tuple[Diagnostic, ...]]:
    """Return the texts of the `.journey` files by name, and diagnostics for those that cannot be
    read.

    A name is the path from `root`, with forward slashes.
    """
    sources: dict[str, str] = {}
    diagnostics: list[Diagnostic] = []
    for file in sorted(_journey_files(root, root, set())):
        name = file.relative_to(root).as_posix()
        text = read_file(file, name) if _is_inside(root, file) else _outside(name)
        if isinstance(text, str):
            sources[name] = text
        else:
            diagnostics.append(text)
    return sources, tuple(diagnostics)


def read_contents(root: Path, paths: Iterable[str]) -> dict[str, str]:
    """Return the texts of the files that messages name, by their path as it is written.

    A path is relative to the project folder and must stay inside it. Files that cannot be read are
    left out, because the compiler reports them at the place that names them.
    """
    found = ((path, _content(root, path)) for path in paths)
    return {path: text for path, text in found if text is not None}


def _content(root: Path, path: str) -> str | None:
    try:
        file = root / path
        if not _is_inside(root, file):
            return None
        text = read_file(file, path)
    except (OSError, ValueError):
        # The name is not valid for a file: it is too long or has a NUL.
        return None
    return text if isinstance(text, str) else None


def _journey_files(root: Path, folder: Path, seen: set[Path]) -> Iterator[Path]:
    """Yield the `.journey` files below `folder`.

    Each folder is visited once, also with several links.

    Folders whose name starts with a dot, other projects, and links to the outside of `root` are
    skipped.
    """
    seen.add(folder.resolve())
    for entry in _entries(folder):
        if entry.is_dir():
            # A project inside this one has its own settings and is compiled alone.
            is_other = (entry / FILE_NAME).is_file() or not _is_inside(root, entry)
            if entry.resolve() not in seen and not is_other:
                yield from _journey_files(root, entry, seen)
        elif entry.suffix == SUFFIX:
            yield entry


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise DataError(f"cannot read the folder {folder}: {error.strerror}") from error


def _is_inside(root: Path, path: Path) -> bool:
    try:
        return path.resolve().is_relative_to(root)
    except RuntimeError:
        # The link leads to itself. Reading the file reports that.
        return True


def _outside(name: str) -> Diagnostic:
    message = "the link leads out of the project folder"
    return UNREADABLE_FILE.at(file_start(name), message, help="copy the file into the project")
