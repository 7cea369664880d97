"""What the runtime asks of a database, whichever it is.

An engine runs statements; it knows no journey, no table of the state and no kind of source. What two
engines say differently is a row in a table of each engine, and what one of them alone can do is a
trait, so a caller asks for the trait and never for the engine.
"""

from collections.abc import Callable, Mapping, Sequence, Set as AbstractSet
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from cij.compiler.sql import Statement

Parameters = Mapping[str, object]
Row = tuple[Any, ...]
# Of a tick, by zone and name.
Instants = Mapping[str, Mapping[str, datetime]]


class ArrowStream(Protocol):
    """Rows in Arrow's form: whatever offers them by the C stream interface, of any library.

    The interface itself is the contract, so a reader needs no library for it that the engine knows.
    """

    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...


@dataclass(frozen=True, slots=True)
class Traits:
    """What an engine can do. A contract test holds each of them.

    `has_row_ids`: a table has `rowid`, which finds a row without a key. `is_shared`: other processes
    write to the same state, so what was read once may be out of date.
    """

    has_row_ids: bool
    is_shared: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of the machine an engine may take; None is for as much as it likes.

    `spill` is the folder into which an engine in memory puts what does not fit.
    """

    threads: int | None = None
    memory_mb: int | None = None
    spill: Path | None = None


class Engine(Protocol):
    """One connection. Parameters that a statement does not name are left out."""

    traits: Traits
    limits: Limits

    def execute(
        self, statement: Statement, parameters: Parameters = ..., *, rows: int = ...
    ) -> int:
        """Run it and return the number of rows that it changed, or 0 where it changes none.

        `rows` is about how many customers it is for; 0 where nobody has counted them.
        """
        ...

    def rows(self, statement: Statement, parameters: Parameters = ...) -> list[Row]:
        """Run a query and return all its rows."""
        ...

    def stream(self, statement: Statement, parameters: Parameters = ...) -> ArrowStream:
        """Return the rows of a query as Arrow, read once and before the next statement runs."""
        ...

    def append(self, table: str, rows: Mapping[str, Sequence[object]] | ArrowStream) -> int:
        """Add rows, given as columns of equal length or as Arrow; returns how many.

        Columns are found by their names. Raises DataError where a stream breaks off.
        """
        ...

    def columns_of(self, table: str) -> dict[str, str]:
        """Return the types of a table's columns by name, in their order; nothing for no table.

        Types have the names in which statements are written (`cij.compiler.sql.columns`).
        """
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing. Inside another transaction it is part of that one."""
        ...

    def maintain(self, *, is_thorough: bool = False) -> None:
        """Do the upkeep that may wait for a moment in which nobody waits.

        It is left out while there is little of it, unless it is to be thorough.
        """
        ...

    def close(self) -> None: ...

    # What only an engine that belongs to one process can know.

    def prepare(self, statement: Statement) -> None:
        """Make the text of a statement as the store is now, without running it."""
        ...

    def is_empty(self, table: str) -> bool:
        """Tell whether a table holds no rows."""
        ...

    def bind_instants(self, instants: Instants, *, is_one_zone: bool) -> bool:
        """Have statements take the instants of the tick, by zone and name, as parameters.

        `is_one_zone` tells that the only zone is that of every customer. Holds until somebody writes to
        the table `moment`. Returns False, and does nothing, where they have to be in that table.
        """
        ...

    def defer(self, tables: AbstractSet[str], write: Callable[[], None]) -> None:
        """Call `write` before the next statement that touches one of `tables`, at the latest before the
        transaction is committed."""
        ...

    def drop_deferred(self) -> None:
        """Forget the deferred write: it has been made, or what it was for is gone."""
        ...

    def beside_deferred(self) -> AbstractContextManager[None]:
        """Within this, statements pass that ask for nothing of the rows that are not written yet."""
        ...
