"""Tables that are made from queries: scratch tables of the session, and tables of the store.

PostgreSQL has no `CREATE OR REPLACE TABLE`. A table that has the right columns already is emptied and
filled: new tables in each tick would bloat the catalogue of the server. A scratch table gets
statistics, since the planner takes a table without them for a large one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from cij.compiler.sql import Statement
from cij.runtime.engine.postgresql.values import bindable

Columns = tuple[tuple[str, int, int], ...]
_NEW = "new#"


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

    def fill(
        self, statement: Statement, values: Mapping[str, object], *, is_scratch: bool
    ) -> int:
        """Make a table of a query in place of an older one, and return the number of its rows."""
        table, nulls = str(statement.writes), nulls_of(statement, values)
        text = statement.query_text("postgres", nulls)
        parameters = named(values, statement.bound_text("postgres", nulls)[1])
        target = f"pg_temp.{quoted(table)}" if is_scratch else quoted(table)
        if is_scratch and table not in self.scratch:
            count = self._new(target, text, parameters)
        elif self._has_shape(table, text, parameters, is_scratch=is_scratch):
            count = self._refill(table, target, text, parameters, statement, is_scratch=is_scratch)
        else:
            count = self._replace(table, target, text, parameters)
        if is_scratch:
            self.scratch[table] = self._shapes[text] = self._columns(f"SELECT * FROM {target}", ())
            if count:
                self.connection.execute(f"ANALYZE {target}")
        return count

    def _new(self, target: str, text: str, parameters: Sequence[object]) -> int:
        temp = "TEMP " if target.startswith("pg_temp.") else ""
        return self._run(f"CREATE {temp}TABLE {target} AS {text}", parameters)

    def _replace(self, table: str, target: str, text: str, parameters: Sequence[object]) -> int:
        # The query may read the table that it replaces.
        draft = target.replace(quoted(table), quoted(_NEW + table))
        count = self._new(draft, text, parameters)
        self.connection.execute(f"DROP TABLE IF EXISTS {target}")
        self.connection.execute(f"ALTER TABLE {draft} RENAME TO {quoted(table)}")
        return count

    def _refill(
        self,
        table: str,
        target: str,
        text: str,
        parameters: Sequence[object],
        statement: Statement,
        *,
        is_scratch: bool,
    ) -> int:
        reads_itself = table in {t.name for t in statement.tree.expression.find_all(exp.Table)}
        if reads_itself:
            draft = f"pg_temp.{quoted(_NEW + table)}"
            self._new(draft, text, parameters)
            text, parameters = f"SELECT * FROM {draft}", ()
        # Rows of the store are deleted, since a reader beside would see a truncated table as empty.
        self.connection.execute(f"TRUNCATE {target}" if is_scratch else f"DELETE FROM {target}")
        names = ", ".join(quoted(name) for name, *_ in self._columns(text, parameters))
        count = self._run(f"INSERT INTO {target} ({names}) {text}", parameters)
        if reads_itself:
            self.connection.execute(f"DROP TABLE {draft}")
        return count

    def _has_shape(
        self, table: str, text: str, parameters: Sequence[object], *, is_scratch: bool
    ) -> bool:
        """Tell whether a table has the columns that a query gives."""
        if is_scratch:
            return bool(self.scratch[table]) and self.scratch[table] == self._shapes.get(text)
        there = self._there(table)
        return bool(there) and there == self._columns(text, parameters)

    def _there(self, table: str) -> Columns:
        row = self.connection.execute("SELECT to_regclass(%s)", (quoted(table),)).fetchone()
        return self._columns(f"SELECT * FROM {quoted(table)}", ()) if row and row[0] else ()

    def _columns(self, text: str, parameters: Sequence[object]) -> Columns:
        """Return (name, type, form of the type) of the columns of a query, which does not run."""
        cursor = raw(self.connection, f"SELECT * FROM ({text}) AS q LIMIT 0", parameters)
        description = cursor.pgresult
        assert description is not None, "a query has columns"
        return tuple(
            (
                str((description.fname(i) or b"").decode()),
                description.ftype(i),
                description.fmod(i),
            )
            for i in range(description.nfields)
        )

    def _run(self, text: str, parameters: Sequence[object]) -> int:
        return max(int(raw(self.connection, text, parameters).rowcount), 0)


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
