"""Queries about a period for reports: by day, by hour, by reason.

Parameters: `start` and `end`, both included, and `zone`, the zone of the local days and hours.
"""

from cij.compiler.sql.columns import column
from cij.compiler.sql.condition import to_local
from cij.compiler.sql.plan.days import local_day
from cij.compiler.sql.plan.governing import RESTS
from cij.compiler.sql.template import Statement, fill, query

_WITH_OUTCOME = "CONCAT(x.message, ' (', x.outcome, ')')"


def _counted(table: str, at: str, name: str, which: str = "TRUE") -> Statement:
    return query(
        f"SELECT {{day}} AS day, x.journey, {name} AS name, COUNT(*) FROM {table} AS x "
        f"WHERE x.{at} >= $start AND x.{at} <= $end AND {which} GROUP BY 1, 2, 3",
        day=local_day("x", at),
    )


COUNTS: dict[str, Statement] = {
    "entered": _counted("passage", "entered_at", "''"),
    "sent": _counted("outbox", "created_at", _WITH_OUTCOME, "x.channel <> 'action'"),
    "done": _counted("outbox", "created_at", _WITH_OUTCOME, "x.channel = 'action'"),
    "converted": _counted("conversion", "at", "x.goal"),
    "ended": _counted("passage", "ended_at", "x.outcome"),
}

# A stay lasts from one move to the next, or to the end of the passage. The number of passages at a
# state at the end of a day is the sum of arrivals and departures up to then. Shape: (journey,
# state, day, difference).
_STAYS = """
SELECT p.journey, v.state, GREATEST(m.at, $start) AS since, COALESCE(
  LEAD(m.at) OVER (PARTITION BY m.passage ORDER BY m.rowid), p.ended_at) AS until
FROM move AS m
JOIN passage AS p ON p.id = m.passage
JOIN (SELECT w.path, ARG_MAX(w.state, w.n) AS state FROM visit AS w GROUP BY w.path) AS v
  ON v.path = m.path
"""
CHANGES = query(
    """
SELECT d.journey, d.state, d.day, SUM(d.n) FROM (
  SELECT s.journey, s.state, {came} AS day, 1 AS n FROM {stays} AS s
  WHERE s.since <= $end AND (s.until IS NULL OR s.until > s.since)
  UNION ALL
  SELECT s.journey, s.state, {left} AS day, -1 AS n FROM {stays} AS s
  WHERE s.until <= $end AND s.until > s.since
) AS d GROUP BY d.journey, d.state, d.day ORDER BY d.journey, d.state, d.day
""",
    stays=fill(_STAYS),
    came=local_day("s", "since"),
    left=local_day("s", "until"),
)

# Shape: (journey, people), of those who entered in the period; all journeys together have no name.
PEOPLE = query(
    """
SELECT p.journey, COUNT(DISTINCT p.customer) FROM passage AS p
WHERE p.entered_at >= $start AND p.entered_at <= $end GROUP BY p.journey
UNION ALL
SELECT '', COUNT(DISTINCT p.customer) FROM passage AS p
WHERE p.entered_at >= $start AND p.entered_at <= $end
ORDER BY 1
"""
)

# Where passages stood that ended in the period. The last move of a passage leads to its end, but for
# those that an order or the data has ended; who never stood anywhere has no step.
LEFT = query(
    """
SELECT r.journey, COALESCE(s.state, '') AS step, r.outcome, COUNT(*) FROM passage AS r
LEFT JOIN (
  SELECT m.passage, v.state, ROW_NUMBER() OVER (PARTITION BY m.passage ORDER BY m.rowid DESC) AS back
  FROM move AS m
  JOIN (SELECT w.path, ARG_MAX(w.state, w.n) AS state FROM visit AS w GROUP BY w.path) AS v
    ON v.path = m.path
) AS s ON s.passage = r.id
  AND s.back = CASE WHEN r.cause IN ('gone', 'merged', 'stopped') THEN 1 ELSE 2 END
WHERE r.ended_at >= $start AND r.ended_at <= $end
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
)

HOURS = query(
    "SELECT DATE_TRUNC('hour', {at}) AS hour, x.channel, COUNT(*) FROM outbox AS x "
    "WHERE x.created_at >= $start AND x.created_at <= $end "
    "AND x.outcome IN ('queued', 'delivered') GROUP BY 1, 2 ORDER BY 2, 1",
    at=to_local(column("x", "created_at"), fill("$zone")),
)

NOT_SENT = query(
    "SELECT x.channel, x.message, x.outcome, MIN(x.reason) AS reason, COUNT(*) FROM outbox AS x "
    "WHERE x.created_at >= $start AND x.created_at <= $end "
    "AND NOT x.outcome IN ('queued', 'delivered') "
    # The reason of a failure may hold a value of the customer: it is one line with a count.
    "GROUP BY x.channel, x.message, x.outcome, "
    "CASE WHEN x.outcome = 'failed' THEN '' ELSE x.reason END ORDER BY 1, 2, 3, 4"
)

# The effects of rules of sending by local day. Shape: (day, effect, rule, times). A message that is
# held twice counts twice.
EFFECTS = query(
    """
SELECT e.day, e.effect, e.rule, COUNT(*) FROM (
  SELECT {queued} AS day, x.outcome AS effect, x.reason AS rule FROM outbox AS x
  WHERE x.created_at >= $start AND x.created_at <= $end
    AND x.outcome IN ('capped', 'expired', 'suppressed', 'no_consent')
  UNION ALL
  SELECT {came} AS day, 'held' AS effect, v.rule FROM move AS m
  JOIN {rests} AS v ON v.path = m.path
  WHERE m.at >= $start AND m.at <= $end
) AS e GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
""",
    queued=local_day("x", "created_at"),
    came=local_day("m", "at"),
    rests=fill(
        "SELECT w.path, MAX(CASE "
        + " ".join(f"WHEN w.state LIKE '%{tail}' THEN '{why}'" for tail, why in RESTS.items())
        + " END) AS rule FROM visit AS w GROUP BY w.path HAVING NOT rule IS NULL"
    ),
)
