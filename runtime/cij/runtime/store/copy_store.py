"""A whole store into an empty one of any engine, table by table."""

from collections.abc import Callable, Mapping, Set as AbstractSet
from dataclasses import dataclass

from cij.compiler.sql import Statement, query
from cij.compiler.sql.columns import column, create, select
from cij.compiler.sql.indexes import is_ordered
from cij.compiler.sql.row_locator import HINTS, ID_HASH, NOTE_ROWS, SET_ID_HASHES
from cij.runtime.engine import Engine, StreamDigests, open_digests
from cij.runtime.errors import StoreError
from cij.runtime.store.preparing import prepare

# Called with the name of a table, its place and the number of tables.
OnTable = Callable[[str, int, int], None]
_ALL: AbstractSet[str] = frozenset()
# The types that every engine has under the same name, beside decimals.
_COMMON = frozenset(
    {"VARCHAR", "BIGINT", "INTEGER", "BOOLEAN", "DATE", "TIMESTAMP", "TIME", "DOUBLE"}
)


@dataclass(frozen=True, slots=True)
class CopiedTable:
    """A table that is the same in two stores. `digest` is of all rows, without hints of an engine."""

    name: str
    rows: int
    digest: str


def copy_tables(source: Engine, target: Engine) -> dict[str, int]:
    """Copy all tables into an empty store, and return the number of rows of each.

    Raises: StoreError.
    """
    copied = {}
    with target.transaction():
        prepare(target)
        for table in source.tables():
            copied[table] = _copy_table(source, target, table, _ALL)
    return copied


def copy_verified(
    source: Engine, target: Engine, on_table: OnTable, before_commit: Callable[[], None]
) -> list[CopiedTable]:
    """Copy all tables into an empty store in one transaction, and compare them before its end.

    Hints of the source lead to no row of the target, so the target gets its own. Raises: StoreError
    where a table of the target differs; then nothing of the copy stays.
    """
    tables = source.tables()
    with source.transaction(), target.transaction():
        prepare(target)
        for n, table in enumerate(tables, start=1):
            on_table(table, n, len(tables))
            if source.traits != target.traits and not target.columns_of(table):
                _require_common(table, source.columns_of(table))
            _copy_table(source, target, table, HINTS)
        if ID_HASH in target.columns_of("customer"):
            target.execute(SET_ID_HASHES)
        found = _compared(source, target, tables)
        before_commit()
    if target.traits.has_row_ids and target.columns_of("customer"):
        # Only now: rows of a transaction that goes on have no place yet.
        target.execute(NOTE_ROWS)
    return found


def _require_common(table: str, types: Mapping[str, str]) -> None:
    """Refuse a table that only one engine can have: somebody else put it there. Raises: StoreError."""
    for name, type in types.items():
        if type not in _COMMON and not type.startswith("DECIMAL("):
            raise StoreError(
                f"the column `{name}` of the table `{table}` has the type {type}, which no table of cij has "
                "in both kinds of store. Move the table elsewhere, if it is not of cij"
            )


def _copy_table(source: Engine, target: Engine, table: str, without: AbstractSet[str]) -> int:
    types, there = source.columns_of(table), target.columns_of(table)
    if there:
        # What preparing has written is in the source too.
        target.execute(query("DELETE FROM {t}", t=table))
    else:
        target.execute(create(table, [*types.items()]))
    if source.is_empty(table):
        return 0
    return target.append(table, source.stream(all_rows(source, table, without)))


def _compared(source: Engine, target: Engine, tables: list[str]) -> list[CopiedTable]:
    found = []
    # Opening it takes longer than the digest of a small table.
    with open_digests() as digests:
        for table in tables:
            copied, original = (_digest(digests, each, table) for each in (target, source))
            if copied != original:
                raise StoreError(
                    f"the copy of the table `{table}` differs: {copied.rows} rows with the digest "
                    f"{copied.digest}, and {original.rows} with {original.digest} in the source. Nothing "
                    "of the copy was kept"
                )
            found.append(original)
    return found


def _digest(digests: StreamDigests, engine: Engine, table: str) -> CopiedTable:
    columns = [name for name in engine.columns_of(table) if name not in HINTS]
    if engine.is_empty(table):
        return CopiedTable(table, 0, "0" * 16)
    stream = engine.stream(all_rows(engine, table, HINTS))
    # Not in the order of the columns, which is that of the migrations of a store.
    found = digests.digest(stream, sorted(columns), is_ordered=is_ordered(table))
    return CopiedTable(table, *found)


def all_rows(engine: Engine, table: str, without: AbstractSet[str] = _ALL) -> Statement:
    """Return the query for all rows of a table, with its columns by name, but those in `without`.

    Order: that of writing, for tables that statements read in it.
    """
    columns = [column("t", name) for name in engine.columns_of(table) if name not in without]
    order = " ORDER BY t.rowid" if is_ordered(table) else ""
    return Statement(select(columns, f"SELECT 1 FROM {{t}} AS t{order}", t=table))
