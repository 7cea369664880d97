"""Events in a tick: the scratch tables `tick_event` and `tick_active`, and the table `event_ahead`."""

from cij.compiler.sql import query

CLEAR = query("DELETE FROM tick_event")
CLEAR_ACTIVE = query("DELETE FROM tick_active")
# The events of each customer in the order of their time: a round has one event of each at most.
NUMBER = query(
    "CREATE OR REPLACE TEMPORARY TABLE tick_event AS SELECT f.seq, f.event, f.customer, f.at, "
    "ROW_NUMBER() OVER (PARTITION BY f.customer ORDER BY f.at ASC, f.seq ASC) AS round "
    "FROM tick_event AS f"
)
ROUNDS = query(
    "SELECT f.round, f.event, COUNT(*) FROM tick_event AS f "
    "GROUP BY f.round, f.event ORDER BY f.round, f.event"
)
# Events that were handed in before they happen wait until their time has come.
NEXT_FUTURE = query("SELECT MIN(a.at) FROM event_ahead AS a")
FORGET_FUTURE = query("DELETE FROM event_ahead WHERE event_ahead.at <= $now")
SET_TAKEN = query("UPDATE counter SET value = $last WHERE name = 'taken'")
