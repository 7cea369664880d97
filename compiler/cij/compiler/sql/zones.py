"""The table of zones, from which every engine computes the same local time (S4).

    zone(name, utc_from, utc_to, local_from, local_to, offset_s)

A row is a period of constant offset. Both intervals are half-open and without gaps, so an instant
and a local time are each in exactly one row of their zone. A local time that is skipped or repeated
is in the row for which `GREATEST(local - offset, utc_from)` is the instant of S4.
"""

from sqlglot import exp

from cij.compiler.sql.columns import literal
from cij.compiler.sql.template import fill, query

NAMES = query("SELECT DISTINCT zone.name FROM zone")

# Values of the field `timezone` that are no zones, each with the number of customers and one of
# them.
UNKNOWN = query(
    "SELECT c.timezone, COUNT(*), MIN(c.id) FROM customer AS c WHERE c.timezone <> c.zone "
    "GROUP BY c.timezone ORDER BY COUNT(*) DESC, c.timezone LIMIT 20"
)

UTC_NAMES = frozenset({"UTC", "Etc/UTC", "Z", "Zulu", "Etc/UCT", "GMT", "Etc/GMT"})


def periods(zone: str) -> exp.Expr:
    """Return the rows of one zone with a local time, for the right side of an ASOF join.

    A period that a change of the clock hides has no local time. ASOF would choose it wrongly.
    """
    return fill(
        "(SELECT z.local_from, z.utc_from, z.offset_s FROM zone AS z "
        "WHERE z.name = {zone} AND z.local_from < z.local_to)",
        zone=literal(zone),
    )
