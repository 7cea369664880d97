"""Queries about the members of segments: their fields, and how segments overlap."""

from collections.abc import Sequence

from sqlglot import exp

from cij.compiler.program import Program, Segment
from cij.compiler.sql.columns import column, named, select
from cij.compiler.sql.condition import value
from cij.compiler.sql.plan.segments import is_member
from cij.compiler.sql.scope import Catalog, Scope
from cij.compiler.sql.template import Statement, fill, query


def members_with(segment: Segment, names: Sequence[str], program: Program) -> Statement:
    """Return the query for the members of a segment, by id, with fields and measures of theirs.

    Shape: `id`, then v0, v1, ... in the order of `names`; null where a value is unknown. Parameter: `now`.
    """
    measures = {m.name: m.value for m in program.measures}
    scope = Scope(Catalog.of(program), customer="c")
    columns = [column("c", "id")]
    for n, name in enumerate(names):
        tree = value(measures[name], scope) if name in measures else column("c", name)
        columns.append(named(tree, f"v{n}"))
    rows = select(
        columns,
        "SELECT 1 FROM customer AS c WHERE {test}",
        test=is_member(segment, program),
    )
    return query("SELECT m.* FROM {rows} AS m ORDER BY m.id", rows=rows)


def overlap(segments: Sequence[Segment], program: Program) -> Statement:
    """Return the query for how many customers are in both of each two segments.

    Shape: one row, with the number of customers; then for the first segment how many of its members are
    in the first, the second, and so on; then for the next segments likewise. Parameter: `now`.
    """
    tests = [named(is_member(one, program), f"s{n}") for n, one in enumerate(segments)]
    rows = select(tests, "SELECT 1 FROM customer AS c")
    counts: list[exp.Expr] = [fill("COUNT(*)")]
    for a in range(len(segments)):
        for b in range(len(segments)):
            both = fill("{a} AND {b}", a=column("m", f"s{a}"), b=column("m", f"s{b}"))
            counts.append(fill("COUNT(*) FILTER (WHERE {both})", both=both))
    return Statement(select(counts, "SELECT 1 FROM {rows} AS m", rows=rows))
