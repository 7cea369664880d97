"""Scratch tables have had rows before the tick in which very many are written to them.

DuckDB reads a table on as many cores as it had rows for when the transaction began: one more for every
122,880. Saves a part of a mass wave on two cores or more. Applies once, in a store with `customers_min`
customers. Obsolete when the engine reads what a transaction has written on all cores.
"""

from cij.compiler.sql import query
from cij.compiler.sql.derived.due_in_place import CLEAR_DUE
from cij.compiler.sql.plan import CLEAR_ENTERED
from cij.runtime.moving.strategy import Strategy
from cij.runtime.statistics import customer_count
from cij.runtime.world import World

_FILL = (
    query("INSERT INTO tick_entered (customer) SELECT NULL FROM RANGE(250000) AS r"),
    query("INSERT INTO tick_due (passage) SELECT NULL FROM RANGE(250000) AS r"),
)


class WarmUp(Strategy):
    """Fills and empties the scratch tables once, outside of a transaction: rows that a transaction
    deletes itself have never been there."""

    name = "warm_up"

    def __init__(self, customers_min: int = 100_000) -> None:
        self.customers_min = customers_min
        self._is_done = False

    def begin_tick(self, world: World) -> None:
        if self._is_done or customer_count(world.engine) < self.customers_min:
            return
        for statement in (*_FILL, CLEAR_DUE, CLEAR_ENTERED):
            world.engine.execute(statement)
        self._is_done = True
