"""Segments: their query, and keeping their membership with the instant of joining."""

from collections.abc import Iterable

from pydantic import BaseModel
from sqlglot import exp

from cij.compiler import expression as ex, program as pg
from cij.compiler.parts import parts
from cij.compiler.sql.condition import condition
from cij.compiler.sql.plan.changes import next_change
from cij.compiler.sql.plan.context import text
from cij.compiler.sql.plan.parts import SegmentPlan
from cij.compiler.sql.scope import Catalog, Scope
from cij.compiler.sql.template import Statement, fill, query

_TIMED = (ex.Last, ex.Now, ex.Today)


def is_timed(inside: Iterable[BaseModel]) -> bool:
    """Tell whether a condition of these parts changes by the passing of time."""
    return any(isinstance(part, _TIMED) for part in inside)


def members(segment: pg.Segment, program: pg.Program) -> exp.Expr:
    """Return the query of a segment.

    Shape: one column `id`, one row a customer. Parameter: `now`.
    """
    scope = Scope(Catalog.of(program), customer="c")
    test = condition(segment.condition, scope)
    return fill("SELECT c.id FROM customer AS c WHERE {test}", test=test)


def segment_query(segment: pg.Segment, program: pg.Program) -> Statement:
    """Return the statement that lists the members of a segment, for people to read and run."""
    return Statement(members(segment, program))


def segment_size(segment: pg.Segment, program: pg.Program) -> Statement:
    """Return the statement that counts the members of a segment."""
    return query("SELECT COUNT(*) FROM {q} AS q", q=members(segment, program))


def segment_plan(segment: pg.Segment, program: pg.Program) -> SegmentPlan:
    """Return the statements that bring the table `segment_member` up to date."""
    name = text(segment.name)
    inside = deep_parts(segment.condition, program)
    return SegmentPlan(
        name=segment.name,
        refresh_s=segment.refresh_s if is_timed(inside) else None,
        reads_events=any(isinstance(p, ex.Aggregate) for p in inside),
        next_change=next_change(inside),
        members=query(
            "CREATE OR REPLACE TEMPORARY TABLE member_now AS SELECT q.id FROM {q} AS q",
            q=members(segment, program),
        ),
        leave=query(
            "DELETE FROM segment_member WHERE segment = {name} "
            "AND NOT EXISTS(SELECT 1 FROM member_now AS n WHERE n.id = segment_member.customer)",
            name=name,
        ),
        join=query(
            """
INSERT INTO segment_member (segment, customer, since)
SELECT {name}, n.id, $now FROM member_now AS n
WHERE NOT EXISTS(
  SELECT 1 FROM segment_member AS s WHERE s.segment = {name} AND s.customer = n.id
)
""",
            name=name,
        ),
    )


def deep_parts(
    node: BaseModel, program: pg.Program, seen: set[str] | None = None
) -> list[BaseModel]:
    """Return the parts of a condition with those of all segments and measures it uses."""
    seen = set() if seen is None else seen
    found: list[BaseModel] = []
    for part in parts(node):
        found.append(part)
        for name, inner in _used(part, program):
            if name not in seen:
                seen.add(name)
                found += deep_parts(inner, program, seen)
    return found


def _used(part: BaseModel, program: pg.Program) -> list[tuple[str, BaseModel]]:
    match part:
        case ex.Member(segment=name):
            return [(f"s {s.name}", s.condition) for s in program.segments if s.name == name]
        case ex.MeasureValue(measure=name):
            return [(f"m {m.name}", m.value) for m in program.measures if m.name == name]
    return []
