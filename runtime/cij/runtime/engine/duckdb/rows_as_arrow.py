"""Rows of another engine in Arrow's format."""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from cij.runtime.engine.duckdb.closed import CLOSED
from cij.runtime.engine.protocol import ArrowStream


def rows_as_arrow(columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> ArrowStream:
    """Return rows as Arrow. `columns` has the type of each, in order."""
    connection = duckdb.connect(":memory:", config=CLOSED)
    names = ", ".join(f"{_quoted(name)} {type}" for name, type in columns.items())
    connection.execute(f"CREATE TABLE rows ({names})")
    if rows:
        marks = ", ".join("?" * len(columns))
        connection.executemany(f"INSERT INTO rows VALUES ({marks})", [list(row) for row in rows])
    return connection.sql("SELECT * FROM rows")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
