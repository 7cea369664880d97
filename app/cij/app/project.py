"""A project on disk, with its settings."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cij.app.config import Settings, load_settings
from cij.app.project_files import FILE_NAME, find_root, read_contents, read_sources
from cij.grammar.diagnostic import Diagnostic


@dataclass(frozen=True)
class Project:
    """The text of a project. `sources` has the files that could be read, `diagnostics` why
    the others could not; files are named by their path from `root`, with forward slashes."""

    root: Path
    settings: Settings
    sources: dict[str, str]
    diagnostics: tuple[Diagnostic, ...]

    def read_content(self, paths: Iterable[str]) -> dict[str, str]:
        """Return the text of the files that messages name; see `read_contents`."""
        return read_contents(self.root, paths)


def open_project(path: Path) -> Project:
    """Read the project that `path`, a folder or file, belongs to. Raises: ConfigError."""
    root = find_root(path)
    return Project(root, load_settings(root / FILE_NAME), *read_sources(root))
