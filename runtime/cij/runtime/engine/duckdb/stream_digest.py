"""Counts and digests of rows in Arrow's format: the same for equal rows, whichever engine gave them."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

import duckdb

from cij.runtime.engine.duckdb.closed import CLOSED
from cij.runtime.engine.duckdb.connection import HiddenStream
from cij.runtime.engine.protocol import ArrowStream

_STREAM = "arrow_stream"
_BITS = 64


class DuckDigests:
    """Computes digests in a database in memory, which keeps no rows."""

    def __init__(self) -> None:
        # With one thread rows are numbered in the order of the stream.
        self._connection = duckdb.connect(":memory:", config={**CLOSED, "threads": 1})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def digest(
        self, stream: ArrowStream, columns: Sequence[str], *, is_ordered: bool
    ) -> tuple[int, str]:
        """Return the number of rows and 16 hexadecimal digits. Order counts only with `is_ordered`.

        Engines have other types for the same values, so the texts of values are compared.
        """
        cells = [_text_of(name) for name in columns]
        if is_ordered:
            cells.append("place")
        self._connection.register(_STREAM, HiddenStream(stream))
        try:
            found = self._connection.execute(
                f"SELECT COUNT(*), SUM(CAST(HASH({', '.join(cells)}) AS HUGEINT)) "
                f"FROM (SELECT *, ROW_NUMBER() OVER () AS place FROM {_STREAM}) AS r"
            ).fetchone()
        finally:
            self._connection.unregister(_STREAM)
        assert found is not None, "a sum without groups has one row"
        count, total = found
        return int(count), f"{int(total or 0) % 2**_BITS:016x}"


def _text_of(name: str) -> str:
    # PostgreSQL has no text with the character 0, and keeps another one in its place.
    quoted = '"' + name.replace('"', '""') + '"'
    return f"REPLACE(CAST(r.{quoted} AS VARCHAR), CHR(0), CHR(65533))"
