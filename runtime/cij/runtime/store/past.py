"""What a backtest does to its copy of a store: forget what journeys did, keep what customers did.

    past_message(key, journey, step, customer)   the messages of the time itself
    past_consent(customer, topic, channel, granted, at)   consents that were given or taken in it
    past_suppression(channel, address, customer, reason, at)   who came on the list, and when

Events of customers stay where they are: a tick takes those in that lie ahead when their time has come.
"""

from cij.compiler.program import Event
from cij.compiler.sql import Statement, query
from cij.compiler.sql.columns import literal
from cij.compiler.sql.outbox import KEY
from cij.runtime.store import schema

# What happened in journeys. Names of states, and texts of messages, do not depend on that.
_EMPTIED = (
    *(schema.PASSAGE, schema.MOVE, schema.PROGRAM, schema.CONVERSION, schema.SPLIT_ARM),
    *(schema.WINNER, schema.EVENT_AHEAD, schema.SEGMENT_MEMBER, schema.SEGMENT_STATE),
    *(schema.JOURNEY_STATE, schema.ENTRY_QUEUE, schema.TURNED_AWAY, schema.SUPPRESSION),
    *(schema.CONTROL, schema.OUTBOX),
)

REMEMBER = (
    query(
        "CREATE TEMPORARY TABLE past_message AS "
        "SELECT o.key, o.journey, o.step, o.customer FROM outbox AS o"
    ),
    query(
        "CREATE TEMPORARY TABLE past_consent AS SELECT c.customer, c.topic, c.channel, c.granted, c.at "
        "FROM consent_change AS c WHERE c.at >= $start"
    ),
    query(
        "CREATE TEMPORARY TABLE past_suppression AS "
        "SELECT s.channel, s.address, s.customer, s.reason, s.at FROM suppression AS s"
    ),
)

CLEAR = (
    query("DELETE FROM consent_change WHERE consent_change.at >= $start"),
    query("DELETE FROM field_write WHERE field_write.at >= $start"),
    *(query("DELETE FROM {t}", t=table.name) for table in _EMPTIED),
    query("DELETE FROM meta WHERE name <> 'store_version'"),
    query("UPDATE counter SET value = 0 WHERE name NOT IN ('event', 'write')"),
    # Customers are unified anew, for what was said about consent is less now.
    query("DELETE FROM source_state WHERE source_state.source = '#profile'"),
)


def forget_raised(event: str) -> Statement:
    """Return the statement that removes the events which journeys raised: they will do so again."""
    return query(
        "DELETE FROM {t} WHERE EXISTS(SELECT 1 FROM passage AS p WHERE p.customer = {t}.customer "
        "AND STRPOS({t}.id, CONCAT(p.journey, ':', CAST(p.id AS VARCHAR), ':')) = 1)",
        t=f"event_{event}",
    )


# --- on the way -------------------------------------------------------------------------------

NEXT_CONSENT = query("SELECT MIN(c.at) FROM past_consent AS c")
CONSENTS_DUE = query("SELECT DISTINCT c.customer FROM past_consent AS c WHERE c.at <= $now")
GIVE_CONSENTS = (
    query(
        "INSERT INTO consent_change (customer, topic, channel, granted, at) "
        "SELECT c.customer, c.topic, c.channel, c.granted, c.at FROM past_consent AS c "
        "WHERE c.at <= $now"
    ),
    query("DELETE FROM past_consent WHERE past_consent.at <= $now"),
)

# What was on the list then is on it now: bounces and complaints are put on it without an order.
SUPPRESS = (
    query(
        "INSERT INTO suppression (channel, address, customer, reason, at) "
        "SELECT s.channel, s.address, s.customer, s.reason, s.at FROM past_suppression AS s "
        "WHERE s.at <= $now"
    ),
    query("DELETE FROM past_suppression WHERE past_suppression.at <= $now"),
)
NEXT_SUPPRESSION = query("SELECT MIN(s.at) FROM past_suppression AS s")


def forget_messages(event: Event) -> Statement:
    """Return the statement for interactions before `$start`: their messages are none of this time."""
    return query(
        "UPDATE {t} SET message_key = NULL WHERE {t}.at < $start AND NOT {t}.message_key IS NULL",
        t=f"event_{event.name}",
    )


def follow_messages(event: Event) -> Statement:
    """Return the statement that takes interactions that are due to the messages of this time.

    A customer who reacted to the message of a step reacts to the message that the step has sent them
    now, and to none where it has not.
    """
    return query(
        "UPDATE {t} SET message_key = (SELECT ARG_MAX({key}, o.created_at) FROM past_message AS m "
        "JOIN effect AS e ON e.journey = m.journey AND e.step = m.step "
        "JOIN outbox_row AS o ON o.effect = e.id AND o.customer = m.customer "
        "WHERE m.key = {t}.message_key AND o.created_at <= {t}.at AND o.outcome = 'delivered') "
        "WHERE {t}.seq IN (SELECT a.seq FROM event_ahead AS a "
        "WHERE a.at <= $now AND a.event = {name}) AND NOT {t}.message_key IS NULL",
        t=f"event_{event.name}",
        key=KEY,
        name=literal(event.name),
    )


# --- which events matter ----------------------------------------------------------------------

AHEAD = query("SELECT DISTINCT a.event FROM event_ahead AS a")
LEAVE_OUT = query("DELETE FROM event_ahead WHERE event_ahead.event = $event")
LEAVE_OUT_LATER = query("DELETE FROM event_ahead WHERE event_ahead.at > $until")
# Instants are rounded up to the next look.
LOOKS = query(
    "SELECT COUNT(DISTINCT (CAST(EXTRACT(EPOCH FROM a.at) AS BIGINT) + $every_s - 1) // $every_s), "
    "COUNT(*) FROM event_ahead AS a"
)
ROUND = query(
    "UPDATE event_ahead SET at = LEAST($until, CAST('1970-01-01 00:00:00' AS TIMESTAMP) + "
    "((CAST(CEIL(EXTRACT(EPOCH FROM at)) AS BIGINT) + $every_s - 1) // $every_s * $every_s) "
    "* INTERVAL '1' SECOND)"
)
