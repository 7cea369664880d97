"""The queue in front of a journey: customers who may not enter yet.

Customers wait here while a limit of a period is used up or the journey is paused (S22). When they
are next, they are tested as if they came now. Those who are suppressed, may not enter again, or
have left the segment are refused with the reason. The table has only customers who wait.

    entering --ADD--> entry_queue --turn--> tick_dequeued --TURN_AWAY, REMOVE, ENTER--> entering

Parameters: `journey`, `now`; `reason` where the caller gives it; `earliest`, the instant from which
there was room for the next customers of the queue.
"""

from cij.compiler import expression as ex, program as pg
from cij.compiler.sql.condition import condition
from cij.compiler.sql.interning import numbered
from cij.compiler.sql.plan.context import Context, all_of, text
from cij.compiler.sql.plan.entering import blocks, suppresses
from cij.compiler.sql.plan.waking import per_key
from cij.compiler.sql.template import Statement, fill, query

NOBODY = query("DELETE FROM tick_candidate")
# A customer of two entries is a candidate once, by the entry that is written first.
ONCE = query(
    "DELETE FROM tick_candidate WHERE EXISTS(SELECT 1 FROM tick_candidate AS x "
    "WHERE x.customer = tick_candidate.customer AND x.entry_key = tick_candidate.entry_key "
    "AND x.entry < tick_candidate.entry)"
)
# Numbers follow the order of arrival: events by their time, members of a segment by their id.
ADD = query(
    """
INSERT INTO entry_queue (number, journey, customer, entry_key, trigger, entered_from, segment,
  queued_at)
SELECT k.value + ROW_NUMBER() OVER (ORDER BY x.counts_from, x.customer, x.entry_key),
  $journey, x.customer, x.entry_key, x.trigger, x.counts_from, x.segment, x.as_of
FROM tick_candidate AS x
JOIN counter AS k ON k.name = 'queue'
WHERE NOT EXISTS(
  SELECT 1 FROM entry_queue AS q
  WHERE q.journey = $journey AND q.customer = x.customer AND q.entry_key = x.entry_key
)
"""
)

COUNT_ADDED = query(
    """
UPDATE counter SET value = GREATEST(value, COALESCE(
  (SELECT MAX(q.number) FROM entry_queue AS q WHERE q.number > counter.value), value))
WHERE name = 'queue'
"""
)

REFUSE = query(
    """
INSERT INTO turned_away (journey, customer, entry_key, trigger, at, reason)
SELECT $journey, x.customer, x.entry_key, x.trigger, x.as_of, $reason FROM tick_candidate AS x
"""
)

# All customers of the queue, with one reason.
ALL = query(
    """
CREATE OR REPLACE TEMPORARY TABLE tick_dequeued AS
SELECT q.number, q.customer, q.entry_key, q.trigger, $reason AS reason
FROM entry_queue AS q WHERE q.journey = $journey
"""
)

# `place` counts the customers who may enter. Customers after the last free place stay in the queue,
# also those who would be refused: they are tested when they are next.
_TURN = """
CREATE OR REPLACE TEMPORARY TABLE tick_dequeued AS
SELECT z.number, z.customer, z.entry_key, z.trigger, z.segment, z.counts_from, z.as_of, z.reason,
  z.place
FROM (
  SELECT y.number, y.customer, y.entry_key, y.trigger, y.segment, y.counts_from, y.as_of,
    y.reason, SUM(CASE WHEN y.reason IS NULL THEN 1 ELSE 0 END)
    OVER (ORDER BY y.number ROWS UNBOUNDED PRECEDING) AS place
  FROM {tested} AS y
) AS z
WHERE (z.reason IS NULL AND z.place <= $capacity)
  OR (NOT z.reason IS NULL AND z.place < $capacity)
"""

