"""What the readers of tables share: how a table is named, how its failure is told, what its lines are."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from cij.compiler.program import Source
from cij.runtime.errors import DataError
from cij.runtime.sources.reader import failure


def where_of(source: Source) -> str:
    """Return the table or query of a source, for people."""
    table = source.settings.get("table")
    return f"table {table}" if table else "the query"


@contextmanager
def failing(source: Source) -> Iterator[None]:
    """Name the source and its table in what goes wrong inside."""
    try:
        yield
    except DataError as error:
        message = str(error)
        if message.startswith(f"source {source.name}: "):
            raise
        raise failure(source, f"{where_of(source)} cannot be read: {message}") from error


def row_numbers(ordinals: Collection[int]) -> dict[int, int]:
    """Return a line for each ordinal: a table has none, so the row's number stands for it."""
    return {ordinal: ordinal + 1 for ordinal in ordinals}
