"""The facts about the store that a pass may use, and the type of a pass."""

from collections.abc import Callable
from dataclasses import dataclass

from cij.compiler.sql.template import Statement


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts that hold while one statement runs.

    `is_empty` tells whether a table has no rows; it is called only for tables whose answer the
    engine caches. `zones` are the zones whose instants are bound as parameters; None where
    statements read the table `moment`. With `is_one_zone` all customers are in the only zone.
    With `has_one_instant` the own instants of all rows that move are the parameter `as_of` (S12).
    `rows` is the approximate number of customers that the statement is for; 0 where it is unknown.
    """

    is_empty: Callable[[str], bool]
    zones: tuple[str, ...] | None = None
    is_one_zone: bool = False
    has_one_instant: bool = False
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Pass:
    """A pass with its name.

    `run` returns the rewritten statement; the same one where the pass does not apply; None where
    the statement would change nothing.
    """

    name: str
    run: Callable[[Statement, Facts], Statement | None]
