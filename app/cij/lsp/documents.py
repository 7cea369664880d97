"""The documents that the editor has open, project by project."""

from collections.abc import Iterator
from pathlib import Path
from threading import Lock

from pygls import uris

from cij.app.open_texts import OpenTexts, View
from cij.app.project_files import FILE_NAME


def uri_of(path: Path) -> str:
    found: str | None = uris.from_fs_path(str(path))
    assert found is not None, "a path of the project is absolute"
    return found


def path_of(uri: str) -> Path | None:
    """Return the path of a document; None for one that is in no file."""
    found = uris.to_fs_path(uri)
    return Path(found).resolve() if found and uri.startswith("file:") else None


class Documents:
    """Which texts are open. Requests come from several threads, so a lock guards all of it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._projects: dict[Path, OpenTexts] = {}

    def put(self, path: Path, text: str | None) -> None:
        """Note the text of a document; None when it was closed."""
        with self._lock:
            project = self._project(path)
            if project is None:
                return
            name = path.relative_to(project.root).as_posix()
            if text is None:
                project.by_name.pop(name, None)
            else:
                # The compiler counts lines by line feeds alone.
                project.by_name[name] = text.replace("\r\n", "\n").removeprefix("\ufeff")

    def view(self, path: Path) -> View | None:
        """Return the project of a file; None for a file in no project. Raises: ConfigError."""
        with self._lock:
            project = self._project(path)
            return project.view() if project is not None else None

    def open_files(self, root: Path) -> Iterator[Path]:
        """Yield the open files of a project."""
        with self._lock:
            project = self._projects.get(root)
            names = list(project.by_name) if project is not None else []
        yield from (root / name for name in names)

    def _project(self, path: Path) -> OpenTexts | None:
        root = next((f for f in path.parents if (f / FILE_NAME).is_file()), None)
        if root is None:
            return None
        return self._projects.setdefault(root, OpenTexts(root))
