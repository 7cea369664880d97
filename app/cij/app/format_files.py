"""Formats files. It loads no project and no compiler, so that `cij fmt` starts quickly."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from cij.app.atomic_write import write_atomically
from cij.app.journey_file import SUFFIX, read_file
from cij.app.project_files import FILE_NAME
from cij.grammar.diagnostic import Diagnostic
from cij.grammar.format import format_text
from cij.runtime.errors import ConfigError


class FormattedFile(NamedTuple):
    """A file with its text before and after.

    `diagnostics` are the reasons why it was not formatted.
    """

    name: str
    old: str
    new: str
    diagnostics: Sequence[Diagnostic] = ()

    @property
    def is_changed(self) -> bool:
        return self.old != self.new


def formatted_files(paths: Iterable[str]) -> list[FormattedFile]:
    """Return all files at `paths` and below folders among them, formatted. Nothing is written.

    Raises: ConfigError for a path that does not exist.
    """
    files = dict.fromkeys(file for path in paths for file in _files(Path(path)))
    return [_of_file(file) for file in files]


def write_formatted(file: FormattedFile) -> None:
    """Write a formatted file atomically. Raises: ConfigError."""
    path = Path(file.name)
    write_atomically(path, file.new, _project_of(path))


def _project_of(file: Path) -> Path | None:
    """Return the folder of the project of a file; None where it is in none."""
    folders = file.absolute().parents
    return next((folder for folder in folders if (folder / FILE_NAME).is_file()), None)


def _files(path: Path) -> Iterator[Path]:
    """Yield a file itself, or the .journey files below a folder, without hidden folders and
    links."""
    if not path.exists():
        raise ConfigError(f"there is no file or folder {path}")
    if not path.is_dir():
        yield path
        return
    for folder, inner, files in os.walk(path):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in sorted(files):
            if name.endswith(SUFFIX) and not name.startswith("."):
                yield Path(folder, name)


def _of_file(file: Path) -> FormattedFile:
    name = file.as_posix()
    text = read_file(file, name)
    if isinstance(text, Diagnostic):
        return FormattedFile(name, "", "", [text])
    return formatted_text(name, text)


def formatted_text(name: str, text: str) -> FormattedFile:
    """Return a formatted text; with a syntax error, the unchanged text and the error."""
    done = format_text(name, text)
    return FormattedFile(name, text, done.text, [d for d in done.diagnostics if d.is_error])
