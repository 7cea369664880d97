"""Texts of statements over the cells of an SQLite table or query. See `FileScan.sqlite`.

SQLite keeps any bytes as a text, and its scanner does not look at them. A row with a cell that is not UTF-8
is left out of the stream. A sequence notes that there are such rows, so that a table without any is
read once.
"""

from collections.abc import Sequence

SEQUENCE = "CREATE SEQUENCE odd_row"
HAS_ODD_ROWS = "SELECT NOT last_value IS NULL FROM duckdb_sequences()"


def view(picks: Sequence[str], table: str) -> str:
    """Return the view of `ordinal` and the cells as r0, r1, ..."""
    cells = "".join(f", {pick} AS r{n}" for n, pick in enumerate(picks))
    return f"CREATE VIEW cell AS SELECT ROW_NUMBER() OVER () - 1 AS ordinal{cells} FROM {table}"


def rows(count: int) -> str:
    """Return the query of the rows whose cells are all text."""
    return f"SELECT * FROM cell WHERE CASE WHEN {_is_text(count)} THEN TRUE ELSE NEXTVAL('odd_row') < 0 END"


def odd_rows(count: int) -> str:
    """Return the query of the other rows, with the bytes of their cells."""
    cells = "".join(f", ENCODE(r{n})" for n in range(count))
    return f"SELECT ordinal{cells} FROM cell WHERE NOT ({_is_text(count)}) ORDER BY ordinal"


def _is_text(count: int) -> str:
    cells = (f"(r{n} IS NULL OR NOT TRY(DECODE(ENCODE(r{n}))) IS NULL)" for n in range(count))
    return " AND ".join(cells)
