"""Queries for everything that is stored of one customer, in the order in which reports show it.

All have the parameter `customer`, or the number of one of their passages.
"""

from cij.compiler.sql import query

PASSAGES = query(
    "SELECT p.id, p.journey, p.version, p.entered_at, p.is_held_out, p.entry_key, p.wake_at, "
    "p.ended_at, p.outcome, p.cause, p.state FROM passage AS p WHERE p.customer = $customer "
    "ORDER BY p.entered_at, p.id"
)
HISTORY = query(
    "SELECT h.at, h.state, h.why FROM history AS h WHERE h.passage = $passage "
    "ORDER BY h.at, h.written, h.n"
)
MESSAGES = query(
    "SELECT o.created_at, o.settled_at, o.journey, o.passage, o.step, o.channel, o.message, "
    "o.outcome, o.reason, o.locale, o.address, o.key FROM outbox AS o "
    "WHERE o.customer = $customer ORDER BY o.created_at, o.key"
)
CONVERSIONS = query(
    "SELECT v.at, v.journey, v.passage, v.goal FROM conversion AS v WHERE v.customer = $customer "
    "ORDER BY v.at, v.goal"
)
SEGMENTS = query(
    "SELECT s.since, l.text FROM segment_member AS s JOIN name AS l ON l.id = s.segment "
    "WHERE s.customer = $customer ORDER BY s.since, l.text"
)
TURNED_AWAY = query(
    "SELECT t.at, t.journey, t.reason FROM turned_away AS t WHERE t.customer = $customer "
    "ORDER BY t.at, t.journey"
)
CONSENTS = query(
    "SELECT c.at, c.topic, c.channel, c.granted FROM consent_change AS c "
    "WHERE c.customer = $customer ORDER BY c.at, c.topic, c.channel"
)
WRITES = query(
    "SELECT w.at, w.field, w.value FROM field_write AS w WHERE w.customer = $customer "
    "ORDER BY w.at, w.number"
)
ALIASES = query(
    "SELECT a.at, a.alias FROM customer_alias AS a WHERE a.customer = $customer ORDER BY a.at"
)

# --- in one journey, until `$now` ---------------------------------------------------------------

PASSAGES_OF_JOURNEY = query(
    "SELECT p.id, p.version, p.entered_at, p.ended_at, p.outcome, p.cause, p.entry_key, "
    "p.is_held_out, p.state, p.wake_at, p.trigger FROM passage AS p "
    "WHERE p.customer = $customer AND p.journey = $journey AND p.entered_at <= $now "
    "ORDER BY p.entered_at DESC, p.id DESC"
)
HISTORY_UNTIL = query(
    "SELECT h.at, h.state, h.why FROM history AS h WHERE h.passage = $passage AND h.at <= $now "
    "ORDER BY h.at, h.written, h.n"
)
MESSAGES_OF_PASSAGE = query(
    "SELECT o.step, o.created_at, o.channel, o.message, o.outcome, o.reason, o.address, o.locale, "
    "o.settled_at, o.attempts, o.key, o.topic FROM outbox AS o WHERE o.passage = $passage "
    "AND o.journey = $journey"
)
TURNED_AWAY_FROM = query(
    "SELECT t.at, t.reason FROM turned_away AS t WHERE t.customer = $customer "
    "AND t.journey = $journey AND t.at <= $now ORDER BY t.at DESC LIMIT 3"
)
QUEUED_FOR = query(
    "SELECT q.queued_at FROM entry_queue AS q WHERE q.customer = $customer "
    "AND q.journey = $journey AND q.queued_at <= $now ORDER BY q.queued_at"
)

# --- what was known at `$now` ------------------------------------------------------------------

MEMBER_SINCE = query(
    "SELECT s.since FROM segment_member AS s WHERE s.segment = $segment AND s.customer = $customer "
    "AND s.since <= $now"
)
SOURCE_LOADED = query("SELECT s.loaded_at FROM loaded_source AS s WHERE s.source = $source")
LAST_CONSENT = query(
    "SELECT c.granted, c.at FROM consent_change AS c WHERE c.customer = $customer "
    "AND c.topic = $topic AND c.channel = $channel AND c.at <= $now ORDER BY c.at DESC LIMIT 1"
)
LAST_WRITE = query(
    "SELECT w.value, w.at, w.key FROM field_write AS w WHERE w.customer = $customer "
    "AND w.field = $field ORDER BY w.number DESC LIMIT 1"
)
