"""The table `customer`, as far as it says who agrees to a topic."""

from functools import cache

from cij.compiler.sql import Statement, query
from cij.compiler.sql.columns import column
from cij.compiler.sql.parameters import list_of


@cache
def granted(consent: str) -> Statement:
    """Return the statement for those of some customers who agree, by the column of a consent."""
    return query(
        "SELECT c.id FROM customer AS c WHERE {agreed} "
        "AND c.id IN (SELECT l.item FROM {people} AS l)",
        agreed=column("c", consent),
        people=list_of("customers"),
    )
