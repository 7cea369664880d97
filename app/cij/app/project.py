"""A project on disk, with its settings."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cij.app.config import Settings, load_settings
from cij.app.project_files import FILE_NAME, find_root, read_contents, read_sources
from cij.grammar.diagnostic import Diagnostic


@dataclass(frozen=True)
class Project:
    """The texts and settings of a project.

    `sources` has the files that could be read, and `diagnostics` the reasons why others could not.
    The name of a file is its path from `root`, with forward slashes.
    """

    root: Path
    settings: Settings
    sources: dict[str, str]
    diagnostics: tuple[Diagnostic, ...]

    def read_content(self, paths: Iterable[str]) -> dict[str, str]:
        """Return the texts of the files that messages name; see `read_contents`."""
        return read_contents(self.root, paths)


def open_project(path: Path) -> Project:
    """Read the project to which `path`, a folder or file, belongs. Raises: ConfigError."""
    root = find_root(path)
    return Project(root, load_settings(root / FILE_NAME), *read_sources(root))
