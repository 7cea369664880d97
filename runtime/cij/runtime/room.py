"""Room for very many who move at once.

DuckDB reads a table on as many cores as it had rows for when the transaction began, so the tables of
a tick into which very many are written have had rows before, which nobody sees.
"""

from cij.compiler.sql import query
from cij.compiler.sql.plan import CLEAR_DUE, CLEAR_ENTERED
from cij.runtime.crowd import count_customers
from cij.runtime.world import World

# A core more for every 122,880 rows.
_MAKE = (
    query("INSERT INTO tick_entered (customer) SELECT NULL FROM RANGE(250000) AS r"),
    query("INSERT INTO tick_due (passage) SELECT NULL FROM RANGE(250000) AS r"),
)
# Of so many customers very many may move at once.
_CUSTOMERS_MIN = 100_000


def make_room(world: World) -> None:
    """Do so once, where there are very many. Not in a transaction: rows that it deletes itself have
    never been there."""
    if world.has_room or count_customers(world.engine) < _CUSTOMERS_MIN:
        return
    for statement in (*_MAKE, CLEAR_DUE, CLEAR_ENTERED):
        world.engine.execute(statement)
    world.has_room = True
