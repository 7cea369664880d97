"""The tables of customers that all programs share, and how other tables follow a merge."""

from cij.compiler.sql import query
from cij.compiler.sql.parameters import list_of

IDS = query(
    "SELECT c.id FROM customer AS c WHERE c.id IN (SELECT x.item FROM {ids} AS x)",
    ids=list_of("who"),
)
# For one alone, which takes a quarter of the time to plan.
ID = query("SELECT c.id FROM customer AS c WHERE c.id = $who")
COUNT = query("SELECT COUNT(*) FROM customer AS c")
