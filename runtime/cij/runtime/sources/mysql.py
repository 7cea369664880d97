"""Tables of a MySQL or MariaDB server, and queries over them. Settings: database, table or query.

The server writes the texts of all values in one read-only snapshot; DuckDB reads them. The driver is
loaded when the first such source is read.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cij.compiler.program import Source
from cij.runtime.engine.duckdb.scan import FileScan
from cij.runtime.engine.mysql_rows import MysqlQuery, open_query
from cij.runtime.sources.reader import ColumnName, Kind, Reading, require_columns
from cij.runtime.sources.table_reading import failing, row_numbers, where_of


@contextmanager
def read(source: Source, root: Path) -> Iterator[Reading]:
    """Open the table. Raises DataError when it cannot be read."""
    with tempfile.TemporaryDirectory() as folder, FileScan() as scan:
        copy = Path(folder) / "rows.csv"
        with _opened(source) as found:
            found.copy([c.outside for c in source.columns], copy)
        with failing(source):
            rows = scan.json_arrays(copy, len(source.columns))
            yield Reading(where_of(source), rows, list, row_numbers)


def fingerprint(source: Source, root: Path) -> str:
    """A digest of the rows, which the server computes: MySQL does not say when a table was written."""
    with _opened(source) as found:
        return found.digest([c.outside for c in source.columns])


def names(source: Source, root: Path) -> list[ColumnName]:
    """Return the columns of the table with their types."""
    with _opened(source) as found:
        return [ColumnName(name, declared) for name, declared in found.columns.items()]


KIND = Kind(read, fingerprint, names)


@contextmanager
def _opened(source: Source) -> Iterator[MysqlQuery]:
    settings = source.settings
    table, query = settings.get("table", ""), settings.get("query", "")
    with failing(source), open_query(settings["database"], table, query) as found:
        require_columns(source, found.columns, where_of(source))
        yield found
