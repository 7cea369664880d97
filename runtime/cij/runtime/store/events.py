"""Events of a tick: the scratch tables `tick_event` and `tick_active`, and the table
`ahead_event`."""

from cij.compiler.sql import query

CLEAR = query("DELETE FROM tick_event")
CLEAR_ROUND = query("DELETE FROM tick_event WHERE tick_event.round <= $round")
CLEAR_ACTIVE = query("DELETE FROM tick_active")
# The events of each customer are numbered in the order of their time (S12). So a round has at most
# one event of each customer, and all customers can be handled in one statement. Parameter: `first`, the
# number of the first round.
CLEAR_ROUND = query("DELETE FROM tick_event WHERE tick_event.round <= $round")
CLEAR_ACTIVE = query("DELETE FROM tick_active")
# The events of each customer are numbered in the order of their time (S12). So a round has at most
# one event of each customer, and all customers can be handled in one statement. Parameter: `first`, the
# number of the first round.
NUMBER = query(
    "CREATE OR REPLACE TEMPORARY TABLE tick_event AS SELECT t.seq, t.event, t.customer, t.at, "
    "t.as_of, $first - 1 + "
    "ROW_NUMBER() OVER (PARTITION BY t.customer ORDER BY t.as_of ASC, t.at ASC, t.seq ASC) "
    "AS round "
    "FROM tick_event AS t"
)
# Shape: (round, event, how many, first and last own instant).
ROUNDS = query(
    "SELECT t.round, t.event, COUNT(*), MIN(t.as_of), MAX(t.as_of) FROM tick_event AS t "
    "GROUP BY t.round, t.event ORDER BY t.round, t.event"
)
# Events may arrive before their own time. They wait in `ahead_event` until it has come.
NEXT_FUTURE = query("SELECT MIN(a.at) FROM ahead_event AS a")
FORGET_FUTURE = query("DELETE FROM ahead_event WHERE ahead_event.at <= $now")
SET_TAKEN = query("UPDATE counter SET value = $last WHERE name = 'taken'")
