"""The protocol of engines: what the runtime needs from a database.

An engine runs statements. It has no knowledge of journeys, of the tables of the store or of kinds
of source. Where engines differ in syntax, each has a row in a table of its own. What only one
engine can do is a trait, so callers test for the trait and never for the engine.
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
# The calendar instants of a tick, by zone and name.
Instants = Mapping[str, Mapping[str, datetime]]


class ArrowStream(Protocol):
    """Rows in Arrow's format: any object of any library that has the C stream interface.

    The interface is the contract, so readers and engines need no common library.
    """

    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...


class StreamDigests(Protocol):
    """Computes digests of rows: the same for equal rows, whichever engine gave them."""

    def digest(
        self, stream: ArrowStream, columns: Sequence[str], *, is_ordered: bool
    ) -> tuple[int, str]:
        """Return the number of rows and a digest of `columns`. Order counts only with `is_ordered`."""
        ...


@dataclass(frozen=True, slots=True)
class Traits:
    """The capabilities of an engine. A contract test checks each of them.

    `has_row_ids`: a table has `rowid`, which finds a row without a key. `is_shared`: other
    processes write to the same store, so a result that was read earlier may be out of date.
    `has_enums`: a text of few values has a type of its own.
    """

    has_row_ids: bool
    is_shared: bool
    has_enums: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """The resources that an engine may use; None is no limit.

    `spill` is the folder to which an engine in memory writes what does not fit.
    """

    threads: int | None = None
    memory_mb: int | None = None
    spill: Path | None = None


class Engine(Protocol):
    """One connection to a store. Parameters that a statement does not name are ignored."""

    traits: Traits
    limits: Limits

    def execute(
        self, statement: Statement, parameters: Parameters = ..., *, rows: int = ...
    ) -> int:
        """Run a statement and return the number of rows that it changed.

        `rows` is the approximate number of customers that it is for; 0 where it is unknown.
        """
        ...

    def rows(self, statement: Statement, parameters: Parameters = ...) -> list[Row]:
        """Run a query and return all its rows."""
        ...

    def stream(self, statement: Statement, parameters: Parameters = ...) -> ArrowStream:
        """Return the rows of a query as Arrow.

        They must be read once, before the next statement.
        """
        ...

    def append(self, table: str, rows: Mapping[str, Sequence[object]] | ArrowStream) -> int:
        """Append rows, given as columns of equal length or as Arrow, and return their number.

        Columns are matched by name. Raises DataError where a stream fails.
        """
        ...

    def columns_of(self, table: str) -> dict[str, str]:
        """Return the types of a table's columns by name, in order; empty where there is no table.

        Types have the names that statements use (`cij.compiler.sql.columns`).
        """
        ...

    def tables(self) -> list[str]:
        """Return the names of the tables of the store, sorted. Views and scratch tables are none."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """Run the statements inside atomically. A nested transaction is part of the outer one."""
        ...

    def maintain(self, *, is_thorough: bool = False) -> None:
        """Do maintenance that can wait until the runtime is idle.

        It is skipped while there is little to do, except with `is_thorough`.
        """
        ...

    def close(self) -> None: ...

    def on_new_session(self, restore: Callable[[], None]) -> None:
        """Call `restore` when scratch tables were lost with the connection to a server."""
        ...

    # The methods below depend on facts that only an engine of a single process can know.

    def prepare(self, statement: Statement) -> None:
        """Prepare a statement for the current state of the store, without running it."""
        ...

    def is_empty(self, table: str) -> bool:
        """Tell whether a table has no rows."""
        ...

    def bind_own_instant(self, at: datetime | None) -> None:
        """Take note that all rows that statements move from now on have the own instant `at` (S12).

        None where they have different ones: statements then read the instant of each row.
        """
        ...

    def bind_instants(self, instants: Mapping[str, Instants], *, is_one_zone: bool) -> bool:
        """Bind calendar instants as parameters of statements.

        `instants` has those that count from `now`, the instant of the tick, and from `as_of`, the own
        instant of rows, by zone and name. `is_one_zone` tells that all customers are in the only zone.
        It holds until a statement writes to the table `moment`. Return False and do nothing where they
        have to be in that table.
        """
        ...

    def defer(self, tables: AbstractSet[str], write: Callable[[], None]) -> None:
        """Call `write` before the next statement that reads or writes one of `tables`.

        It is called at the latest before the transaction is committed.
        """
        ...

    def drop_deferred(self) -> None:
        """Discard the deferred write, because it was made in another way or is not needed."""
        ...

    def beside_deferred(self) -> AbstractContextManager[None]:
        """Run statements inside without the deferred write, because they do not read the missing
        rows."""
        ...
