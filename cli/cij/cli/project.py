"""A project on disk: the folder with `cij.toml`, and all `.journey` files below it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cij.cli.reading import SUFFIX, read_file
from cij.cli.settings import FILE_NAME, Settings, load_settings
from cij.grammar.codes import UNREADABLE_FILE
from cij.grammar.diagnostic import Diagnostic
from cij.grammar.span import file_start
from cij.runtime.errors import ConfigError, DataError


@dataclass(frozen=True)
class Project:
    """The text of a project. `sources` has the files that could be read, `diagnostics` why
    the others could not; files are named by their path from `root`, with forward slashes."""

    root: Path
    settings: Settings
    sources: dict[str, str]
    diagnostics: tuple[Diagnostic, ...]

    def read_content(self, paths: Iterable[str]) -> dict[str, str]:
        """Return the text of the files that messages name, by the path as it is written there.

        A path counts from the project folder and stays inside it. What cannot be read is left
        out: the compiler reports it at the place that names it.
        """
        found = ((path, self._content(path)) for path in paths)
        return {path: text for path, text in found if text is not None}

    def _content(self, path: str) -> str | None:
        file = self.root / path
        if not file.is_file() or not _is_inside(self.root, file):
            return None
        text = read_file(file, path)
        return text if isinstance(text, str) else None


def open_project(path: Path) -> Project:
    """Read the project that `path`, a folder or file, belongs to. Raises: ConfigError."""
    root = find_root(path)
    settings = load_settings(root / FILE_NAME)
    sources: dict[str, str] = {}
    diagnostics: list[Diagnostic] = []
    for file in sorted(_journey_files(root, root, set())):
        name = file.relative_to(root).as_posix()
        text = read_file(file, name) if _is_inside(root, file) else _outside(name)
        if isinstance(text, str):
            sources[name] = text
        else:
            diagnostics.append(text)
    return Project(root, settings, sources, tuple(diagnostics))


def find_root(path: Path) -> Path:
    """Return the nearest folder at or above `path` that holds `cij.toml`. Raises: ConfigError."""
    if not path.exists():
        raise ConfigError(f"there is no file or folder {path}")
    start = path.resolve()
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file():
            return folder
    raise ConfigError(f"no {FILE_NAME} in {path} or above it; `cij new DIR` makes a project")


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
    return path.resolve().is_relative_to(root)


def _outside(name: str) -> Diagnostic:
    message = "the link leads out of the project folder"
    return UNREADABLE_FILE.at(file_start(name), message, help="copy the file into the project")
