"""Makes the tables of the store and upgrades older ones."""

from cij.compiler.sql import interning, query
from cij.runtime.engine import Engine
from cij.runtime.errors import StoreError
from cij.runtime.store import counters, meta, schema
from cij.runtime.store.interning import keep_names
from cij.runtime.store.migrations import NEWEST, OLDEST, bring_over
from cij.runtime.store.outcomes import OUTCOME
from cij.runtime.store.views import VIEWS

STORE_VERSION = str(NEWEST)
_READABLE = {str(version) for version in range(OLDEST, NEWEST + 1)}
# New outcomes are added to the enum without a migration.
_KNOW_OUTCOMES = query(f"ALTER TABLE outbox_row ALTER COLUMN outcome SET DATA TYPE {OUTCOME}")


def unusable(engine: Engine) -> str | None:
    """Return why this cij cannot read a store; None where it can, or where the store is new."""
    found = meta.value(engine, meta.STORE_VERSION) if engine.columns_of("meta") else None
    if found is None or found in _READABLE:
        return None
    return (
        f"the state is of version {found} and this cij reads version {STORE_VERSION}; "
        "use the cij that wrote it, or start with a new state file"
    )


def prepare(engine: Engine) -> None:
    """Make the tables that are missing and upgrade older ones, in one transaction.

    Raises: StoreError for a store of an unknown version.
    """
    with engine.transaction():
        engine.execute(schema.META.ddl)
        found = meta.value(engine, meta.STORE_VERSION)
        if (why := unusable(engine)) is not None:
            raise StoreError(why)
        if found is not None and found != STORE_VERSION:
            _bring_over(engine, int(found))
        for statement in schema.ddl():
            engine.execute(statement)
        if found != STORE_VERSION:
            meta.put(engine, meta.STORE_VERSION, STORE_VERSION)
        if engine.traits.has_enums and engine.columns_of("outbox_row")["outcome"] != OUTCOME:
            engine.execute(_KNOW_OUTCOMES)
        keep_names(engine, interning.GIVEN)
        counters.start(engine)


def _bring_over(engine: Engine, version: int) -> None:
    for view in VIEWS:
        # Views depend on the tables that migrations rewrite. In the oldest stores some of these
        # names are tables, which must not be dropped.
        if engine.columns_of(view.over):
            engine.execute(view.drop)
    bring_over(engine, version)
