"""Files written the one way they are written. Light: needs no project and no compiler."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from cij.app.atomic_write import write_atomically
from cij.app.journey_file import SUFFIX, read_file
from cij.grammar.diagnostic import Diagnostic
from cij.grammar.format import format_text
from cij.runtime.errors import ConfigError


class FormattedFile(NamedTuple):
    """One file: its name as it is shown, its text before and after, and why it is left alone."""

    name: str
    old: str
    new: str
    diagnostics: Sequence[Diagnostic] = ()

    @property
    def is_changed(self) -> bool:
        return self.old != self.new


def formatted_files(paths: Iterable[str]) -> list[FormattedFile]:
    """Return each file formatted: files themselves, and all below folders. Nothing is written.

    Raises: ConfigError for a path that does not exist.
    """
    files = dict.fromkeys(file for path in paths for file in _files(Path(path)))
    return [_of_file(file) for file in files]


def write_formatted(file: FormattedFile) -> None:
    """Write a file whole or not at all. Raises: ConfigError."""
    write_atomically(Path(file.name), file.new)


def _files(path: Path) -> Iterator[Path]:
    """Yield a file itself, or the .journey files below a folder; no hidden folders, no links."""
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
    """Return a text formatted; with a syntax error, the text as it is and the error."""
    done = format_text(name, text)
    return FormattedFile(name, text, done.text, [d for d in done.diagnostics if d.is_error])
