"""The query for the figures of a measure over customers, in groups by a field of theirs."""

from sqlglot import exp

from cij.compiler.program import Measure, Program, Segment
from cij.compiler.sql.columns import column, named, select
from cij.compiler.sql.condition import value
from cij.compiler.sql.plan.segments import is_member
from cij.compiler.sql.scope import Catalog, Scope
from cij.compiler.sql.template import Statement, fill, query

# Shares of the percentiles. Each is the value of a customer (nearest rank), so nothing is rounded.
PERCENTILES = ("0.25", "0.5", "0.75", "0.9")
_ADDED = ("integer", "decimal", "money", "percent", "duration")


def is_added(measure: Measure) -> bool:
    """Tell whether the values of a measure can be added."""
    return measure.value.type.kind in _ADDED


def figures(
    measure: Measure, program: Program, by: str | None, within: Segment | None
) -> Statement:
    """Return the query for the figures of a measure, for all customers or the members of a segment.

    Shape: a row for each value of the field `by`, or one: that value (null where unknown); customers;
    those whose value is known; different values; their sum (null where they cannot be added); the
    smallest; one for each of PERCENTILES; the largest. In order of `by`. Parameter: `now`.
    """
    scope = Scope(Catalog.of(program), customer="c")
    group = exp.null() if by is None else column("c", by)
    rows = select(
        [named(group, "g"), named(value(measure.value, scope), "v")],
        "SELECT 1 FROM customer AS c WHERE {test}",
        test=exp.true() if within is None else is_member(within, program),
    )
    sum = fill("SUM(m.v)") if is_added(measure) else exp.null()
    ranks = [fill(f"PERCENTILE_DISC({share}) WITHIN GROUP (ORDER BY m.v)") for share in PERCENTILES]
    counts = [fill("COUNT(*)"), fill("COUNT(m.v)"), fill("COUNT(DISTINCT m.v)")]
    ends = [fill("MIN(m.v)"), *ranks, fill("MAX(m.v)")]
    columns = [column("m", "g"), *counts, sum, *ends]
    found = select(
        [named(tree, f"x{n}") for n, tree in enumerate(columns)],
        "SELECT 1 FROM {rows} AS m GROUP BY m.g",
        rows=rows,
    )
    return query("SELECT f.* FROM {rows} AS f ORDER BY f.x0", rows=found)
