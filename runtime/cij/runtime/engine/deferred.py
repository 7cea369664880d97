"""Deferred writes: rows that are written later, but before any statement could miss them.

A strategy that has admitted customers may write their passages together with their first move. Any
other statement that uses these tables triggers the write first, so callers need no knowledge of it.
"""

from collections.abc import Callable, Iterator, Set as AbstractSet
from contextlib import contextmanager

from cij.compiler.sql import Statement


class DeferredWrites:
    """The deferred write of an engine. At most one is pending at a time."""

    def __init__(self) -> None:
        self._tables: AbstractSet[str] = frozenset()
        self._write: Callable[[], None] | None = None
        self._is_beside = False

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Run statements inside without the write, because they do not read the missing rows."""
        self._is_beside = True
        try:
            yield
        finally:
            self._is_beside = False

    def defer(self, tables: AbstractSet[str], write: Callable[[], None]) -> None:
        """Call `write` before the next statement that reads or writes one of `tables`."""
        assert self._write is None, "the write that was deferred before has been made"
        self._tables, self._write = tables, write

    def drop(self) -> None:
        """Discard the deferred write."""
        self._tables, self._write = frozenset(), None

    def before(self, statement: Statement) -> None:
        """Run the deferred write if a statement uses its tables."""
        if self._write is None or self._is_beside or self._tables.isdisjoint(statement.tables):
            return
        self.write()

    def write(self) -> None:
        """Run the deferred write now, if there is one."""
        # It is removed first, so that its own statements do not trigger it again.
        write, self._write = self._write, None
        if write is not None:
            write()
