"""The engine: a session of PostgreSQL that runs statements.

Time: instants are datetimes in UTC without a zone, as parameters and in rows.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set as AbstractSet
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cij.compiler.sql import Making, Statement
from cij.runtime.engine.postgresql import writer_lock
from cij.runtime.engine.postgresql.copy_rows import copy_columns, copy_stream, stream_of
from cij.runtime.engine.postgresql.made_tables import MadeTables, named, nulls_of, quoted, raw
from cij.runtime.engine.postgresql.outcome import is_committed, number_of_transaction, patiently
from cij.runtime.engine.postgresql.session import Address, connect, told
from cij.runtime.engine.postgresql.values import type_name
from cij.runtime.engine.protocol import ArrowStream, Instants, Limits, Parameters, Row, Traits
from cij.runtime.errors import StoreError, StoreLost

_TRAITS = Traits(has_row_ids=False, is_shared=True, has_enums=False)
_COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute AS a
WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped AND a.attidentity = ''
ORDER BY a.attnum
"""
_TABLES = 'SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY tablename COLLATE "C"'
_RELATION = "SELECT to_regclass(%s)"
# A column with this name counts the rows of a table in the order of writing.
_WRITTEN = "rowid"
_QUESTION = "question"


@dataclass(frozen=True, slots=True)
class Layout:
    """What the engine knows of tables, by their names.

    Attributes:
        indexes: the columns of the indexes of a table.
        is_ordered: whether its rows are read in the order of writing.
        is_computed: whether a reader fills it for itself.
    """

    indexes: Callable[[str], Sequence[tuple[str, ...]]]
    is_ordered: Callable[[str], bool]
    is_computed: Callable[[str], bool]


