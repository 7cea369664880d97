"""How a table is declared, and the statement that makes it."""

from dataclasses import dataclass

from sqlglot import exp

from cij.compiler.sql.columns import create, stored_plainly
from cij.compiler.sql.template import Statement


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose columns are the same for every program.

    Attributes:
        columns: (name, SQL type), in order.
        key: the columns that no two rows share; empty where rows may be equal.
        plain: texts that are kept as they are written. Where nearly every value is another, trying to
            compress them takes an insert most of its time.
        known: columns that are never null.
        is_scratch: whether it belongs to a connection and ends with it.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    is_scratch: bool = False

    @property
    def ddl(self) -> Statement:
        """The statement that makes it, empty, unless it is there."""
        tree = stored_plainly(create(self.name, self.columns), *self.plain).tree.copy()
        for definition in tree.find_all(exp.ColumnDef):
            if definition.name in self.known:
                constraint = exp.ColumnConstraint(kind=exp.NotNullColumnConstraint())
                definition.append("constraints", constraint)
        if self.is_scratch:
            tree.set("properties", exp.Properties(expressions=[exp.TemporaryProperty()]))
        return Statement(tree)
