"""The tables `outbox_row`, `effect` and `content`: the statements that change the outcome of
messages.

    queued -> sending -> delivered | failed | uncertain | queued again, later

One statement updates a batch, which it gets as one JSON text (`rows_of`). Rows are found by
numbers; the text of a key is made only where few rows need it.
"""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from cij.compiler.policy import TRANSACTIONAL
from cij.compiler.sql import Statement, query
from cij.compiler.sql.control import ABSENT, PAUSED
from cij.compiler.sql.outbox import IS_PAUSED, KEY, Effect, is_of
from cij.compiler.sql.parameters import list_of, rows_of
from cij.compiler.sql.template import fill
from cij.runtime.engine import Engine

# --- what steps send ---------------------------------------------------------------------------

_KNOWN_EFFECTS = query("SELECT e.id FROM effect AS e")


def keep_effects(engine: Engine, effects: Iterable[Effect]) -> None:
    """Add the effects that the table lacks. It must run before rows of the outbox refer to them."""
    known = {id for (id,) in engine.rows(_KNOWN_EFFECTS)}
    missing = {e.id: {"id": e.id, **asdict(e)} for e in effects if e.id not in known}
    rows = list(missing.values())
    if rows:
        engine.append("effect", {name: [row[name] for row in rows] for name in rows[0]})


CONTENTS = query(
    "SELECT hash, message FROM content WHERE hash IN (SELECT l.item FROM {hashes} AS l)",
    hashes=list_of("hashes"),
)

# --- what is due -------------------------------------------------------------------------------

# A row with the effect of its step, as delivery reads it.
_ROW = """
SELECT {key} AS key, o.effect, o.passage, o.turn, e.journey, e.step, o.customer, e.channel,
  e.message, e.content, o.locale, o.address, o.parameters, o.created_at, COALESCE(o.attempts, 0)
"""
# A way of a channel is the messages that it is for, or all but those that have ways of their own.
_IS_OF_WAY = (
    "f.channel = $channel AND ($every OR (f.message IN (SELECT l.item FROM {names} AS l)) = $is_in)"
)
# Not to a domain whose rate holds messages back.
_IS_OPEN = fill(
    "NOT LOWER(SPLIT_PART(COALESCE(r.address, ''), '@', 2)) IN (SELECT d.item FROM {full} AS d)",
    full=list_of("full"),
)
# The rows of a way that may go now, those of transactional messages first, and then the oldest.
_DUE = (
    _ROW
    + f"""
FROM (
  SELECT r.*, f.place
  FROM outbox_row AS r JOIN (
    SELECT f.id, CASE WHEN f.topic = '{TRANSACTIONAL}' THEN 0 ELSE 1 END AS place
    FROM effect AS f
    WHERE {_IS_OF_WAY} AND NOT f.journey IN ({PAUSED})
  ) AS f ON f.id = r.effect
  WHERE r.outcome = 'queued' AND (r.due_at IS NULL OR r.due_at <= $now)
    AND {{is_open}}
    AND NOT r.customer IN ({ABSENT})
  ORDER BY f.place, r.created_at, r.passage, r.effect, r.turn
  LIMIT $limit
) AS o JOIN effect AS e ON e.id = o.effect
ORDER BY o.place, o.created_at, o.passage, o.effect, o.turn
"""
)
_NEXT_DUE_OF = f"""
SELECT MIN(COALESCE(r.due_at, r.created_at)) FROM outbox_row AS r
WHERE r.outcome = 'queued' AND {{is_open}} AND NOT r.customer IN ({ABSENT})
  AND r.effect IN (
    SELECT f.id FROM effect AS f
    WHERE {_IS_OF_WAY} AND NOT f.journey IN ({PAUSED})
  )
"""


def _both(text: str, **holes: Any) -> tuple[Statement, Statement]:
    """Return a statement about a way, and the one that leaves full domains out.

    The second looks at each address, which takes half as long again.
    """
    tests = (fill("TRUE"), _IS_OPEN)
    every, opened = (query(text, names=list_of("names"), is_open=t, **holes) for t in tests)
    return every, opened


DUE, DUE_WHERE_OPEN = _both(_DUE, key=KEY)
NEXT_DUE_OF, NEXT_DUE_WHERE_OPEN = _both(_NEXT_DUE_OF)
NEXT_DUE = query(
    "SELECT MIN(COALESCE(outbox_row.due_at, outbox_row.created_at)) FROM outbox_row "
    "WHERE outbox_row.outcome = 'queued' AND NOT {paused} "
    f"AND NOT outbox_row.customer IN ({ABSENT})",
    paused=IS_PAUSED,
)

# --- a batch -----------------------------------------------------------------------------------

