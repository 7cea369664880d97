"""Tables that are made from queries: scratch tables of the session, and tables of the store.

PostgreSQL has no `CREATE OR REPLACE TABLE`. A table that has the right columns already is emptied and
filled: new tables in each tick would bloat the catalogue of the server. A scratch table gets
statistics, since the planner takes a table without them for a large one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cij.compiler.sql import Making, Statement
from cij.runtime.engine.postgresql.values import bindable

Columns = tuple[tuple[str, int, int], ...]
_NEW = "new#"


@dataclass(frozen=True, slots=True)
class Rows:
    """A query with the values of its parameters."""

    text: str
    values: Sequence[object] = ()


@dataclass(slots=True)
class MadeTables:
    """The tables that this session has made, and the columns that each statement gives them.

    `_shapes` has the columns of the query of a statement, which only a change of the schema changes.
    """

    connection: Any
    scratch: dict[str, Columns] = field(default_factory=dict)
    _shapes: dict[str, Columns] = field(default_factory=dict)
    _before: dict[str, Columns] = field(default_factory=dict)

    def begin(self) -> None:
        """Keep what is there, since a transaction may be rolled back."""
        self._before = dict(self.scratch)

    def roll_back(self) -> None:
        """Forget the tables that the transaction has made."""
        self.scratch = self._before
        self.schema_changed()

    def schema_changed(self) -> None:
        """Forget the columns of queries."""
        self._shapes.clear()

    def empty(self, table: str, statement: Statement) -> None:
        """Make an empty scratch table that replaces an older one."""
        self.connection.execute(f"DROP TABLE IF EXISTS pg_temp.{quoted(table)}")
        self.connection.execute(statement.bound_text("postgres")[0])
        self.scratch[table] = ()

    def fill(self, statement: Statement, making: Making, values: Mapping[str, object]) -> int:
        """Make a table of a query in place of an older one, and return the number of its rows."""
        table, nulls = str(statement.writes), nulls_of(statement, values)
        rows = Rows(
            statement.query_text("postgres", nulls),
            named(values, statement.bound_text("postgres", nulls)[1]),
        )
        target = f"pg_temp.{quoted(table)}" if making.is_scratch else quoted(table)
        if making.is_scratch and table not in self.scratch:
            count = self._new(target, rows)
        elif self._has_shape(table, rows, making):
            count = self._refill(table, target, rows, making)
        else:
            count = self._replace(table, target, rows)
        if making.is_scratch:
            shape = self._columns(Rows(f"SELECT * FROM {target}"))
            self.scratch[table] = self._shapes[rows.text] = shape
            if count:
                self.connection.execute(f"ANALYZE {target}")
        return count

    def _new(self, target: str, rows: Rows) -> int:
        temp = "TEMP " if target.startswith("pg_temp.") else ""
        return self._run(f"CREATE {temp}TABLE {target} AS {rows.text}", rows)

    def _replace(self, table: str, target: str, rows: Rows) -> int:
        # The query may read the table that it replaces.
        draft = target.replace(quoted(table), quoted(_NEW + table))
        count = self._new(draft, rows)
        self.connection.execute(f"DROP TABLE IF EXISTS {target}")
        self.connection.execute(f"ALTER TABLE {draft} RENAME TO {quoted(table)}")
        return count

    def _refill(self, table: str, target: str, rows: Rows, making: Making) -> int:
        reads_itself = table in (making.reads or ())
        draft = f"pg_temp.{quoted(_NEW + table)}"
        if reads_itself:
            self._new(draft, rows)
            rows = Rows(f"SELECT * FROM {draft}")
        names = ", ".join(quoted(name) for name, *_ in self._columns(rows))
        # Rows of the store are deleted, since a reader beside would see a truncated table as empty.
        clear = f"TRUNCATE {target}" if making.is_scratch else f"DELETE FROM {target}"
        self.connection.execute(clear)
        count = self._run(f"INSERT INTO {target} ({names}) {rows.text}", rows)
        if reads_itself:
            self.connection.execute(f"DROP TABLE {draft}")
        return count

    def _has_shape(self, table: str, rows: Rows, making: Making) -> bool:
        """Tell whether a table has the columns that a query gives."""
        if making.is_scratch:
            there = self.scratch[table]
            return bool(there) and there == self._shapes.get(rows.text)
        there = self._there(table)
        return bool(there) and there == self._columns(rows)

    def _there(self, table: str) -> Columns:
        row = self.connection.execute("SELECT to_regclass(%s)", (quoted(table),)).fetchone()
        return self._columns(Rows(f"SELECT * FROM {quoted(table)}")) if row and row[0] else ()

    def _columns(self, rows: Rows) -> Columns:
        """Return (name, type, form of the type) of the columns of a query, which does not run."""
        found = raw(self.connection, f"SELECT * FROM ({rows.text}) AS q LIMIT 0", rows.values)
        result = found.pgresult
        assert result is not None, "a query has columns"
        return tuple(
            (str((result.fname(i) or b"").decode()), result.ftype(i), result.fmod(i))
            for i in range(result.nfields)
        )

    def _run(self, text: str, rows: Rows) -> int:
        return max(int(raw(self.connection, text, rows.values).rowcount), 0)


def raw(connection: Any, text: str, parameters: Sequence[object]) -> Any:
    """Run a text with parameters `$1`, `$2` and return its cursor."""
    from psycopg import RawCursor

    bound = [bindable(value) for value in parameters]
    return RawCursor(connection).execute(text.encode(), bound)


def quoted(name: str) -> str:
    """Return a name as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def named(parameters: Mapping[str, object], names: Sequence[str]) -> list[object]:
    """Return the values of parameters in the order of their numbers. Raises KeyError."""
    return [parameters[name] for name in names]


def nulls_of(statement: Statement, parameters: Mapping[str, object]) -> frozenset[str]:
    """Return the parameters of a statement that are null, whose type the driver cannot tell."""
    return frozenset(name for name in statement.parameters if parameters.get(name) is None)
