"""A whole store into an empty one of any engine, table by table."""

from cij.compiler.sql import Statement, query
from cij.compiler.sql.columns import column, create, select
from cij.compiler.sql.indexes import is_ordered
from cij.runtime.engine import Engine
from cij.runtime.store.preparing import prepare


def copy_tables(source: Engine, target: Engine) -> dict[str, int]:
    """Copy all tables into an empty store, and return the number of rows of each.

    Raises: StoreError.
    """
    copied = {}
    with target.transaction():
        prepare(target)
        for table in source.tables():
            copied[table] = _copy_table(source, target, table)
    return copied


def _copy_table(source: Engine, target: Engine, table: str) -> int:
    types, there = source.columns_of(table), target.columns_of(table)
    if there:
        # What preparing has written is in the source too.
        target.execute(query("DELETE FROM {t}", t=table))
    else:
        target.execute(create(table, [*types.items()]))
    return target.append(table, source.stream(all_rows(source, table)))


def all_rows(engine: Engine, table: str) -> Statement:
    """Return the query for all rows of a table, with its columns by name.

    Order: that of writing, for tables that statements read in it.
    """
    columns = [column("t", name) for name in engine.columns_of(table)]
    order = " ORDER BY t.rowid" if is_ordered(table) else ""
    return Statement(select(columns, f"SELECT 1 FROM {{t}} AS t{order}", t=table))
