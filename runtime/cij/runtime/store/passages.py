"""The table `passage_row`: ends for reasons outside of a journey, and the states of passages."""

from cij.compiler.sql import Statement, query
from cij.compiler.sql.control import STANDING_NUMBERS
from cij.compiler.sql.interning import GONE, MERGED, STOPPED, numbered, texts_of
from cij.compiler.sql.template import fill


def ended(outcome: str, which: str) -> Statement:
    """Return the statement that ends open passages at `$now` for a reason outside of their journey.

    Args:
        outcome: the outcome, which is also the cause.
        which: the condition on `passage_row` for the passages that end.
    """
    return query(
        "UPDATE passage_row SET ended_at = $now, outcome = {outcome}, cause = {outcome}, "
        "wake_at = NULL WHERE passage_row.ended_at IS NULL AND {which}",
        outcome=numbered(outcome),
        which=fill(which),
    )


# The customer is in no source any more (S24).
END_GONE = ended(GONE, "NOT EXISTS(SELECT 1 FROM customer AS c WHERE c.id = passage_row.customer)")
# Two customers were merged. Of two open passages through one journey the earlier one goes on (S26).
END_MERGED = ended(
    MERGED,
    "EXISTS(SELECT 1 FROM passage_row AS q WHERE q.ended_at IS NULL "
    "AND q.journey = passage_row.journey AND q.customer = passage_row.customer "
    "AND COALESCE(q.entry_key, '') = COALESCE(passage_row.entry_key, '') AND q.id < passage_row.id)",
)
# The journey was stopped (S23).
END_STOPPED = ended(STOPPED, "passage_row.journey = $number")

INSIDE = query(
    "SELECT COUNT(*) FROM passage_row AS p WHERE p.journey = $number AND p.ended_at IS NULL"
)
# Open passages by state. Shape: (journey, version, state, people).
STANDING = query(
    "SELECT {journey}, {version}, {state}, r.n FROM ("
    "SELECT p.journey, p.version, p.state, COUNT(*) AS n FROM passage_row AS p "
    "WHERE p.ended_at IS NULL GROUP BY p.journey, p.version, p.state) AS r ORDER BY 1, 2, 3",
    **texts_of("r", "journey", "version", "state"),
)

# Paths whose states are stored.
VISITED = query("SELECT DISTINCT v.path FROM visit AS v")

_AT_STATE = "journey = $journey AND version = $version AND state = $state AND ended_at IS NULL"
# Passages that are held at a state are tested again at once.
RELEASE = query(f"UPDATE passage_row SET wake_at = $now WHERE {_AT_STATE}")
# A passage that leaves a removed step is due at once. A passage that goes on waiting keeps its
# timer.
TAKE_OVER = query(
    "UPDATE passage_row SET version = $new, state = $target, "
    f"wake_at = CASE WHEN $at_once THEN since ELSE wake_at END WHERE {_AT_STATE}"
)

# The number of entries since an instant, which the limit of a journey counts.
ENTERED = query(
    "SELECT COUNT(*) FROM passage_row AS p WHERE p.journey = $journey AND p.entered_at >= $since"
)

# --- timers -----------------------------------------------------------------------------------

# Passages that are ready. Shape: (version, root, people, first and last own instant).
READY = query(
    "SELECT t.version, t.root, COUNT(*), MIN(t.as_of), MAX(t.as_of) FROM tick_ready AS t "
    "GROUP BY t.version, t.root"
)
# Passages whose timer is due at an instant. Shape: (version, state, people).
DUE_AT = query(
    "SELECT p.version, p.state, COUNT(*) FROM passage_row AS p WHERE p.wake_at = $at "
    "GROUP BY p.version, p.state"
)

# Timers of paused journeys are left out: they run on, and what is due happens when the pause ends
# (S22).
NEXT_TIMER = query(
    f"SELECT MIN(p.wake_at) FROM passage_row AS p WHERE NOT p.journey IN ({STANDING_NUMBERS})"
)

# Passages that are due. Shape: (version, state, people, first and last timer). The caller needs to know
# only whether there is more than one group, so two rows are enough.
DUE_NOW = query(
    "SELECT p.version, p.state, COUNT(*), MIN(p.wake_at), MAX(p.wake_at) FROM passage_row AS p "
    "WHERE p.wake_at <= $now GROUP BY p.version, p.state LIMIT 2"
)
# The first and the last timer that is due.
SPAN_DUE = query(
    "SELECT MIN(p.wake_at), MAX(p.wake_at) FROM passage_row AS p WHERE p.wake_at <= $now"
)

# Ended passages have no timer, so they need no condition.
FIRST_TIMER = query("SELECT MIN(p.wake_at) FROM passage_row AS p")
NEXT_TIMERS = query(
    "SELECT p.wake_at FROM passage_row AS p WHERE NOT p.wake_at IS NULL "
    "ORDER BY p.wake_at LIMIT $timers"
)
