"""How the members of a segment would change by a run."""

from cij.compiler.program import Program, Segment
from cij.compiler.sql.control import ABSENT
from cij.compiler.sql.interning import numbered
from cij.compiler.sql.plan.segments import members
from cij.compiler.sql.template import Statement, query


def audience(segment: Segment, program: Program) -> Statement:
    """Return the query for (who joins, who leaves, who is inside after) of a segment.

    `plan_member` has the members of before. An absent customer stays inside.
    """
    return query(
        f"""
SELECT COUNT(*) FILTER (WHERE b.id IS NULL), COUNT(*) FILTER (WHERE n.id IS NULL),
  COUNT(*) FILTER (WHERE NOT n.id IS NULL)
FROM {{members}} AS n
FULL JOIN (
  SELECT p.customer AS id FROM plan_member AS p
  WHERE p.segment = {{name}} AND NOT p.customer IN ({ABSENT})
) AS b ON b.id = n.id
""",
        members=members(segment, program),
        name=numbered(segment.name),
    )
