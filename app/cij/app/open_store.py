"""The store of a project: where it is, and who opens it. The one place that makes engines."""

import time
from collections.abc import Callable
from pathlib import Path

from cij.app.project import Project
from cij.runtime.engine import Engine, open_copy as open_store_copy, open_engine
from cij.runtime.errors import ConfigError, StoreLocked


def store_path(project: Project) -> Path:
    """Return the path of the state file, inside the project folder."""
    path = (project.root / project.settings.store.path).resolve()
    if not path.is_relative_to(project.root):
        raise ConfigError("cij.toml: `store.path` leads out of the project folder")
    return path


def open_store(project: Project) -> Engine:
    """Open the state file, making its folder. Raises: StoreError when another program has it."""
    path = store_path(project)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot make the folder {path.parent}: {error.strerror}") from error
    store = project.settings.store
    return open_state_file(path, threads=store.threads, memory_mb=store.memory_mb)


def open_state_file(
    path: Path, *, threads: int | None = None, memory_mb: int | None = None
) -> Engine:
    """Open a state file; None takes what the machine has. Raises: StoreError, StoreLocked."""
    return open_engine(path, threads=threads, memory_mb=memory_mb)


# A command that looks at the state has it for a moment.
PATIENCE_S = 5.0
_TELL_AFTER_S, _AGAIN_S = 1.0, 0.05


def open_when_free(
    project: Project,
    patience_s: float = PATIENCE_S,
    on_wait: Callable[[str], None] = lambda text: None,
) -> Engine:
    """Open the state file, and wait a little for a command that has it. Raises: as `open_store`.

    `on_wait` gets one sentence when the wait becomes long enough to be noticed.
    """
    start, is_told = time.monotonic(), False
    while True:
        try:
            return open_store(project)
        except StoreLocked:
            waited_s = time.monotonic() - start
            if waited_s >= patience_s:
                raise
            if waited_s >= _TELL_AFTER_S and not is_told:
                on_wait(f"waiting for {store_path(project).name}: another program has it open")
                is_told = True
            time.sleep(_AGAIN_S)


def open_copy(project: Project) -> Engine:
    """Return an engine in memory that holds a copy of the state, or nothing if there is none."""
    path = store_path(project)
    return open_store_copy(path) if path.is_file() else open_engine(None)
