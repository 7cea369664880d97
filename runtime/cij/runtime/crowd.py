"""How many customers there are, which decides how few or many are best moved."""

from cij.compiler.sql import query
from cij.runtime.engine import Engine

_CUSTOMERS = query("SELECT COUNT(*) FROM customer AS c")


def count_customers(engine: Engine) -> int:
    """Return how many customers there are; counted once until that changes."""
    count: int = engine.rows(_CUSTOMERS)[0][0]
    return count
