"""Answers that are remembered: what tables say that are asked often, until they are written to.

A tick asks again and again what was said about journeys, when segments were looked at, how far
events are taken in; most often nothing has changed. One process at a time has the store open, and
everything goes through its engine, so what it has not written to is as it was.
"""

from collections.abc import Mapping
from typing import Any

from cij.compiler.sql import Statement

_READ_OFTEN = frozenset(
    {
        "counter",
        "customer",
        "entry_queue",
        "event_ahead",
        "journey_control",
        "journey_state",
        "meta",
        "moment_rule",
        "segment_state",
    }
)
_ROWS_MAX = 100

Row = tuple[Any, ...]


class Remembered:
    """The latest rows of each query over such tables, with the parameters it had."""

    def __init__(self) -> None:
        self._rows: dict[Statement, tuple[Mapping[str, object], list[Row]]] = {}

    def find(self, statement: Statement, bound: Mapping[str, object]) -> list[Row] | None:
        """Return the rows of a query, if they are known."""
        found = self._rows.get(statement)
        return list(found[1]) if found and found[0] == bound else None

    def keep(self, statement: Statement, bound: Mapping[str, object], rows: list[Row]) -> None:
        """Keep the rows of a query, if they are few and all that it reads is asked often."""
        if len(rows) <= _ROWS_MAX and statement.tables and statement.tables <= _READ_OFTEN:
            self._rows[statement] = (bound, list(rows))

    def written(self, table: str | None) -> None:
        """Forget what was read from a table."""
        if table in _READ_OFTEN:
            self._rows = {s: kept for s, kept in self._rows.items() if table not in s.tables}

    def forget(self) -> None:
        """Forget everything: what was written is taken back, or nobody knows what it was."""
        self._rows.clear()
