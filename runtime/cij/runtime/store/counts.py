"""Counts over all tables, for reports."""

from cij.compiler.sql import interning, query

PROFILES = query("SELECT COUNT(*) FROM customer")
ENTRIES = query(
    "SELECT {journey}, r.n, r.inside FROM (SELECT p.journey, COUNT(*) AS n, "
    "COUNT(*) FILTER (WHERE p.ended_at IS NULL) AS inside FROM passage_row AS p "
    "GROUP BY p.journey) AS r ORDER BY 1",
    **interning.texts_of("r", "journey"),
)
CONVERSIONS = query(
    "SELECT v.journey, v.goal, COUNT(*) FROM conversion AS v GROUP BY v.journey, v.goal "
    "ORDER BY v.journey, v.goal"
)
MESSAGES = query(
    "SELECT o.journey, o.channel, o.message, o.outcome, COUNT(*) FROM outbox AS o "
    "WHERE o.channel <> 'action' GROUP BY o.journey, o.channel, o.message, o.outcome "
    "ORDER BY o.journey, o.channel, o.message, o.outcome"
)
ACTIONS = query(
    "SELECT o.journey, o.message, o.outcome, COUNT(*) FROM outbox AS o "
    "WHERE o.channel = 'action' GROUP BY o.journey, o.message, o.outcome "
    "ORDER BY o.journey, o.message, o.outcome"
)
STANDING = query(
    "SELECT {journey}, {version}, {state}, r.n, r.wake_at FROM (SELECT p.journey, p.version, p.state, "
    "COUNT(*) AS n, MIN(p.wake_at) AS wake_at FROM passage_row AS p "
    "WHERE p.ended_at IS NULL GROUP BY p.journey, p.version, p.state) AS r ORDER BY 1, 3, 2",
    **interning.texts_of("r", "journey", "version", "state"),
)
ENDED = query(
    "SELECT {journey}, {outcome}, r.n FROM (SELECT p.journey, p.outcome, COUNT(*) AS n "
    "FROM passage_row AS p WHERE NOT p.ended_at IS NULL GROUP BY p.journey, p.outcome) AS r "
    "ORDER BY 1, 2",
    **interning.texts_of("r", "journey", "outcome"),
)
PUT_ASIDE = query(
    "SELECT q.reason, COUNT(*) FROM quarantine AS q WHERE q.source = $source "
    "GROUP BY q.reason ORDER BY MAX(q.loaded_at) DESC, q.reason LIMIT 20"
)
BAD_ROWS = query(
    # A reason quotes the value of its row: rows with other values have the same reason.
    "SELECT r.source, r.file, r.line, r.reason, r.n FROM (SELECT q.source, q.file, q.line, q.reason, "
    "COUNT(*) OVER (PARTITION BY q.source, REGEXP_REPLACE(q.reason, '\".*\"', '')) AS n, "
    "ROW_NUMBER() OVER (PARTITION BY q.source, REGEXP_REPLACE(q.reason, '\".*\"', '') "
    "ORDER BY q.file ASC NULLS LAST, q.line ASC NULLS LAST, q.reason ASC) AS place "
    "FROM quarantine AS q WHERE q.source <> $source) AS r "
    "WHERE r.place = 1 ORDER BY r.source ASC, r.line ASC NULLS LAST, r.reason ASC LIMIT 20"
)
SOURCES = query(
    "SELECT s.source, s.rows, s.bad, COUNT(q.source) FROM loaded_source AS s "
    "LEFT JOIN quarantine AS q ON q.file = s.source AND q.source LIKE 'event %' "
    "WHERE NOT s.rows IS NULL GROUP BY s.source, s.rows, s.bad ORDER BY s.source"
)
