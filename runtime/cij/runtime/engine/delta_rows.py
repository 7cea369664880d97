"""A version of a Delta table as a stream of Arrow batches."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cij.runtime.errors import DataError

if TYPE_CHECKING:
    from deltalake import DeltaTable

_NAME = "delta"


class DeltaRows:
    """The rows of one version, read anew for each stream. `columns` are those to read, or all."""

    def __init__(self, table: "DeltaTable", columns: Sequence[str] = ()) -> None:
        self._table = table
        picks = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
        self._text = f"SELECT {picks or '*'} FROM {_NAME}"

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        from deltalake import QueryBuilder

        rows = QueryBuilder().register(_NAME, self._table).execute(self._text)
        return rows.__arrow_c_stream__(requested_schema)


@contextmanager
def open_delta(
    address: str, version: int | None, options: Mapping[str, str]
) -> "Iterator[DeltaTable]":
    """Open a table at a version, or at its latest one. Raises DataError, also for what fails inside."""
    try:
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError, TableNotFoundError
    except ImportError as error:
        raise DataError("Delta tables need a library: pip install 'cij[delta]'") from error
    try:
        yield DeltaTable(address, version, dict(options))
    except TableNotFoundError as error:
        raise DataError("it is no Delta table") from error
    except (DeltaError, OSError, ValueError, RuntimeError) as error:
        raise DataError(_told(error, version)) from error


def identity_of(table: "DeltaTable") -> str:
    """Return what is the same as long as nobody has written the table."""
    return f"{table.metadata().id} {table.version()}"


def _told(error: Exception, version: int | None) -> str:
    text = (str(error).splitlines() or [type(error).__name__])[0]
    if version is not None and "LogSegment" in text:
        return f"it has no version {version}"
    return text
