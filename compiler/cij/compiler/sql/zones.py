"""The table of zones: from it every engine computes the same local time (S4).

    zone(name, utc_from, utc_to, local_from, local_to, offset_s)

One row a period of constant offset. Both intervals are half-open and without holes, so an instant
and a local time each fall into exactly one row of their zone. A local time that a change skips or
repeats falls into the row that gives `GREATEST(local - offset, utc_from)` its meaning of S4.
"""

from sqlglot import exp

from cij.compiler.sql.columns import literal
from cij.compiler.sql.template import fill, query

NAMES = query("SELECT DISTINCT zone.name FROM zone")

# Names that customers have in their field `timezone` and that are no zones; of each, one customer.
UNKNOWN = query(
    "SELECT c.timezone, COUNT(*), MIN(c.id) FROM customer AS c WHERE c.timezone <> c.zone "
    "GROUP BY c.timezone ORDER BY COUNT(*) DESC, c.timezone LIMIT 20"
)

UTC_NAMES = frozenset({"UTC", "Etc/UTC", "Z", "Zulu", "Etc/UCT", "GMT", "Etc/GMT"})


def periods(zone: str) -> exp.Expr:
    """Return the rows of one zone that hold some local time: right side of an ASOF join."""
    return fill(
        "(SELECT z.local_from, z.utc_from, z.offset_s FROM zone AS z "
        "WHERE z.name = {zone} AND z.local_from < z.local_to)",
        zone=literal(zone),
    )
