"""The embedded engine: DuckDB in one file, or in memory for simulations and tests.

Time: instants are datetimes in UTC without a zone, as parameters and in rows.
"""

import importlib.util
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence, Set as AbstractSet
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from cij.compiler.sql import Statement
from cij.compiler.sql.moments import MOMENT
from cij.compiler.sql.passes import PASSES, Pass
from cij.runtime.engine.deferred import DeferredWrites
from cij.runtime.engine.duckdb.closed import CLOSED, close_ways_out
from cij.runtime.engine.duckdb.query_cache import QueryCache
from cij.runtime.engine.duckdb.types import written
from cij.runtime.engine.optimizer import Optimizer
from cij.runtime.engine.protocol import ArrowStream, Instants, Limits, Parameters, Row, Traits
from cij.runtime.errors import DataError, StoreError, StoreLocked

# The driver tries to import pandas for each parameter. Where it is missing, Python would search all
# folders each time, which takes half the time of a small statement. This entry makes the import
# fail at once.
if importlib.util.find_spec("pandas") is None:
    sys.modules["pandas"] = None  # type: ignore[assignment]


_LOG_MAX = "1GB"
# Parts of DuckDB's messages where another process has the file open: on Unix and on Windows.
_HELD = ("Could not set lock", "being used by another process")
# Repeated texts, such as the constants of a plan, take half the time in the newer format.
FORMAT: dict[str, str | bool | int | float | list[str]] = {
    "storage_compatibility_version": "v1.5.0"
}
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    **CLOSED,
    **FORMAT,
    # A checkpoint inside a tick would delay its messages, so `maintain` does it between steps.
    "checkpoint_threshold": _LOG_MAX,
    # A large insert writes row groups to the file while it computes the next ones.
    "write_buffer_row_group_count": 1,
}
_LOG_BYTES_MAX = 16_000_000
# A transaction that changes more rows is checkpointed at its commit: writing it to the log first
# and to the file later would be twice the work.
_LOGGED_ROWS_MAX = 500_000
_TRAITS = Traits(has_row_ids=True, is_shared=False, has_enums=True)
# The name of an Arrow stream in statements while its rows are inserted.
_STREAM = "arrow_stream"
# DuckDB's message before the error of a stream that fails.
BROKEN = "get_next failed(): "
_STOPPED = "INTERRUPT Error"