_TESTED = """
SELECT x.number, x.customer, x.entry_key, x.trigger, x.segment,
  CASE WHEN x.queued_at = x.as_of THEN x.entered_from ELSE x.as_of END AS counts_from,
  x.as_of,
  CASE
    WHEN c.id IS NULL THEN 'gone'
    WHEN NOT x.segment IS NULL AND NOT EXISTS(
      SELECT 1 FROM segment_member AS s
      WHERE s.segment = x.segment AND s.customer = x.customer
    ) THEN 'left the segment'
    WHEN {suppress} THEN 'suppressed'
    WHEN x.copy > 1 OR EXISTS(
      SELECT 1 FROM passage_row AS p
      WHERE p.journey = {number} AND p.customer = x.customer AND {blocks}
    ) THEN 'again'
  END AS reason
FROM (
  SELECT q.number, q.customer, q.entry_key, q.trigger, q.segment, q.queued_at, q.entered_from,
    GREATEST(q.queued_at, $earliest) AS as_of, ROW_NUMBER() OVER (PARTITION BY q.customer, q.entry_key ORDER BY q.number) AS copy
  FROM entry_queue AS q WHERE q.journey = {journey}
) AS x
LEFT JOIN customer AS c ON c.id = x.customer
"""

TURN_AWAY = query(
    """
INSERT INTO turned_away (journey, customer, entry_key, trigger, at, reason)
SELECT $journey, t.customer, t.entry_key, t.trigger, $now, t.reason
FROM tick_dequeued AS t WHERE NOT t.reason IS NULL
"""
)
REMOVE = query("DELETE FROM entry_queue WHERE number IN (SELECT t.number FROM tick_dequeued AS t)")
ENTER = query(
    """
INSERT INTO tick_candidate (customer, trigger, entry_key, counts_from, as_of, segment, entry)
SELECT t.customer, t.trigger, t.entry_key, t.counts_from, t.as_of, t.segment, 0
FROM tick_dequeued AS t WHERE t.reason IS NULL
"""
)
# The own instants of those in the queue (`_TURN`), for calendar steps.
NOTE_QUEUED = query(
    """
INSERT INTO tick_instant (as_of)
SELECT DISTINCT GREATEST(q.queued_at, $earliest) FROM entry_queue AS q
WHERE q.journey = $journey
  AND NOT GREATEST(q.queued_at, $earliest) IN (SELECT i.as_of FROM tick_instant AS i)
"""
)
WAITING = query("SELECT q.journey, COUNT(*) FROM entry_queue AS q GROUP BY q.journey")


def turn(context: Context) -> Statement:
    """Return the statement that takes the next customers of the queue, at most `capacity` who may
    enter.

    Shape of `tick_dequeued`: one row for each, with `reason` null where they enter.
    """
    journey = context.journey
    tested = fill(
        _TESTED,
        suppress=suppresses(journey, context),
        blocks=blocks(journey, context),
        number=numbered(journey.name),
        **context.names,
    )
    return query(_TURN, tested=context.with_triggers(tested, "x", journey.suppress))


# The row of the queue has the alias `p`, because conditions over a passage read the same columns.
_LEAVES = """
SELECT p.number, p.customer, p.entry_key, p.trigger
FROM tick_event AS f
JOIN {events} AS e ON e.seq = f.seq
JOIN entry_queue AS p ON p.customer = f.customer
JOIN customer AS c ON c.id = p.customer
WHERE f.event = {event} AND f.round = $round AND p.journey = {journey}
  AND e.at >= p.entered_from AND COALESCE(p.trigger, -1) <> e.seq AND {conditions}
"""


def leaves(
    event: pg.Event, where: ex.Expression | None, reason: str, context: Context
) -> Statement:
    """Return the statement that finds customers of the queue whose event meets a goal or an
    exit."""
    conditions = (
        [condition(where, context.scope.with_event("e").as_of("f"))] if where is not None else []
    )
    rows = fill(
        _LEAVES,
        events=f"event_{event.name}",
        event=text(event.name),
        conditions=all_of(conditions + per_key(event, context)),
        **context.names,
    )
    return query(
        "CREATE OR REPLACE TEMPORARY TABLE tick_dequeued AS "
        "SELECT r.number, r.customer, r.entry_key, r.trigger, {reason} AS reason FROM {rows} AS r",
        rows=context.with_triggers(rows, "p", where),
        reason=text(reason),
    )