class PostgresEngine:
    """One session. The writer has the lock of the store; a reader sees one state, and writes nothing.

    Raises: ConfigError, StoreError, StoreLocked.
    """

    def __init__(
        self,
        address: Address,
        purpose: str,
        layout: Layout,
        *,
        is_reader: bool = False,
        wait: Callable[[str], bool] | None = None,
    ) -> None:
        self.traits, self.limits = _TRAITS, Limits()
        self._address, self._purpose, self._is_reader = address, purpose, is_reader
        self._layout = layout
        self._wait = wait
        self._is_open = False
        self._restore: Callable[[], None] | None = None
        self._connection: Any = None
        self._connect()
        # A writer that loses its lock does not stay here for its next turn.
        self._wait = None

    # --- the session --------------------------------------------------------------------------

    def _connect(self) -> None:
        self._connection = connect(self._address, self._purpose)
        self._made = MadeTables(self._connection)
        try:
            with told():
                if self._is_reader:
                    self._begin_reading()
                else:
                    self._begin_writing()
        except BaseException:
            self._connection.close()
            raise

    def _begin_writing(self) -> None:
        writer_lock.take(self._connection, self._address.schema, self._wait)
        name = quoted(self._address.schema)
        row = self._connection.execute(
            "SELECT 1 FROM pg_namespace WHERE nspname = %s", (self._address.schema,)
        ).fetchone()
        if row is None:
            self._connection.execute(f"CREATE SCHEMA {name}")

    def _begin_reading(self) -> None:
        self._connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")

    def on_new_session(self, restore: Callable[[], None]) -> None:
        """See `Engine.on_new_session`."""
        self._restore = restore

    def close(self) -> None:
        self._connection.close()

    def maintain(self, *, is_thorough: bool = False) -> None:
        """The server maintains its tables by itself."""

    # --- statements ---------------------------------------------------------------------------

    def execute(
        self,
        statement: Statement,
        parameters: Parameters = {},  # noqa: B006
        *,
        rows: int = 0,
    ) -> int:
        """Run a statement and return the number of rows that it changed."""
        with self._ready():
            if (making := statement.making) is not None:
                return self._create(statement, making, parameters)
            self._may_write(statement.writes)
            if not statement.is_change_of_rows and statement.writes is not None:
                return self._change_schema(statement, parameters)
            return max(int(self._run(statement, parameters).rowcount), 0)

    def rows(self, statement: Statement, parameters: Parameters = {}) -> list[Row]:  # noqa: B006
        """Run a query and return all its rows."""
        with self._ready():
            found: list[Row] = self._run(statement, parameters).fetchall()
            return found

    def stream(self, statement: Statement, parameters: Parameters = {}) -> ArrowStream:  # noqa: B006
        """See `Engine.stream`."""
        with self._ready():
            return stream_of(self._connection, statement, parameters)

    def append(self, table: str, rows: Mapping[str, Sequence[object]] | ArrowStream) -> int:
        """See `Engine.append`."""
        with self._ready():
            self._may_write(table)
            if isinstance(rows, Mapping):
                return copy_columns(self._connection, table, rows)
            return copy_stream(self._connection, table, rows)

    def columns_of(self, table: str) -> dict[str, str]:
        """See `Engine.columns_of`."""
        with self._ready():
            found = self._connection.execute(_COLUMNS, (quoted(table),)).fetchall()
            return {name: type_name(type) for name, type in found}

    def tables(self) -> list[str]:
        """See `Engine.tables`."""
        with self._ready():
            found = self._connection.execute(_TABLES, (self._address.schema,)).fetchall()
            return [name for (name,) in found]

    def is_empty(self, table: str) -> bool:
        """Tell whether a table has no rows."""
        with self._ready():
            text = f"SELECT 1 FROM {quoted(table)} LIMIT 1"
            return self._connection.execute(text).fetchone() is None

    @contextmanager
    def _ready(self) -> Iterator[None]:
        """Have a session for a statement: a new one where the last was lost between transactions."""
        if self._connection.closed and not self._is_open:
            self._connect_again()
        with told(self._connection), self._alone():
            yield

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Undo what fails of a reader by itself: its one transaction would refuse all later questions."""
        if not self._is_reader:
            yield
            return
        self._connection.execute(f"SAVEPOINT {_QUESTION}")
        self._made.begin()
        try:
            yield
        except BaseException:
            if not self._connection.closed:
                self._connection.execute(f"ROLLBACK TO SAVEPOINT {_QUESTION}")
                self._made.roll_back()
            raise
        self._connection.execute(f"RELEASE SAVEPOINT {_QUESTION}")

    def _connect_again(self) -> None:
        try:
            patiently(self._connect)
        except StoreError as error:
            # A run that goes on opens the store again.
            raise StoreLost(str(error)) from error
        if self._restore is not None:
            self._restore()

    def _run(self, statement: Statement, parameters: Parameters) -> Any:
        text, names = statement.bound_text("postgres", nulls_of(statement, parameters))
        return raw(self._connection, text, named(parameters, names))

    # --- tables -------------------------------------------------------------------------------

    def _create(self, statement: Statement, making: Making, parameters: Parameters) -> int:
        table = str(statement.writes)
        if not making.is_scratch and self._is_reader:
            self._require(table)
            return 0
        if making.is_view:
            return self._view(statement, table)
        count = 0
        if making.reads is not None:
            count = self._made.fill(statement, making, parameters)
        elif making.is_anew:
            self._made.empty(table, statement)
        else:
            self._run(statement, parameters)
            if making.is_scratch:
                self._made.scratch.setdefault(table, ())
        if not making.is_scratch:
            self._complete(table)
        return count

    def _view(self, statement: Statement, table: str) -> int:
        # Replacing a view waits for all who read it.
        if not self._is_there(table):
            self._run(statement, {})
        return 0

    def _change_schema(self, statement: Statement, parameters: Parameters) -> int:
        self._run(statement, parameters)
        self._made.schema_changed()
        if statement.is_drop:
            self._made.scratch.pop(str(statement.writes), None)
        return 0

    def _complete(self, table: str) -> None:
        """Give a table of the store its indexes, and the column that orders its rows."""
        there = self.columns_of(table)
        if self._layout.is_ordered(table):
            self._connection.execute(
                f"ALTER TABLE {quoted(table)} ADD COLUMN IF NOT EXISTS {quoted(_WRITTEN)} "
                "BIGINT GENERATED ALWAYS AS IDENTITY"
            )
        for columns in self._layout.indexes(table):
            if there.keys() >= set(columns):
                name = quoted("_".join(("i", table, *columns))[:63])
                names = ", ".join(map(quoted, columns))
                self._connection.execute(
                    f"CREATE INDEX IF NOT EXISTS {name} ON {quoted(table)} ({names})"
                )
        self._made.schema_changed()

    def _is_there(self, table: str) -> bool:
        row = self._connection.execute(_RELATION, (quoted(table),)).fetchone()
        return bool(row and row[0])

    def _may_write(self, table: str | None) -> None:
        """Refuse a write of a reader, but to scratch tables and to its own copy of what it computes."""
        if not self._is_reader or table is None or table in self._made.scratch:
            return
        if not self._layout.is_computed(table):
            raise StoreError(
                f"`{table}` of the store is of an older version of the project, and a reader changes "
                "nothing; the next `cij run` brings it up to date"
            )
        name = quoted(table)
        self._connection.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM {name}")
        self._made.scratch[table] = ()

    def _require(self, table: str) -> None:
        if not self._is_there(table):
            raise StoreError(
                f"the store has no table `{table}` yet; a `cij run` with this version makes it"
            )

    # --- transactions -------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run the statements inside atomically. A nested transaction is part of the outer one."""
        if self._is_open or self._is_reader:
            yield
            return
        with self._ready():
            self._connection.execute("BEGIN")
        self._made.begin()
        self._is_open = True
        try:
            yield
        except BaseException:
            self._is_open = False
            self._roll_back()
            raise
        self._is_open = False
        self._commit()

    def _roll_back(self) -> None:
        if self._connection.closed:
            return
        with suppress(StoreLost), told(self._connection):
            self._connection.execute("ROLLBACK")
        self._made.roll_back()

    def _commit(self) -> None:
        """Commit. Where the answer is lost, a new session asks the server what became of it."""
        with told(self._connection):
            number = number_of_transaction(self._connection)
        try:
            with told(self._connection):
                self._connection.execute("COMMIT")
        except StoreLost:
            if number is None:
                return
            self._connect_again()
            if not is_committed(self._connection, number):
                raise

    # --- what only the engine of a single process can know ---------------------------------------

    def prepare(self, statement: Statement) -> None:
        """The server plans a statement when it runs."""

    def bind_own_instant(self, at: datetime | None) -> None:
        """Statements read the instant of each row."""

    def bind_instants(self, instants: Mapping[str, Instants], *, is_one_zone: bool = False) -> bool:
        """Statements read the table `moment`."""
        return False

    def defer(self, tables: AbstractSet[str], write: Callable[[], None]) -> None:
        """Nothing is deferred: the write is made now."""
        write()

    def drop_deferred(self) -> None:
        """Nothing is deferred."""

    def beside_deferred(self) -> AbstractContextManager[None]:
        """Nothing is deferred."""
        return nullcontext()
