"""How many customers there are, which decides how few or many are best moved."""

from cij.compiler.sql import query
from cij.runtime.engine import Engine

_CUSTOMERS = query("SELECT COUNT(*) FROM customer AS c")


def customer_count(engine: Engine) -> int:
    """Return the number of customers; the engine counts again only after they have changed."""
    count: int = engine.rows(_CUSTOMERS)[0][0]
    return count
