"""Backups of the state, and putting one back."""

from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cij.app.compile import compiled
from cij.app.open_store import ledger_of, open_state_file, open_store, store_path
from cij.app.project import Project, open_project
from cij.runtime import forgotten
from cij.runtime.clock import LiveClock
from cij.runtime.current_state import accept, owner_fault
from cij.runtime.deploy import prepare as prepare_all
from cij.runtime.engine import Engine, copy_state_file, rewrite_state_file
from cij.runtime.errors import ConfigError, StoreError, StoreLocked
from cij.runtime.forgetting.erase import erase_marked
from cij.runtime.insight.person import deployed
from cij.runtime.private_files import private_files
from cij.runtime.state_folder import state_folder
from cij.runtime.store import forgotten as stored, meta, prepare

_FOLDER = "backup"


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was made."""

    path: Path
    bytes: int


@dataclass(frozen=True, slots=True)
class Restored:
    """What putting a backup back did. `sent` messages were sent since it was made.

    `before` is the path of the old state; None where there was none. `forgotten` people are in the backup, and
    were erased from it.
    """

    sent: int
    before: Path | None
    forgotten: int = 0


def backup_folder() -> Path:
    """Return the folder of backups, as a path from the project folder."""
    return state_folder() / _FOLDER


def back_up(path: Path, target: Path | None) -> Backup:
    """Copy the state of a project, also while it runs.

    Raises: ConfigError where nothing has run yet or the target exists; StoreError.
    """
    project = open_project(path)
    _require_file(project)
    state = store_path(project)
    if not state.is_file():
        raise ConfigError("nothing has run here yet; start with `cij run`")
    file = target or project.root / backup_folder() / f"{_stamp(LiveClock().now())}.duckdb"
    if file.exists():
        raise ConfigError(f"{file} exists already; a backup is never written over another file")
    try:
        with private_files():
            file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot make the folder {file.parent}: {error.strerror}") from error
    copy_state_file(state, file)
    return Backup(file, file.stat().st_size)


def restore(path: Path, backup: Path) -> Restored:
    """Put a backup in the place of the state. What was sent since then is not sent again.

    Raises: ConfigError; StoreLocked while the project runs; StoreError where the backup cannot be used.
    """
    project, program = compiled(path)
    _require_file(project)
    if not backup.is_file():
        raise ConfigError(f"there is no file {backup}")
    state = store_path(project)
    draft = state.with_name(f"{state.name}.restoring")
    draft.unlink(missing_ok=True)
    copy_state_file(backup, draft)
    try:
        _require_own(draft, program.project)
        marks = _marks(project)
        before = _move_away(project, state)
        draft.replace(state)
    finally:
        draft.unlink(missing_ok=True)
    ledger = ledger_of(project)
    with closing(open_store(project)) as engine, closing(ledger):
        prepare(engine)
        erased = _forget_again(engine, marks)
        sent = accept(engine, program.project, ledger, LiveClock().now())
    if erased:
        with private_files():
            rewrite_state_file(state)
    return Restored(sent, before, erased)


def _require_file(project: Project) -> None:
    """Refuse a store on a server, which has tools of its own for this. Raises: ConfigError."""
    if project.settings.store.is_shared:
        raise ConfigError(
            "the store is in PostgreSQL: back it up with `pg_dump` and put it back with `pg_restore`, see "
            "docs/postgresql.md; the next `cij run` notices a store that went back"
        )


def _marks(project: Project) -> tuple[str | None, list[str]]:
    """Return the key and the marks of people who were forgotten since the backup may have been made."""
    if not store_path(project).is_file():
        return None, []
    # A state that is damaged has nothing to say, and is what a backup is for.
    with suppress(StoreError), closing(open_store(project)) as engine:
        if engine.columns_of("forgotten"):
            marks = [mark for mark, _ in engine.rows(stored.ALL)]
            return meta.value(engine, stored.KEY), marks
    return None, []


def _forget_again(engine: Engine, found: tuple[str | None, list[str]]) -> int:
    """Erase the people from a backup whom the state before it has forgotten (S27)."""
    key, marks = found
    program, now = deployed(engine), LiveClock().now()
    if key is None or not marks or program is None:
        return 0
    prepare_all(engine, program)
    with engine.transaction():
        meta.put(engine, stored.KEY, key)
        forgotten.add(engine, marks, now)
        count = erase_marked(engine, program, now)
    engine.maintain(is_thorough=True)
    return count


def _require_own(backup: Path, project: str) -> None:
    with closing(open_state_file(backup)) as engine:
        fault = owner_fault(engine, project)
    if fault is not None:
        raise StoreError(f"this is no backup of the project: {fault}")


def _move_away(project: Project, state: Path) -> Path | None:
    """Keep the old state beside the new one. Its log is folded first, or goes with it."""
    if not state.exists():
        return None
    with suppress(StoreError):
        try:
            with closing(open_store(project)) as engine:
                engine.maintain(is_thorough=True)
        except StoreLocked as error:
            raise ConfigError(
                "a `cij run` has the state open; stop it before you put a backup back"
            ) from error
    kept = state.with_name(f"{state.name}.{_stamp(LiveClock().now())}.before-restore")
    log = state.with_name(f"{state.name}.wal")
    if log.exists():
        log.replace(kept.with_name(f"{kept.name}.wal"))
    return state.replace(kept)


def _stamp(now: datetime) -> str:
    return f"{now:%Y%m%d-%H%M%S-%f}"
