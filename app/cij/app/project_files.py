"""The files of a project: the folder with `cij.toml`, and all `.journey` files below it.

Light, for a check that was made before reads nothing else.
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
    """Return the nearest folder at or above `path` that holds `cij.toml`. Raises: ConfigError."""
    if not path.exists():
        raise ConfigError(f"there is no file or folder {path}")
    start = path.resolve()
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file():
            return folder
    raise ConfigError(f"no {FILE_NAME} in {path} or above it; `cij new DIR` makes a project")


def read_sources(root: Path) -> tuple[dict[str, str], tuple[Diagnostic, ...]]:
    """Return the `.journey` files by name, and why others could not be read.

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
    """Return the text of the files that messages name, by the path as it is written there.

    A path counts from the project folder and stays inside it. What cannot be read is left
    out: the compiler reports it at the place that names it.
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
        # A name that no file can have: too long, or with a NUL.
        return None
    return text if isinstance(text, str) else None


def _journey_files(root: Path, folder: Path, seen: set[Path]) -> Iterator[Path]:
    """Yield the files below `folder`, each folder once, however links lead to it.

    Left out are folders whose name starts with a dot, other projects, and links out of `root`.
    """
    seen.add(folder.resolve())
    for entry in _entries(folder):
        if entry.is_dir():
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
        # A link to itself leads nowhere; reading it says so.
        return True


def _outside(name: str) -> Diagnostic:
    message = "the link leads out of the project folder"
    return UNREADABLE_FILE.at(file_start(name), message, help="copy the file into the project")
