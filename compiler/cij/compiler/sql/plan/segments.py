"""Segments: their query, and the statements that keep their members with the instant of joining."""

from collections.abc import Iterable
from functools import lru_cache

from pydantic import BaseModel
from sqlglot import exp

from cij.compiler import expression as ex, program as pg
from cij.compiler.sql.condition import condition
from cij.compiler.sql.control import ABSENT
from cij.compiler.sql.interning import numbered
from cij.compiler.sql.making import make
from cij.compiler.sql.plan.context import text
from cij.compiler.sql.plan.next_change import next_change
from cij.compiler.sql.plan.plan_parts import SegmentPlan
from cij.compiler.sql.scope import Catalog, Scope
from cij.compiler.sql.template import Statement, fill, query
from cij.compiler.walk import walk

_TIMED = (ex.Last, ex.Now, ex.Today)


def is_timed(inside: Iterable[BaseModel]) -> bool:
    """Tell whether time alone can change a condition with these parts."""
    return any(isinstance(part, _TIMED) for part in inside)


def members(segment: pg.Segment, program: pg.Program) -> exp.Select:
    """Return the query of a segment among all customers.

    Shape: one column `id`, one row for each member. Parameter: `now`.
    """
    found = fill("SELECT c.id FROM customer AS c WHERE {test}", test=is_member(segment, program))
    assert isinstance(found, exp.Select), "a segment is a query"
    return found


def is_member(segment: pg.Segment, program: pg.Program) -> exp.Expr:
    """Return the condition that the customer `c` is in a segment."""
    return condition(segment.condition, Scope(Catalog.of(program), customer="c"))


def segment_query(segment: pg.Segment, program: pg.Program) -> Statement:
    """Return the statement that lists the members of a segment, for people to read and run."""
    return Statement(members(segment, program))


def segment_size(segment: pg.Segment, program: pg.Program) -> Statement:
    """Return the statement that counts the members of a segment."""
    return query("SELECT COUNT(*) FROM {q} AS q", q=members(segment, program))


def segment_plan(segment: pg.Segment, program: pg.Program) -> SegmentPlan:
    """Return the statements that bring the table `segment_member` up to date."""
    name = numbered(segment.name)
    inside = deep_parts(segment.condition, program)
    # An event changes the membership of its own customer only, unless customers are ranked.
    is_own = not any(isinstance(p, ex.TopShare) for p in inside)
    return SegmentPlan(
        name=segment.name,
        refresh_s=segment.refresh_s if is_timed(inside) else None,
        events=tuple(dict.fromkeys(p.event for p in inside if isinstance(p, ex.Aggregate))),
        next_change=next_change(inside),
        members=Statement.later(lambda: _members_now(members(segment, program))),
        members_active=Statement.later(
            lambda: _members_now(members(segment, program).where(fill(_IS_ACTIVE)))
        )
        if is_own
        else None,
        first=Statement.later(lambda: query(_FIRST, name=name, members=members(segment, program))),
        somebody=query(_SOMEBODY, name=name),
        leave=Statement.later(lambda: query(_LEAVE + _UNLESS_AWAY, name=name)),
        leave_active=Statement.later(lambda: query(_LEAVE + _UNLESS_AWAY + _IF_ACTIVE, name=name)),
        join=Statement.later(lambda: query(_JOIN, name=name)),
    )


_IS_ACTIVE = "c.id IN (SELECT a.customer FROM tick_active AS a)"

_LEAVE = """
DELETE FROM segment_member WHERE segment = {name}
  AND NOT EXISTS(SELECT 1 FROM tick_member AS n WHERE n.id = segment_member.customer)
"""
# An absent customer stands still: if they come back, they have not joined the segment again (S24).
_UNLESS_AWAY = f"AND NOT segment_member.customer IN ({ABSENT}) "
_IF_ACTIVE = "AND segment_member.customer IN (SELECT a.customer FROM tick_active AS a)"

# For a segment without members. Then no customer can leave, and none can be in it already.
_FIRST = """
INSERT INTO segment_member (segment, customer, since)
SELECT {name}, q.id, $now FROM {members} AS q
"""
_SOMEBODY = "SELECT 1 FROM segment_member AS s WHERE s.segment = {name} LIMIT 1"

# An anti-join, not NOT EXISTS: where `segment_member` is empty DuckDB evaluates NOT EXISTS for each
# row.
_JOIN = """
INSERT INTO segment_member (segment, customer, since)
SELECT {name}, n.id, $now
FROM tick_member AS n
LEFT JOIN segment_member AS s ON s.segment = {name} AND s.customer = n.id
WHERE s.customer IS NULL
"""


def _members_now(found: exp.Select) -> Statement:
    return make("tick_member", found)


@lru_cache(maxsize=1024)
def active_customers(event: str) -> Statement:
    """Return the statement that adds the customers of new events of one name to `tick_active`.

    New are events with a number above `taken`, and events that arrived before their own time, which
    has come now.
    """
    return query(
        """
INSERT INTO tick_active (customer)
SELECT e.customer FROM {events} AS e
WHERE e.seq > $taken AND e.at <= $now AND NOT e.customer IS NULL
UNION
SELECT e.customer FROM ahead_event AS a JOIN {events} AS e ON e.seq = a.seq
WHERE a.at <= $now AND a.event = {name} AND NOT e.customer IS NULL
""",
        events=f"event_{event}",
        name=text(event),
    )


def deep_parts(
    node: BaseModel, program: pg.Program, seen: set[str] | None = None
) -> list[BaseModel]:
    """Return the parts of a condition, with those of all segments and measures that it uses."""
    seen = set() if seen is None else seen
    found: list[BaseModel] = []
    for part in walk(node):
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
