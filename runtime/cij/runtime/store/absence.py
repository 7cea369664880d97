"""The tables `absent` and `absent_timer`: customers who are in no source any more, and the timers of
their passages (S24).

    absent(customer, since)   absent_timer(passage, wake_at)

A passage of an absent customer has no timer, so nothing wakes it; `absent_timer` has the one that it
goes on with.
"""

from cij.compiler.sql import query
from cij.compiler.sql.control import ABSENT
from cij.compiler.sql.interning import GONE, numbered
from cij.compiler.sql.making import make

# --- after customers were unified anew -------------------------------------------------------------

# The customers of before.
BEFORE = make("unify_before", "SELECT c.id FROM customer AS c")
# Who is another customer now is not absent: what was theirs has followed.
NOTE = query(
    """
INSERT INTO absent (customer, since)
SELECT b.id, $now FROM unify_before AS b
LEFT JOIN customer AS c ON c.id = b.id
WHERE c.id IS NULL
  AND NOT EXISTS(SELECT 1 FROM customer_alias AS a WHERE a.alias = b.id)
  AND NOT EXISTS(SELECT 1 FROM absent AS n WHERE n.customer = b.id)
"""
)
RETURNED = query(
    "DELETE FROM absent WHERE EXISTS(SELECT 1 FROM customer AS c WHERE c.id = absent.customer) "
    "OR EXISTS(SELECT 1 FROM customer_alias AS a WHERE a.alias = absent.customer)"
)

# --- standing still ----------------------------------------------------------------------------------

_IS_AWAY = f"passage_row.ended_at IS NULL AND passage_row.customer IN ({ABSENT})"
# A timer that was set meanwhile, by a new version, replaces the one of before.
STAND_STILL = (
    query(
        "DELETE FROM absent_timer WHERE EXISTS(SELECT 1 FROM passage_row AS p "
        "WHERE p.id = absent_timer.passage AND NOT p.wake_at IS NULL)"
    ),
    query(
        "INSERT INTO absent_timer (passage, wake_at) SELECT passage_row.id, passage_row.wake_at "
        f"FROM passage_row WHERE NOT passage_row.wake_at IS NULL AND {_IS_AWAY}"
    ),
    query(
        "UPDATE passage_row SET wake_at = NULL "
        f"WHERE NOT passage_row.wake_at IS NULL AND {_IS_AWAY}"
    ),
)
GO_ON = (
    query(
        "UPDATE passage_row SET wake_at = t.wake_at FROM absent_timer AS t "
        "WHERE t.passage = passage_row.id AND passage_row.ended_at IS NULL "
        f"AND NOT passage_row.customer IN ({ABSENT})"
    ),
    # Also those of passages that were ended from outside.
    query(
        "DELETE FROM absent_timer WHERE NOT EXISTS(SELECT 1 FROM passage_row "
        f"WHERE passage_row.id = absent_timer.passage AND {_IS_AWAY})"
    ),
)
# Events of absent customers move nobody.
LEAVE_OUT = query(f"DELETE FROM tick_event WHERE tick_event.customer IN ({ABSENT})")

# --- the end -----------------------------------------------------------------------------------------

FIRST = query("SELECT MIN(a.since) FROM absent AS a")
_LONG = f"{ABSENT} WHERE a.since <= $until"
# A passage ends at the instant at which the absence became too long, whenever the tick is (S12).
END = (
    query(
        "UPDATE passage_row SET ended_at = a.since + $patience * INTERVAL '1' SECOND, "
        "outcome = {gone}, cause = {gone}, wake_at = NULL FROM absent AS a "
        "WHERE passage_row.ended_at IS NULL AND a.customer = passage_row.customer "
        "AND a.since <= $until",
        gone=numbered(GONE),
    ),
    query(
        "UPDATE outbox_row SET outcome = 'cancelled', settled_at = $now, due_at = NULL, "
        "reason = 'the customer is in no source any more' "
        f"WHERE outbox_row.outcome = 'queued' AND outbox_row.customer IN ({_LONG})"
    ),
    query(f"DELETE FROM segment_member WHERE segment_member.customer IN ({_LONG})"),
    query("DELETE FROM absent WHERE absent.since <= $until"),
    GO_ON[1],
)

# --- reports -----------------------------------------------------------------------------------------

# Shape: (customers, passages).
COUNTS = query("SELECT COUNT(*), (SELECT COUNT(*) FROM absent_timer AS t) FROM absent AS a")
SINCE = query("SELECT a.since FROM absent AS a WHERE a.customer = $customer")