# The numbers that identify a row.
ID = {"effect": "BIGINT", "passage": "BIGINT", "turn": "BIGINT"}
# The table is in the order of its times, so this condition lets the engine skip most blocks.
_IS_IT = """
outbox_row.passage = s.passage AND outbox_row.effect = s.effect AND outbox_row.turn = s.turn
AND outbox_row.created_at BETWEEN $first AND $last
"""
CLAIM = query(
    f"UPDATE outbox_row SET outcome = 'sending', provider_id = $token FROM {{rows}} AS s "
    f"WHERE {_IS_IT} AND outbox_row.outcome = 'queued'",
    rows=rows_of("rows", ID),
)
RECALL = query(
    f"UPDATE outbox_row SET outcome = 'queued', provider_id = NULL FROM {{rows}} AS s "
    f"WHERE {_IS_IT} AND outbox_row.outcome = 'sending'",
    rows=rows_of("rows", ID),
)
SETTLE = query(
    "UPDATE outbox_row SET outcome = s.outcome, reason = s.reason, attempts = s.attempts, "
    "due_at = s.due_at, settled_at = s.settled_at, provider_id = s.provider_id, locale = s.locale "
    f"FROM {{rows}} AS s WHERE {_IS_IT} AND outbox_row.outcome = 'sending'",
    rows=rows_of(
        "settlements",
        {
            **ID,
            "outcome": "VARCHAR",
            "reason": "VARCHAR",
            "attempts": "INTEGER",
            "due_at": "TIMESTAMP",
            "settled_at": "TIMESTAMP",
            "provider_id": "VARCHAR",
            "locale": "VARCHAR",
        },
    ),
)

# --- after a crash -----------------------------------------------------------------------------

# The rows of a batch: no provider has given them an id yet, so the token of the batch stands there.
CLAIMED = query(
    _ROW
    + """
FROM outbox_row AS o JOIN effect AS e ON e.id = o.effect
WHERE o.outcome = 'sending' AND o.provider_id = $token AND e.channel = $channel
""",
    key=KEY,
)

REQUEUE = query(
    "UPDATE outbox_row SET outcome = 'queued' WHERE outbox_row.outcome = 'sending' AND {here}",
    here=is_of("e.channel IN (SELECT l.item FROM {list} AS l)", list=list_of("channels")),
)
DOUBT = query(
    "UPDATE outbox_row SET outcome = 'uncertain', reason = $reason, settled_at = $now, "
    "provider_id = NULL, attempts = COALESCE(attempts, 0) + 1 WHERE outcome = 'sending'"
)
RELEASE = query(
    """
UPDATE outbox_row AS o
SET outcome = 'queued', reason = 'released by the author', due_at = NULL, settled_at = NULL
FROM effect AS e
WHERE o.outcome = 'uncertain' AND e.id = o.effect
  AND ($every OR {key} IN (SELECT l.item FROM {keys} AS l))
""",
    key=KEY,
    keys=list_of("keys"),
)

RELEASE_FAILED = query(
    """
UPDATE outbox_row AS o
SET outcome = 'queued', reason = 'released by the author', attempts = 0, due_at = NULL,
  settled_at = NULL
FROM effect AS e
WHERE o.outcome = 'failed' AND e.id = o.effect AND (o.expires_at IS NULL OR o.expires_at > $now)
  AND NOT e.journey IN (SELECT k.journey FROM journey_control AS k WHERE k.state = 'stopped')
  AND ($every OR {key} IN (SELECT l.item FROM {keys} AS l))
""",
    key=KEY,
    keys=list_of("keys"),
)

# --- after a template or a sender was mended ---------------------------------------------------

# What was wrong was in the text, and not with the receiver: `delivery/drain.py` writes these reasons.
_UNWRITTEN = "o.outcome = 'failed' AND o.reason LIKE '%cannot be written: %'"
HAS_UNWRITTEN = query(f"SELECT COUNT(*) FROM outbox_row AS o WHERE {_UNWRITTEN}")
TAKE_NEW_TEXT = query(
    f"""
UPDATE effect SET content = $content
WHERE channel = $channel AND message = $message AND content <> $content
  AND id IN (SELECT o.effect FROM outbox_row AS o WHERE {_UNWRITTEN})
"""
)
WRITE_AGAIN = query(
    f"""
UPDATE outbox_row AS o
SET outcome = 'queued', reason = NULL, attempts = 0, due_at = NULL, settled_at = NULL
WHERE {_UNWRITTEN} AND (o.expires_at IS NULL OR o.expires_at > $now)
  AND NOT o.effect IN (
    SELECT e.id FROM effect AS e JOIN journey_control AS k ON k.journey = e.journey
    WHERE k.state = 'stopped')
"""
)

# --- of one journey ----------------------------------------------------------------------------

QUEUED = query(
    "SELECT COUNT(*) FROM outbox AS o WHERE o.journey = $journey AND o.outcome = 'queued'"
)
# Messages of open passages that cannot be recalled: sent, and perhaps sent.
BEYOND_RECALL = query(
    """
SELECT COUNT(*) FILTER (WHERE o.outcome = 'delivered'),
  COUNT(*) FILTER (WHERE o.outcome IN ('sending', 'uncertain'))
FROM outbox AS o JOIN passage AS p ON p.id = o.passage
WHERE o.journey = $journey AND p.ended_at IS NULL
"""
)
CANCEL = query(
    "UPDATE outbox_row SET outcome = 'cancelled', reason = 'the journey was stopped', "
    "due_at = NULL, settled_at = $now WHERE {mine} AND outbox_row.outcome = 'queued'",
    mine=is_of("e.journey = $journey"),
)

# --- in virtual time ---------------------------------------------------------------------------

_DELIVER = (
    "UPDATE outbox_row SET outcome = 'delivered', settled_at = $now, due_at = NULL "
    f"WHERE outbox_row.outcome = 'queued' AND NOT outbox_row.customer IN ({ABSENT})"
)
DELIVER_ALL = query(_DELIVER)
DELIVER_RUNNING = query(_DELIVER + " AND NOT {paused}", paused=IS_PAUSED)
