"""Columns that the newest program does not have, through the making anew of their table (S31)."""

from collections.abc import Mapping

from sqlglot import exp

from cij.compiler.sql.columns import column, migrate, named, select
from cij.compiler.sql.making import make
from cij.compiler.sql.template import Statement, fill

_SAVED = "saved_columns"
CLEAR_SAVED = Statement(fill(f"DROP TABLE IF EXISTS {_SAVED}"))


def save(table: str, key: str, columns: Mapping[str, str]) -> Statement:
    """Return the statement that puts columns (name to type) of a table aside, by the key."""
    kept = [named(column("t", name), name) for name in (key, *columns)]
    return make(_SAVED, select(kept, "SELECT 1 FROM {t} AS t", t=table))


def bring_back(
    table: str, key: str, columns: Mapping[str, str], there: Mapping[str, str]
) -> list[Statement]:
    """Return what gives the rows of a table, which has the columns `there`, their last values again."""
    update = fill(
        "UPDATE {t} SET x = 1 FROM " + _SAVED + " AS s WHERE {a} = {b}",
        t=table,
        a=column(table, key),
        b=column("s", key),
    )
    changes = [
        exp.EQ(this=exp.column(exp.to_identifier(name, quoted=True)), expression=column("s", name))
        for name in columns
    ]
    update.set("expressions", changes)
    return [*migrate(table, list(columns.items()), there), Statement(update), CLEAR_SAVED]
