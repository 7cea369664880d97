"""The declaration of a table, and the statement that makes it."""

from dataclasses import dataclass
from functools import lru_cache

from sqlglot import exp

from cij.compiler.sql.columns import create, stored_plainly
from cij.compiler.sql.template import Statement


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose columns are the same for every program.

    Attributes:
        columns: (name, SQL type), in order.
        key: the columns that identify a row; empty where rows may be equal.
        plain: texts that are stored uncompressed. Where nearly all values differ, compression saves
            nothing and takes most of the time of an insert.
        known: columns that are never null.
        is_scratch: whether the table belongs to a connection and is dropped with it.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    is_scratch: bool = False

    @property
    def ddl(self) -> Statement:
        """The statement that makes an empty table unless it exists."""
        return _ddl(self)


# A store is prepared at the start of each command, and its tables are always the same.
@lru_cache(maxsize=512)
def _ddl(table: Table) -> Statement:
    tree = stored_plainly(create(table.name, table.columns), *table.plain).tree.copy()
    for definition in tree.find_all(exp.ColumnDef):
        if definition.name in table.known:
            constraint = exp.ColumnConstraint(kind=exp.NotNullColumnConstraint())
            definition.append("constraints", constraint)
    if table.is_scratch:
        tree.set("properties", exp.Properties(expressions=[exp.TemporaryProperty()]))
    return Statement(tree)
