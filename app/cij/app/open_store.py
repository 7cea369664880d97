"""Opens the store of a project. It is the only module that makes engines for a state file."""

import os
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from cij.app.project import Project
from cij.app.store_table import StoreTable
from cij.runtime.current_state import fault_of_new
from cij.runtime.delivery.ledger import Ledger
from cij.runtime.engine import (
    Engine,
    open_copy as open_store_copy,
    open_engine,
    open_server,
    rewrite_state_file,
)
from cij.runtime.errors import ConfigError, StoreLocked
from cij.runtime.private_files import private_files, private_folder, require_inside
from cij.runtime.state_folder import state_folder
from cij.runtime.store import meta
from cij.runtime.store.copy_store import copy_tables


def store_path(project: Project) -> Path:
    """Return the path of the state file. Raises: ConfigError where it is outside of the project.

    Where the store is on a server, it is the name of what is beside a state file: the ledger.
    """
    if project.settings.store.is_shared:
        return (project.root / state_folder() / f"store-{project.settings.store.schema_}").resolve()
    path = (project.root / project.settings.store.path).resolve()
    # A project from elsewhere must not overwrite files outside of its folder.
    if not path.is_relative_to(project.root):
        raise ConfigError("cij.toml: `store.path` leads out of the project folder")
    return path


def has_store(project: Project) -> bool:
    """Tell whether the project has a store, so that something has run. Raises: as `open_store`."""
    if not project.settings.store.is_shared:
        return store_path(project).is_file()
    with closing(_reader(project)) as engine:
        return bool(engine.columns_of("meta"))


def _reader(project: Project) -> Engine:
    return open_shared(project.settings.store, "reader", is_reader=True)


def open_shared(store: StoreTable, purpose: str, *, is_reader: bool = False) -> Engine:
    """Open a store on a server; `purpose` is as in `open_server`. Raises: as `open_server`."""
    assert store.dsn is not None, "the settings were checked"
    return open_server(store.dsn, store.schema_, purpose, is_reader=is_reader)


def ledger_of(project: Project) -> Ledger:
    """Return the ledger beside the state file: what was sent from it."""
    path = store_path(project)
    return Ledger(path.with_name(f"{path.name}.ledger"))


def other_ledgers(project: Project) -> list[Ledger]:
    """Return the ledgers of the project's other stores in the same environment.

    `cij store copy` moves a project from one kind of store to the other, and cij.toml may name another
    schema.
    """
    found = sorted((project.root / state_folder()).resolve().glob("store-*.ledger"))
    if project.settings.store.is_shared:
        file = (project.root / project.settings.store.path).resolve()
        found.append(file.with_name(f"{file.name}.ledger"))
    own = ledger_of(project).path
    return [Ledger(path) for path in found if path != own]


def sent_elsewhere(project: Project) -> str | None:
    """Return why a run must not begin a new store: the project has sent from another one. None where it may."""
    faults = (fault_of_new(other) for other in other_ledgers(project))
    return next((fault for fault in faults if fault is not None), None)


def nothing_yet(project: Project) -> ConfigError:
    """Return the error of a question to a store on which nothing has run."""
    return ConfigError(sent_elsewhere(project) or "nothing has run here yet; start with `cij run`")


def open_store(project: Project, wait: Callable[[str], bool] | None = None) -> Engine:
    """Open the state file and make its folder. `wait` is of a store on a server, as in `open_server`.

    Raises: StoreLocked where another program has it open; StoreError; ConfigError.
    """
    path = store_path(project)
    if path.parent == project.root:
        require_inside(project.root, path)
    else:
        private_folder(project.root, path.parent.relative_to(project.root))
    store = project.settings.store
    if store.dsn is not None:
        return open_server(store.dsn, store.schema_, "writer", wait=wait)
    with private_files():
        return open_state_file(path, threads=store.threads, memory_mb=store.memory_mb)


def open_for_questions(
    project: Project,
    on_wait: Callable[[str], None] = lambda text: None,
    patience_s: float = 5.0,
) -> Engine:
    """Open the state for questions. Who may only read it works on a copy in memory.

    On a server it is open beside a run, as it was after the last transaction. Raises: as `open_store`.
    """
    if project.settings.store.is_shared:
        return _reader(project)
    path = store_path(project)
    if _may_write(path):
        return open_when_free(project, patience_s, on_wait)
    return open_store_copy(path)


def _may_write(path: Path) -> bool:
    # DuckDB writes its log beside the file.
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def open_state_file(
    path: Path,
    *,
    threads: int | None = None,
    memory_mb: int | None = None,
    is_reader: bool = False,
) -> Engine:
    """Open a state file. None sets no limit; `is_reader` is as in `open_engine`.

    Raises: StoreError, StoreLocked.
    """
    return open_engine(path, threads=threads, memory_mb=memory_mb, is_reader=is_reader)


# Other commands have the store open only for a short time, so waiting usually helps.
PATIENCE_S = 5.0
_TELL_AFTER_S, _AGAIN_S = 1.0, 0.05


def open_when_free(
    project: Project,
    patience_s: float = PATIENCE_S,
    on_wait: Callable[[str], None] = lambda text: None,
) -> Engine:
    """Open the state file, and wait for another program that has it open. Raises: as `open_store`.

    `on_wait` is called with one sentence when the wait is long enough to be noticed.
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


def rewritten(project: Project, engine: Engine) -> Engine:
    """Write the state file anew where something in it must not stay, and return an engine for it."""
    if engine.traits.is_shared:
        # The server frees the space of deleted rows, see docs/postgresql.md.
        return engine
    if not engine.columns_of("meta") or meta.value(engine, meta.REWRITE) != "yes":
        return engine
    engine.close()
    with private_files():
        rewrite_state_file(store_path(project))
    engine = open_store(project)
    meta.put(engine, meta.REWRITE, "no")
    return engine


def open_scratch() -> Engine:
    """Return an engine in memory, for questions that need no state."""
    return open_engine(None)


def open_copy(project: Project) -> Engine:
    """Return an engine in memory with a copy of the state.

    It is empty where nothing has run yet.
    """
    if project.settings.store.is_shared:
        with closing(_reader(project)) as engine:
            return in_memory_copy(engine)
    path = store_path(project)
    return open_store_copy(path) if path.is_file() else open_engine(None)


def in_memory_copy(engine: Engine) -> Engine:
    """Return a store in memory with all tables of another; an empty one where nothing has run."""
    # Several threads would insert the moves of a passage in another order than they were made in.
    copy = open_engine(None, threads=1)
    if engine.columns_of("meta"):
        copy_tables(engine, copy)
    return copy
