"""What a pass may know of the store, and what a pass is."""

from collections.abc import Callable
from dataclasses import dataclass

from cij.compiler.sql.template import Statement


@dataclass(frozen=True, slots=True)
class Facts:
    """What is true of the store while one statement runs.

    `is_empty` tells whether a table holds no rows; it is asked only of tables for which the engine
    keeps the answer. `zones` are those whose instants are bound as parameters; None where statements
    look them up in the table `moment`. With `is_one_zone` the only zone is that of every customer.
    `rows` is about how many customers the statement is for, 0 where nobody has counted them.
    """

    is_empty: Callable[[str], bool]
    zones: tuple[str, ...] | None = None
    is_one_zone: bool = False
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Pass:
    """`run` returns the rewritten statement, the same one where the pass does not apply, or None where
    the statement would change nothing."""

    name: str
    run: Callable[[Statement, Facts], Statement | None]