def _create(path: Path) -> None:
    """Create an empty state file atomically, so that a crash leaves no damaged file."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        duckdb.connect(str(draft), config=_CONFIG).close()
        _put_in_place(draft, path)
    finally:
        draft.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class HiddenStream:
    """An Arrow stream that hides its type.

    DuckDB recognises its own relations and would read one of another connection as if it were its
    own. `faults` has why it could not be opened.
    """

    stream: ArrowStream
    faults: list[duckdb.Error] = field(default_factory=list)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        try:
            return self.stream.__arrow_c_stream__(requested_schema)
        except duckdb.Error as error:
            self.faults.append(error)
            raise


def _put_in_place(draft: Path, path: Path) -> None:
    try:
        # A link, unlike a rename, does not replace a file that another process has created
        # meanwhile.
        os.link(draft, path)
    except FileExistsError:
        return
    except OSError:
        # Not every file system supports links.
        os.replace(draft, path)


class DuckEngine:
    """One connection and one writer. With `path` None everything is in memory.

    `passes` rewrite statements before they run. With `is_tiny` DuckDB does not optimise statements,
    which for few rows takes longer than running them. Data that does not fit into `memory_mb` is
    written to a folder beside the file, or to `spill`; without either the statement fails.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        threads: int | None = None,
        memory_mb: int | None = None,
        is_tiny: bool = False,
        passes: tuple[Pass, ...] = PASSES,
        spill: Path | None = None,
        is_reader: bool = False,
    ) -> None:
        self.path = path
        self.traits = _TRAITS
        # A loader has an engine of its own. In DuckDB's own folder of the file the two would
        # overwrite each other's files.
        beside = path.with_name(f"{path.name}.load.tmp") if path else spill
        self.limits = Limits(threads, memory_mb, beside)
        self._open_transactions = self._changed_rows = 0
        self._cache = QueryCache()
        self._optimizer = Optimizer(self.is_empty, passes)
        self._deferred = DeferredWrites()
        if path is not None and path.exists() and not path.is_file():
            # Opening a pipe would wait for ever, and no signal would end it.
            raise StoreError(f"cannot open the state file {path}: this is no ordinary file")
        try:
            if path is not None and not path.exists() and not is_reader:
                _create(path)
            self._connection = duckdb.connect(
                str(path) if path else ":memory:", read_only=is_reader, config=_CONFIG
            )
        except duckdb.Error as error:
            raise _opening_error(path, error) from error
        # Statements that need an order of rows state it, so DuckDB may use all cores for the
        # others.
        self._connection.execute("SET preserve_insertion_order = false")
        # DuckDB estimates tables that are new in a transaction as small. It would then join by time
        # with a nested loop.
        self._connection.execute("SET asof_loop_join_threshold = 0")
        # A join by number with a large table then skips the blocks that cannot contain the numbers.
        self._connection.execute("SET dynamic_or_filter_threshold = 4096")
        if threads:
            self._connection.execute(f"SET threads = {int(threads)}")
        if memory_mb:
            self._connection.execute(f"SET memory_limit = '{int(memory_mb)}MB'")
        if spill:
            self._connection.execute(f"SET temp_directory = '{_escaped(str(spill))}'")
        if is_tiny:
            self._connection.execute("PRAGMA disable_optimizer")
        if path is not None:
            close_ways_out(self._connection)

    def execute(
        self,
        statement: Statement,
        parameters: Parameters = {},  # noqa: B006
        *,
        rows: int = 0,
    ) -> int:
        """Run a statement and return the number of rows that it changed.

        `rows` is the approximate number of customers that it is for; 0 where it is unknown.
        """
        self._deferred.before(statement)
        found = self._optimizer.rewrite(statement, rows)
        if found is None:
            return 0
        result = self._run(found, self._optimizer.bind(found, parameters))
        first = result.fetchone() if result.description else None
        changed = int(first[0]) if first and isinstance(first[0], int) else 0
        # A statement that changed no row leaves cached queries valid.
        if changed or not statement.is_change_of_rows:
            self._written(statement.writes, has_grown=changed > 0 and statement.is_insert)
        self._changed_rows += changed
        return changed

    def rows(self, statement: Statement, parameters: Parameters = {}) -> list[Row]:  # noqa: B006
        """Run a query and return all its rows."""
        self._deferred.before(statement)
        bound = self._optimizer.bind(statement, parameters)
        found = self._cache.find(statement, bound)
        if found is None:
            rewritten = self._optimizer.rewrite(statement)
            assert rewritten is not None, "a query asks something also of empty tables"
            found = self._run(rewritten, self._optimizer.bind(rewritten, parameters)).fetchall()
            self._cache.keep(statement, bound, found)
        return found

    def prepare(self, statement: Statement) -> None:
        """Rewrite and print a statement for the current state of the store, without running it."""
        found = self._optimizer.rewrite(statement)
        if found is not None:
            found.text("duckdb")

    def is_empty(self, table: str) -> bool:
        """Tell whether a table has no rows. The answer is cached until the table is written to."""
        return self._cache.is_empty(table, self._asks_empty)

    def bind_own_instant(self, at: datetime | None) -> None:
        """Bind the own instant of all rows that statements move from now on; None where they have
        different ones (S12). See `Optimizer.bind_own_instant`."""
        self._optimizer.bind_own_instant(at)

    def bind_instants(self, instants: Mapping[str, Instants], *, is_one_zone: bool = False) -> bool:
        """Bind calendar instants as parameters, until a statement writes to `moment`.

        Return False where they have to be in the table; see `Optimizer.bind_instants`.
        """
        return self._optimizer.bind_instants(instants, is_one_zone=is_one_zone)

    def defer(self, tables: AbstractSet[str], write: Callable[[], None]) -> None:
        """Call `write` before the next statement that reads or writes one of `tables`."""
        self._deferred.defer(tables, write)

    def beside_deferred(self) -> AbstractContextManager[None]:
        """Run statements inside without the deferred write, because they do not read the missing
        rows."""
        return self._deferred.beside()

    def drop_deferred(self) -> None:
        """Discard the deferred write, because it was made in another way or is not needed."""
        self._deferred.drop()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run the statements inside atomically. A nested transaction is part of the outer one."""
        if self._open_transactions:
            yield
            return
        self._connection.execute("BEGIN TRANSACTION")
        self._cache.begin()
        self._open_transactions, self._changed_rows = 1, 0
        try:
            yield
        except BaseException:
            self._open_transactions = 0
            self._deferred.drop()
            self._cache.roll_back()
            self._connection.execute("ROLLBACK")
            raise
        # Deferred rows belong to this transaction, so they are written before the commit.
        self._deferred.write()
        self._open_transactions = 0
        self._commit()

    def stream(self, statement: Statement, parameters: Parameters = {}) -> ArrowStream:  # noqa: B006
        """See `Engine.stream`. Only without parameters does DuckDB stream the rows."""
        self._deferred.before(statement)
        bound = self._optimizer.bind(statement, parameters)
        return self._connection.sql(statement.text("duckdb"), params=bound or None)

    def append(self, table: str, rows: Mapping[str, Sequence[object]] | ArrowStream) -> int:
        """See `Engine.append`."""
        return self._append(table, rows) if isinstance(rows, Mapping) else self._take(table, rows)

    def _append(self, table: str, columns: Mapping[str, Sequence[object]]) -> int:
        rows = [list(row) for row in zip(*columns.values(), strict=True)]
        if not rows:
            return 0
        self._written(table, has_grown=True)
        names = ", ".join(_quoted(name) for name in columns)
        # One JSON text, because the driver takes 80 µs for each bound value of a list.
        text = json.dumps(rows, default=str, ensure_ascii=False)
        cells = ", ".join(f"r ->> {i}" for i in range(len(columns)))
        source = "UNNEST(CAST($1 AS JSON[]))" if len(rows) > 1 else "CAST($1 AS JSON) -> 0"
        self.run_text(
            f"INSERT INTO {_quoted(table)} ({names}) SELECT {cells} FROM (SELECT {source} AS r)",
            [text],
        )
        return len(rows)

    def _take(self, table: str, stream: ArrowStream) -> int:
        hidden = HiddenStream(stream)
        text = f"INSERT INTO {_quoted(table)} BY NAME SELECT * FROM {_STREAM}"
        try:
            self._connection.register(_STREAM, hidden)
            count = int((self.run_text(text, None).fetchone() or (0,))[0])
        except duckdb.InvalidInputException as error:
            # What cannot be taken in is a fault of the rows, which come from outside.
            raise DataError(_why_broken(error)) from error
        except duckdb.Error as error:
            # The stream may fail before its first row.
            if not hidden.faults:
                raise
            raise DataError(_why_broken(hidden.faults[0])) from error
        finally:
            self._connection.unregister(_STREAM)
        self._written(table, has_grown=count > 0)
        self._changed_rows += count
        return count

    def columns_of(self, table: str) -> dict[str, str]:
        """See `Engine.columns_of`."""
        # A tenth of the time of a query of `information_schema`, which looks at every table.
        try:
            found = self.run_text(f"DESCRIBE {_quoted(table)}", None).fetchall()
        except duckdb.CatalogException:
            return {}
        return {name: written(type) for name, type, *_ in found}

    def tables(self) -> list[str]:
        """See `Engine.tables`."""
        text = (
            "SELECT table_name FROM duckdb_tables() WHERE NOT temporary AND NOT internal ORDER BY 1"
        )
        return [name for (name,) in self.run_text(text, None).fetchall()]

    def copy_from(self, path: Path) -> None:
        """Copy all tables of another file into this engine, which has to be empty and in memory."""
        try:
            # Not `run_text`, because a file that another program has open needs its own error.
            self._connection.execute(f"ATTACH '{_escaped(str(path))}' AS original (READ_ONLY)")
        except duckdb.Error as error:
            raise _opening_error(path, error) from error
        self._cache.clear()
        self.run_text("COPY FROM DATABASE original TO memory", None)
        self.run_text("DETACH original", None)
        close_ways_out(self._connection)

    def maintain(self, *, is_thorough: bool = False) -> None:
        """Write a checkpoint if the log has grown, or always with `is_thorough`."""
        log = self.path and self.path.with_name(self.path.name + ".wal")
        has_grown = log and log.exists() and log.stat().st_size > _LOG_BYTES_MAX
        if has_grown or is_thorough:
            self.run_text("CHECKPOINT", None)

    def close(self) -> None:
        self._connection.close()

    def on_new_session(self, restore: Callable[[], None]) -> None:
        """The connection is never lost."""

    def _written(self, table: str | None, *, has_grown: bool = False) -> None:
        self._cache.invalidate(table, has_grown=has_grown)
        if table == MOMENT:
            self._optimizer.forget_instants()

    def _asks_empty(self, table: str) -> bool:
        return not self.run_text(f"SELECT 1 FROM {_quoted(table)} LIMIT 1", None).fetchall()

    def _run(self, statement: Statement, bound: Parameters) -> duckdb.DuckDBPyConnection:
        return self.run_text(statement.text("duckdb"), bound or None)

    def run_text(self, text: str, bound: Any) -> duckdb.DuckDBPyConnection:
        """Run the text of a statement. Raises: StoreError where the state file fails."""
        try:
            return self._connection.execute(text, bound)
        except (duckdb.IOException, duckdb.FatalException, duckdb.OutOfMemoryException) as error:
            where = self.path or "in memory"
            raise StoreError(f"the state file {where} failed: {first_line(error)}") from error
        except RuntimeError as error:
            # The driver reports Ctrl-C in this way.
            if isinstance(error.__cause__, KeyboardInterrupt):
                raise error.__cause__ from None
            raise

    def _commit(self) -> None:
        is_big = self.path is not None and self._changed_rows > _LOGGED_ROWS_MAX
        try:
            if is_big:
                self._connection.execute("SET checkpoint_threshold = '1MB'")
            self._connection.execute("COMMIT")
        except duckdb.Error as error:
            self._cache.clear()
            raise StoreError(f"the state could not be saved: {first_line(error)}") from error
        if is_big:
            # Not in `finally`: after a failed commit the connection may be unusable.
            self._connection.execute(f"SET checkpoint_threshold = '{_LOG_MAX}'")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _escaped(text: str) -> str:
    return text.replace("'", "''")


def first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _why_broken(error: duckdb.Error) -> str:
    found = first_line(error)
    reason = found.partition(BROKEN)[2] or found
    # Of several threads that read, one that was stopped may answer before the one that failed.
    return "reading the rows broke off" if reason.startswith(_STOPPED) else reason


def _opening_error(path: Path | None, error: duckdb.Error) -> StoreError:
    if isinstance(error, duckdb.IOException) and any(t in str(error) for t in _HELD):
        return StoreLocked(
            f"another `cij run` or program has {path} open; stop it, or wait until it ends"
        )
    return StoreError(f"cannot open the state file {path}: {first_line(error)}")
