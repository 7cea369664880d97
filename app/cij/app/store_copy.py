"""`cij store copy`: the whole store of a project into an empty one, of the same or of the other kind.

    lock the source → refuse what must not be copied → copy and compare, one transaction → the ledger → commit

The source is only read. The ledger says what was sent from a store, so it goes with the store. It is in its
place before the copy is: a copy without its ledger could be run as if nothing had been sent.
"""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cij.app.open_store import open_shared, open_state_file
from cij.app.store_places import Place, place_of
from cij.runtime.current_state import require_own
from cij.runtime.delivery.ledger import Ledger
from cij.runtime.engine import Engine
from cij.runtime.errors import ConfigError, StoreError
from cij.runtime.private_files import private_files, private_folder, require_inside
from cij.runtime.store import meta
from cij.runtime.store.copy_store import CopiedTable, OnTable, copy_verified
from cij.runtime.store.preparing import STORE_VERSION, unusable

_NAMED = 3
# The server shows it as the purpose of the session. A refused run says it too.
_PURPOSE = "store copy"


@dataclass(frozen=True, slots=True)
class StoreCopy:
    """A copy that was made: from where, to where, and each table with its rows and digest."""

    source: Place
    target: Place
    tables: tuple[CopiedTable, ...]

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)


def copy_store(path: Path, source: str, target: str, on_table: OnTable) -> StoreCopy:
    """Copy the store that the word `source` names into that of `target`, which has to be empty.

    Raises: RequestError for a word; ConfigError; StoreLocked while a run has one of the stores;
    StoreError for a source that must not be copied, a target that is not empty, a copy that differs.
    """
    here, there = place_of(source, path), place_of(target, path)
    if here.store_key == there.store_key:
        raise ConfigError(f"`{source}` and `{target}` are the same store: {here}")
    with ExitStack() as stack:
        stack.enter_context(private_files())
        engine = stack.enter_context(_source(here))
        _require_copyable(engine, here, there)
        opened = stack.enter_context(_target(there))
        tables = _copied(engine, opened, here, there, on_table)
    return StoreCopy(here, there, tuple(tables))


def _copied(
    source: Engine, target: Engine, here: Place, there: Place, on_table: OnTable
) -> list[CopiedTable]:
    from_ledger, to_ledger = here.ledger(), there.ledger()
    _require_older(to_ledger, source, there)
    is_new = to_ledger.last() is None
    try:
        return copy_verified(source, target, on_table, lambda: from_ledger.copy_to(to_ledger))
    except BaseException:
        if is_new:
            to_ledger.remove()
        raise


# --- the source -------------------------------------------------------------------------------


@contextmanager
def _source(place: Place) -> Iterator[Engine]:
    """Open a store to read it, so that nobody can write to it meanwhile."""
    nothing = ConfigError(f"there is nothing to copy: nothing has run in {place}")
    if not place.store.is_shared:
        if not place.path.is_file():
            raise nothing
        with closing(open_state_file(place.path, is_reader=True)) as engine:
            yield engine
        return
    # A writer would make the schema.
    with closing(open_shared(place.store, _PURPOSE, is_reader=True)) as reader:
        if not reader.tables():
            raise nothing
    with closing(open_shared(place.store, _PURPOSE)) as engine:
        yield engine


def _require_copyable(engine: Engine, here: Place, there: Place) -> None:
    """Refuse a source that is no store of the project, is not its newest, or is of an older version."""
    require_own(engine, here.project.settings.project.name, here.ledger())
    if (why := unusable(engine)) is not None:
        raise StoreError(why)
    version = meta.value(engine, meta.STORE_VERSION)
    if version != STORE_VERSION:
        raise StoreError(
            f"{here} is of version {version}, and a copy is of version {STORE_VERSION}; "
            "`cij run --once` brings it up to date"
        )
    if here.folder != there.folder and any((here.folder / "inbox").glob("*.jsonl")):
        raise StoreError(
            f"events or orders wait in {here.folder / 'inbox'}, and the copy is of another environment; "
            "`cij run --once` takes them in"
        )


# --- the target -------------------------------------------------------------------------------


@contextmanager
def _target(place: Place) -> Iterator[Engine]:
    """Open an empty store. A state file gets its name at the end, when all of it is there."""
    if place.store.is_shared:
        with closing(open_shared(place.store, _PURPOSE)) as engine:
            _require_empty(engine, place)
            _make_folder(place)
            yield engine
        return
    path = place.path
    if path.exists():
        with closing(open_state_file(path, is_reader=True)) as engine:
            _require_empty(engine, place)
    log = path.with_name(f"{path.name}.wal")
    if log.exists():
        # The engine would take it for the log of the copy.
        raise StoreError(f"the log of another state file is there: {log}; move it away")
    _make_folder(place)
    draft = path.with_name(f"{path.name}.copying")
    _drop(draft)
    try:
        # Several threads would insert the moves of a passage in another order than they were made in.
        engine = open_state_file(draft, threads=1, memory_mb=place.store.memory_mb)
        with closing(engine):
            yield engine
            engine.maintain(is_thorough=True)
        draft.replace(path)
    finally:
        _drop(draft)


def _drop(draft: Path) -> None:
    for left in (draft, draft.with_name(f"{draft.name}.wal")):
        left.unlink(missing_ok=True)


def _make_folder(place: Place) -> None:
    root, folder = place.project.root, place.path.parent
    if folder == root:
        require_inside(root, place.path)
    else:
        private_folder(root, folder.relative_to(root))


def _require_empty(engine: Engine, place: Place) -> None:
    tables = engine.tables()
    if not tables:
        return
    owner = meta.value(engine, meta.PROJECT) if "meta" in tables else None
    whose = f"the store of the project `{owner}`, with " if owner else ""
    more = ", …" if len(tables) > _NAMED else ""
    names = ", ".join(f"`{table}`" for table in tables[:_NAMED])
    raise StoreError(
        f"{place} is not empty: it has {whose}{len(tables)} tables ({names}{more}). A copy is only made "
        f"into an empty store. {place.way_to_empty}"
    )


def _require_older(ledger: Ledger, source: Engine, place: Place) -> None:
    """Refuse a target from which messages were sent that the source does not know."""
    last = ledger.last()
    if last is None:
        return
    handed = int(meta.value(source, meta.HANDED) or 0)
    if last.store != meta.value(source, meta.STORE_ID):
        raise StoreError(
            f"messages were sent from another store in {place}, the last ones at {last.at}Z; the copy "
            f"would not know of them. The ledger is {ledger.path}"
        )
    if last.handed > handed:
        raise StoreError(
            f"more was sent from {place} than the source knows: {last.handed} batches of messages, the "
            f"last one at {last.at}Z, and the source knows {handed}. The copy would send them again"
        )
