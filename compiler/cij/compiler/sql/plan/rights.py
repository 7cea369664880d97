"""The right to enter: those who joined a segment while an earlier passage kept them out (S7).

    members who join --keep--> entry_right --free--> tick_right --candidates, find--> entering

The right is kept while the person stays in the segment, and used as soon as the end of the earlier passage
and `again after` allow it. A journey that is `again never` knows none: an earlier passage keeps them out
for good. Neither does an entry by the calendar.
"""

from sqlglot import exp

from cij.compiler import program as pg
from cij.compiler.sql.condition import column
from cij.compiler.sql.interning import numbered
from cij.compiler.sql.local_time import after
from cij.compiler.sql.making import make
from cij.compiler.sql.plan.context import Context
from cij.compiler.sql.plan.entering import (
    add_candidates,
    blocks,
    enter_by,
    members_who_join,
    now_as_candidate,
)
from cij.compiler.sql.plan.plan_parts import EntryPlan, RightsPlan
from cij.compiler.sql.template import Statement, fill, query

# A right is lost with the membership. Those who left and joined again have joined anew.
LAPSE = query(
    """
DELETE FROM entry_right WHERE NOT EXISTS(
  SELECT 1 FROM segment_member AS s WHERE s.segment = entry_right.segment
    AND s.customer = entry_right.customer AND s.since = entry_right.since
)
"""
)

_KEEP = """
INSERT INTO entry_right (journey, customer, segment, since)
SELECT {journey}, x.customer, x.segment, m.since
FROM {members} AS x
JOIN customer AS c ON c.id = x.customer
JOIN segment_member AS m ON m.segment = x.segment AND m.customer = x.customer
WHERE EXISTS(
  SELECT 1 FROM passage_row AS p
  WHERE p.journey = {journey} AND p.customer = x.customer AND {blocks}
) AND NOT EXISTS(
  SELECT 1 FROM entry_right AS r WHERE r.journey = {journey} AND r.customer = x.customer
)
"""
# Who has just got a right does not wait in the queue of a limit.
_STAND_BACK = """
DELETE FROM tick_candidate WHERE tick_candidate.trigger IS NULL AND tick_candidate.customer IN (
  SELECT r.customer FROM entry_right AS r WHERE r.journey = {journey}
)
"""

_FREE = """
SELECT x.customer, x.segment
FROM (
  SELECT r.customer, r.segment, '' AS entry_key, $now AS as_of FROM entry_right AS r
  WHERE r.journey = {journey}
) AS x
JOIN customer AS c ON c.id = x.customer
WHERE NOT EXISTS(
  SELECT 1 FROM passage_row AS p
  WHERE p.journey = {journey} AND p.customer = x.customer AND {blocks}
)
"""
_BY_RIGHT = "SELECT t.customer, {rest}, t.segment FROM tick_right AS t"
_USE = """
DELETE FROM entry_right WHERE entry_right.journey = {journey}
  AND entry_right.customer IN (SELECT t.customer FROM tick_right AS t)
"""

# Rights that wait for the end of a passage have no instant: it comes with the end.
_NEXT = """
SELECT MIN(f.at) AS at
FROM (
  SELECT r.customer, MAX({free}) AS at
  FROM entry_right AS r
  JOIN customer AS c ON c.id = r.customer
  JOIN passage_row AS p ON p.journey = r.journey AND p.customer = r.customer
  WHERE r.journey = {journey}
  GROUP BY r.customer
  HAVING COUNT(*) = COUNT(p.ended_at)
) AS f
"""


def rights(context: Context) -> RightsPlan | None:
    """Return the statements for the rights of a journey; None where it knows none."""
    journey = context.journey
    joins = any(isinstance(e, pg.SegmentEntry) and e.every is None for e in journey.entries)
    if journey.again == "never" or not joins:
        return None
    holes = {"journey": numbered(journey.name)}
    return RightsPlan(
        free=Statement.later(
            lambda: make("tick_right", fill(_FREE, blocks=blocks(journey, context), **holes))
        ),
        entry=EntryPlan(
            segment=None,
            is_once=False,
            every=None,
            candidates=Statement.later(lambda: add_candidates(_by_right(), len(journey.entries))),
            find=Statement.later(lambda: enter_by(_by_right(), context)),
        ),
        use=query(_USE, **holes),
        stand_back=query(_STAND_BACK, **holes),
        next_free=Statement.later(lambda: query(_NEXT, free=_free_at(context), **holes)),
    )


def keep(entry: pg.SegmentEntry, context: Context) -> Statement | None:
    """Return the statement that keeps the right of members who join and may not enter now.

    Parameters: as for the entry.
    """
    journey = context.journey
    if journey.again == "never" or entry.every is not None:
        return None
    return Statement.later(
        lambda: query(
            _KEEP,
            journey=numbered(journey.name),
            members=members_who_join(entry, context),
            blocks=blocks(journey, context),
        )
    )


def _by_right() -> exp.Expr:
    return now_as_candidate(_BY_RIGHT)


def _free_at(context: Context) -> exp.Expr:
    ended = column("p", "ended_at")
    period = context.journey.again_after
    return ended if period is None else after(ended, period, context.scope)
