"""The statements of a backtest on its copy of a store: they remove what journeys did, not what
customers did.

    past_message(key, journey, step, customer)   the messages that were sent in the period
    past_consent(customer, topic, channel, granted, at)   consents that were changed in the period
    past_suppression(channel, address, customer, reason, at)   additions to the suppression list

Events of customers stay. Those after the start of the period lie in the future of the clock, and a
tick handles each when its time has come.
"""

from cij.compiler.program import Event
from cij.compiler.sql import Statement, query
from cij.compiler.sql.columns import literal
from cij.compiler.sql.outbox import KEY
from cij.runtime.store import schema

# The tables of what journeys did. Names and texts of messages do not depend on that, so they stay.
_EMPTIED = (
    *(schema.PASSAGE, schema.MOVE, schema.PROGRAM, schema.CONVERSION, schema.SPLIT_ARM),
    *(schema.WINNER, schema.EVENT_AHEAD, schema.SEGMENT_MEMBER, schema.SEGMENT_STATE),
    *(schema.JOURNEY_STATE, schema.ENTRY_QUEUE, schema.TURNED_AWAY, schema.SUPPRESSION),
    *(schema.ENTRY_RIGHT, schema.SUPPRESSION_AHEAD),
    *(schema.CONTROL, schema.OUTBOX, schema.SERIES, schema.NOTED_EVENT, schema.ABSENT_TIMER),
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
    # Without this state customers are unified again, because some changes of consent are gone.
    query("DELETE FROM loaded_source WHERE loaded_source.source = '#profile'"),
)


def forget_raised(event: str) -> Statement:
    """Return the statement that removes the events that journeys emitted: the backtest emits them
    again."""
    return query(
        "DELETE FROM {t} WHERE EXISTS(SELECT 1 FROM passage AS p WHERE p.customer = {t}.customer "
        "AND STRPOS({t}.id, CONCAT(p.journey, ':', CAST(p.id AS VARCHAR), ':')) = 1)",
        t=f"event_{event}",
    )


def forget_own_consents(event: str, is_granted: bool) -> Statement:
    """Return the statement that removes the changes of consent that journeys made: the backtest makes
    them again. It must run while their events are there."""
    is_meant = "past_consent.granted" if is_granted else "NOT past_consent.granted"
    return query(
        f"DELETE FROM past_consent WHERE {is_meant} AND EXISTS("
        "SELECT 1 FROM {t} AS e JOIN passage AS p ON p.customer = e.customer "
        "AND STRPOS(e.id, CONCAT(p.journey, ':', CAST(p.id AS VARCHAR), ':')) = 1 "
        "WHERE e.customer = past_consent.customer AND e.at = past_consent.at "
        "AND e.topic = past_consent.topic AND COALESCE(e.channel, past_consent.channel) = past_consent.channel)",
        t=f"event_{event}",
    )


# A backtest delivers its own messages, and they may get the keys of these.
FORGET_DELIVERIES = query(
    "DELETE FROM event_delivered WHERE event_delivered.at >= $start "
    "AND NOT event_delivered.message_key IS NULL"
)


# --- during the replay ------------------------------------------------------------------------

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

# The suppression list grows as it did in the period, because the list also has entries from orders.
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
    """Return the statement that detaches interactions before `$start` from their messages.

    The messages were removed, and new ones may get the same keys.
    """
    return query(
        "UPDATE {t} SET message_key = NULL WHERE {t}.at < $start AND NOT {t}.message_key IS NULL",
        t=f"event_{event.name}",
    )


def follow_messages(event: Event) -> Statement:
    """Return the statement that attaches due interactions to the messages of the backtest.

    A customer who reacted to the message of a step reacts to the message that this step sends them
    in the backtest. Where it has sent none, the interaction refers to no message.
    """
    return query(
        "UPDATE {t} SET message_key = (SELECT ARG_MAX({key}, o.created_at) FROM past_message AS m "
        "JOIN effect AS e ON e.journey = m.journey AND e.step = m.step "
        "JOIN outbox_row AS o ON o.effect = e.id AND o.customer = m.customer "
        "WHERE m.key = {t}.message_key AND o.created_at <= {t}.at AND o.outcome = 'delivered') "
        "WHERE {t}.seq IN (SELECT a.seq FROM ahead_event AS a "
        "WHERE a.at <= $now AND a.event = {name}) AND NOT {t}.message_key IS NULL",
        t=f"event_{event.name}",
        key=KEY,
        name=literal(event.name),
    )


# --- which events matter ----------------------------------------------------------------------

AHEAD = query("SELECT DISTINCT a.event FROM ahead_event AS a")
LEAVE_OUT = query("DELETE FROM ahead_event WHERE ahead_event.event = $event")
LEAVE_OUT_LATER = query("DELETE FROM ahead_event WHERE ahead_event.at > $until")
# The number of different instants if each is rounded up to a multiple of `every_s`, and of events.
LOOKS = query(
    "SELECT COUNT(DISTINCT (CAST(EXTRACT(EPOCH FROM a.at) AS BIGINT) + $every_s - 1) // $every_s), "
    "COUNT(*) FROM ahead_event AS a"
)
ROUND = query(
    "UPDATE ahead_event SET at = LEAST($until, CAST('1970-01-01 00:00:00' AS TIMESTAMP) + "
    "((CAST(CEIL(EXTRACT(EPOCH FROM at)) AS BIGINT) + $every_s - 1) // $every_s * $every_s) "
    "* INTERVAL '1' SECOND)"
)
