"""Queries over the table `customer` that do not depend on a program."""

from cij.compiler.sql import query
from cij.compiler.sql.parameters import list_of

IDS = query(
    "SELECT c.id FROM customer AS c WHERE c.id IN (SELECT x.item FROM {ids} AS x)",
    ids=list_of("who"),
)
# For a single id, because the engine plans this in a quarter of the time.
ID = query("SELECT c.id FROM customer AS c WHERE c.id = $who")
COUNT = query("SELECT COUNT(*) FROM customer AS c")
