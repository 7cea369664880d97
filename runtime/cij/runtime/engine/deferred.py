"""Rows that are written later, and at the latest before somebody could miss them.

A strategy that has admitted people may write their passages together with their first move. Any other
statement that touches these tables meanwhile has them written first, so nobody has to remember it.
"""

from collections.abc import Callable, Iterator, Set as AbstractSet
from contextlib import contextmanager

from cij.compiler.sql import Statement


class DeferredWrites:
    """At most one write is deferred at a time."""

    def __init__(self) -> None:
        self._tables: AbstractSet[str] = frozenset()
        self._write: Callable[[], None] | None = None
        self._is_beside = False

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Let statements pass that ask for nothing of the rows that are not written yet."""
        self._is_beside = True
        try:
            yield
        finally:
            self._is_beside = False

    def defer(self, tables: AbstractSet[str], write: Callable[[], None]) -> None:
        """Call `write` before the next statement that touches one of `tables`."""
        assert self._write is None, "the write that was deferred before has been made"
        self._tables, self._write = tables, write

    def drop(self) -> None:
        """Forget the deferred write."""
        self._tables, self._write = frozenset(), None

    def before(self, statement: Statement) -> None:
        """Make the deferred write if a statement touches its tables."""
        if self._write is None or self._is_beside or self._tables.isdisjoint(statement.tables):
            return
        self.write()

    def write(self) -> None:
        """Make the deferred write now, if there is one. Its own statements defer nothing."""
        write, self._write = self._write, None
        if write is not None:
            write()
