"""The query cache: results of queries over small tables, until these tables are written to.

Each tick reads the same small tables: states of journeys, when segments were evaluated, which
events are handled. Usually nothing has changed. Only one process has the store open and all its
statements run through its engine, so a table that the engine has not written to is unchanged.
"""

from collections.abc import Callable, Mapping

from cij.compiler.sql import Statement
from cij.runtime.engine.protocol import Row

# Tables that ticks read often and change rarely. For others the cache would only cost memory.
_READ_OFTEN = frozenset(
    {
        "aside",
        "counter",
        "customer",
        "effect",
        "entry_queue",
        "entry_right",
        "ahead_event",
        "journey_control",
        "journey_state",
        "meta",
        "moment_rule",
        "name",
        "segment_state",
        "zone",
    }
)
_ROWS_MAX = 100
_EVENTS = "event_"


def _is_read_often(table: str) -> bool:
    return table in _READ_OFTEN or table.startswith(_EVENTS)


class QueryCache:
    """The latest rows of each query over such tables, with its parameters."""

    def __init__(self) -> None:
        self._rows: dict[Statement, tuple[Mapping[str, object], list[Row]]] = {}
        self._is_empty: dict[str, bool] = {}
        self._written: set[str] = set()

    def find(self, statement: Statement, bound: Mapping[str, object]) -> list[Row] | None:
        """Return the cached rows of a query with these parameters; None where there are none."""
        found = self._rows.get(statement)
        return list(found[1]) if found and found[0] == bound else None

    def keep(self, statement: Statement, bound: Mapping[str, object], rows: list[Row]) -> None:
        """Cache the rows of a query if they are few and all its tables are read often."""
        tables = statement.tables
        if len(rows) <= _ROWS_MAX and tables and all(map(_is_read_often, tables)):
            self._rows[statement] = (bound, list(rows))

    def is_empty(self, table: str, ask: Callable[[str], bool]) -> bool:
        """Tell whether a table is empty. `ask` is called only where the answer is not cached."""
        if table not in self._is_empty:
            self._is_empty[table] = ask(table)
        return self._is_empty[table]

    def invalidate(self, table: str | None, *, has_grown: bool = False) -> None:
        """Drop the cached results of a table. With `has_grown` it is known not to be empty."""
        if table is None:
            return
        self._written.add(table)
        self._is_empty.pop(table, None)
        if has_grown:
            self._is_empty[table] = False
        if _is_read_often(table):
            self._rows = {s: kept for s, kept in self._rows.items() if table not in s.tables}

    def begin(self) -> None:
        """Begin to record the tables that a transaction writes to, since it may be rolled back."""
        self._written.clear()

    def roll_back(self) -> None:
        """Drop the cached results of all tables that the transaction has written to.

        They may have been read after the write, so they may show rows that no longer exist.
        """
        for table in [*self._written]:
            self.invalidate(table)

    def clear(self) -> None:
        """Drop all cached results, where it is unknown which tables have changed."""
        self._rows.clear()
        self._is_empty.clear()
