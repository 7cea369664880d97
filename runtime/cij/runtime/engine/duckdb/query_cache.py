"""The query cache: answers of small tables that are read often, until those are written to.

A tick reads the same small tables again and again: states of journeys, when segments were evaluated,
which events are taken in. Most often nothing has changed. One process at a time has the store open and
everything goes through its engine, so a table that it has not written to is as it was.
"""

from collections.abc import Callable, Mapping

from cij.compiler.sql import Statement
from cij.runtime.engine.protocol import Row

_READ_OFTEN = frozenset(
    {
        "aside",
        "counter",
        "customer",
        "effect",
        "entry_queue",
        "event_ahead",
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
    """The latest rows of each query over such tables, with the parameters it had."""

    def __init__(self) -> None:
        self._rows: dict[Statement, tuple[Mapping[str, object], list[Row]]] = {}
        self._is_empty: dict[str, bool] = {}
        self._written: set[str] = set()

    def find(self, statement: Statement, bound: Mapping[str, object]) -> list[Row] | None:
        """Return the rows of a query, if they are known."""
        found = self._rows.get(statement)
        return list(found[1]) if found and found[0] == bound else None

    def keep(self, statement: Statement, bound: Mapping[str, object], rows: list[Row]) -> None:
        """Keep the rows of a query, if they are few and all that it reads is asked often."""
        tables = statement.tables
        if len(rows) <= _ROWS_MAX and tables and all(map(_is_read_often, tables)):
            self._rows[statement] = (bound, list(rows))

    def is_empty(self, table: str, ask: Callable[[str], bool]) -> bool:
        """Tell whether a table is known to be empty, or found to be so by `ask`."""
        if table not in self._is_empty:
            self._is_empty[table] = ask(table)
        return self._is_empty[table]

    def invalidate(self, table: str | None, *, has_grown: bool = False) -> None:
        """Forget what was read from a table; one that has grown is not empty."""
        if table is None:
            return
        self._written.add(table)
        self._is_empty.pop(table, None)
        if has_grown:
            self._is_empty[table] = False
        if _is_read_often(table):
            self._rows = {s: kept for s, kept in self._rows.items() if table not in s.tables}

    def begin(self) -> None:
        """Note that a transaction has begun: what is written from now on may be rolled back."""
        self._written.clear()

    def roll_back(self) -> None:
        """Forget what was read from tables that were written to in the transaction."""
        for table in [*self._written]:
            self.invalidate(table)

    def clear(self) -> None:
        """Forget everything: it is not known what was written."""
        self._rows.clear()
        self._is_empty.clear()
