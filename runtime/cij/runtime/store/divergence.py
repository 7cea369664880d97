"""Queries that compare what two programs did to each customer in a replayed period.

happening(journey, customer, i, what, name, at)   `i` numbers what happened to a customer in a journey
"""

from cij.compiler.sql import query
from cij.compiler.sql.making import make, scratch

COLUMNS = (
    *(("journey", "VARCHAR"), ("customer", "VARCHAR"), ("i", "BIGINT"), ("what", "VARCHAR")),
    *(("name", "VARCHAR"), ("at", "TIMESTAMP")),
)
# What people notice: that they are in a journey, what they get, and how it ends.
_ALL = """
SELECT p.journey, p.customer, 0 AS o, 'enters' AS what, '' AS name, p.entered_at AS at
FROM passage AS p WHERE p.entered_at >= $start AND NOT p.is_held_out
UNION ALL
SELECT x.journey, x.customer, 1 AS o, 'gets' AS what, x.message AS name, x.created_at AS at
FROM outbox AS x WHERE x.created_at >= $start
  AND x.outcome IN ('queued', 'sending', 'delivered', 'uncertain')
UNION ALL
SELECT p.journey, p.customer, 2 AS o, 'leaves as' AS what, p.outcome AS name, p.ended_at AS at
FROM passage AS p WHERE NOT p.ended_at IS NULL AND NOT p.is_held_out
"""
_NUMBERED = f"""
SELECT h.journey, h.customer, ROW_NUMBER() OVER (
  PARTITION BY h.journey, h.customer ORDER BY h.at, h.o, h.name) AS i, h.what, h.name, h.at
FROM ({_ALL}) AS h
"""
HAPPENED = query(_NUMBERED)
NEWER = make("replay_newer", _NUMBERED)
OLDER = scratch("replay_older", COLUMNS)
# The customers of journeys who are compared, and those for whom nothing differs.
COUNTED = query(
    """
SELECT COUNT(*) FROM (
  SELECT journey, customer FROM replay_older UNION SELECT journey, customer FROM replay_newer
) AS c
"""
)
# The first difference of each customer, by kind, with the first customer as the example. Shape: (journey,
# kind, before, after, customers, customer, instant before, instant after).
DIVERGED = query(
    """
SELECT d.journey, d.kind, d.was, d.now_is, COUNT(*), MIN(d.customer),
  ARG_MIN(d.was_at, d.customer), ARG_MIN(d.is_at, d.customer)
FROM (
  SELECT COALESCE(a.journey, b.journey) AS journey, COALESCE(a.customer, b.customer) AS customer,
    CASE WHEN a.i IS NULL THEN 'more' WHEN b.i IS NULL THEN 'less'
      WHEN a.what <> b.what OR a.name <> b.name THEN 'other'
      WHEN b.at < a.at THEN 'earlier' ELSE 'later' END AS kind,
    CASE WHEN a.i IS NULL THEN '' ELSE CONCAT(a.what, ' ', a.name) END AS was,
    CASE WHEN b.i IS NULL THEN '' ELSE CONCAT(b.what, ' ', b.name) END AS now_is,
    a.at AS was_at, b.at AS is_at,
    ROW_NUMBER() OVER (PARTITION BY COALESCE(a.journey, b.journey),
      COALESCE(a.customer, b.customer) ORDER BY COALESCE(a.i, b.i)) AS place
  FROM replay_older AS a
  FULL JOIN replay_newer AS b ON b.journey = a.journey AND b.customer = a.customer AND b.i = a.i
  WHERE a.i IS NULL OR b.i IS NULL OR a.what <> b.what OR a.name <> b.name
    OR ABS(EXTRACT(EPOCH FROM b.at - a.at)) > $tolerance_s
) AS d WHERE d.place = 1
GROUP BY d.journey, d.kind, d.was, d.now_is ORDER BY 5 DESC, 1, 2, 3, 4
"""
)
