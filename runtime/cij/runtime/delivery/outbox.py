"""The outbox: its tables, and the statements that move its rows. One statement a batch.

    queued -> sending -> delivered | failed | uncertain | queued again, later

While a journey is paused its rows stay queued (S22); when it is stopped they become cancelled (S23).
Outcomes that are decided at insert (no_consent, withheld, …) are never touched here.
A batch goes to the engine as one JSON text: DuckDB takes 80 µs to bind each value of a list.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cij.compiler.sql import query
from cij.compiler.sql.columns import stored_plainly
from cij.compiler.sql.store import CONTROL
from cij.runtime.engine import Engine

_TABLES = (
    stored_plainly(
        query("""
            CREATE TABLE IF NOT EXISTS outbox (
              key VARCHAR, journey VARCHAR, version VARCHAR, passage BIGINT, step VARCHAR,
              customer VARCHAR, channel VARCHAR, topic VARCHAR, message VARCHAR, content VARCHAR,
              locale VARCHAR, address VARCHAR, parameters VARCHAR, created_at TIMESTAMP,
              outcome VARCHAR, reason VARCHAR, attempts INTEGER, due_at TIMESTAMP,
              settled_at TIMESTAMP, provider_id VARCHAR, expires_at TIMESTAMP
            )
        """),
        *("key", "customer", "address", "parameters"),
    ),
    # Stores that are older than this column.
    query("ALTER TABLE outbox ADD COLUMN IF NOT EXISTS expires_at TIMESTAMP"),
    query("CREATE TABLE IF NOT EXISTS content (hash VARCHAR, message VARCHAR)"),
    CONTROL,
)

_DUE = query("""
    SELECT key, journey, step, customer, channel, message, content, locale, address, parameters,
      created_at, COALESCE(attempts, 0)
    FROM outbox
    WHERE outcome = 'queued' AND channel = $channel AND COALESCE(due_at, created_at) <= $now
      AND NOT journey IN (SELECT k.journey FROM journey_control AS k WHERE k.state = 'paused')
    ORDER BY created_at, key
    LIMIT $limit
""")

# The times bound the rows that are looked at, for the table is in their order.
_CLAIM = query("""
    UPDATE outbox SET outcome = 'sending'
    WHERE created_at BETWEEN $first AND $last AND outcome = 'queued'
      AND key IN (SELECT UNNEST(FROM_JSON($keys, '["VARCHAR"]')))
""")

_SETTLE = query("""
    UPDATE outbox
    SET outcome = s.r.outcome, reason = s.r.reason, attempts = s.r.attempts, due_at = s.r.due_at,
      settled_at = s.r.settled_at, provider_id = s.r.provider_id, locale = s.r.locale
    FROM (
      SELECT UNNEST(FROM_JSON($settlements, '[{
        "key": "VARCHAR", "outcome": "VARCHAR", "reason": "VARCHAR", "attempts": "INTEGER",
        "due_at": "TIMESTAMP", "settled_at": "TIMESTAMP", "provider_id": "VARCHAR",
        "locale": "VARCHAR"
      }]')) AS r
    ) AS s
    WHERE outbox.key = s.r.key AND outbox.created_at BETWEEN $first AND $last
      AND outbox.outcome = 'sending'
""")

_CONTENTS = query("""
    SELECT hash, message FROM content
    WHERE hash IN (SELECT UNNEST(FROM_JSON($hashes, '["VARCHAR"]')))
""")

_NEXT_DUE = query("""
    SELECT MIN(COALESCE(due_at, created_at)) FROM outbox
    WHERE outcome = 'queued'
      AND NOT journey IN (SELECT k.journey FROM journey_control AS k WHERE k.state = 'paused')
""")

_REQUEUE = query("""
    UPDATE outbox SET outcome = 'queued'
    WHERE outcome = 'sending'
      AND channel IN (SELECT UNNEST(FROM_JSON($channels, '["VARCHAR"]')))
""")

_DOUBT = query("""
    UPDATE outbox
    SET outcome = 'uncertain', reason = $reason, settled_at = $now,
      attempts = COALESCE(attempts, 0) + 1
    WHERE outcome = 'sending'
""")

_RELEASE = query("""
    UPDATE outbox
    SET outcome = 'queued', reason = 'released by the author', due_at = NULL, settled_at = NULL
    WHERE outcome = 'uncertain'
      AND ($every OR key IN (SELECT UNNEST(FROM_JSON($keys, '["VARCHAR"]'))))
""")

_STOPPED_WHILE_SENDING = "the program stopped while it was being sent, so it may have arrived"


@dataclass(frozen=True)
class Row:
    """One message that is due, as much of it as delivery needs."""

    key: str
    journey: str
    step: str
    customer: str
    channel: str
    message: str
    content: str
    locale: str | None
    address: str | None
    parameters: str | None
    created_at: datetime
    attempts: int


@dataclass(frozen=True)
class Settlement:
    """What a row becomes."""

    row: Row
    outcome: str
    reason: str | None
    attempts: int
    due_at: datetime | None
    settled_at: datetime | None
    provider_id: str | None
    locale: str | None

    def values(self) -> dict[str, object]:
        """Return the values by the names that `_SETTLE` reads."""
        return {"key": self.row.key, **{k: v for k, v in vars(self).items() if k != "row"}}


@dataclass(frozen=True)
class Recovery:
    """What a crash left under way, by number of messages."""

    requeued: int
    uncertain: int


def prepare(engine: Engine) -> None:
    """Make the tables `outbox` and `content` unless they are there."""
    for statement in _TABLES:
        engine.execute(statement)


def due(engine: Engine, channel: str, now: datetime, limit: int) -> list[Row]:
    """Return the oldest rows of a channel that may go now."""
    found = engine.rows(_DUE, {"channel": channel, "now": now, "limit": limit})
    return [Row(*values) for values in found]


def claim(engine: Engine, rows: Sequence[Row]) -> None:
    """Commit that `rows` are being sent."""
    with engine.transaction():
        engine.execute(_CLAIM, {"keys": _json([row.key for row in rows]), **_span(rows)})


def settle(engine: Engine, settlements: Sequence[Settlement]) -> None:
    """Commit what became of a batch."""
    parameters: dict[str, object] = {"settlements": _json([s.values() for s in settlements])}
    with engine.transaction():
        count = engine.execute(_SETTLE, parameters | _span([s.row for s in settlements]))
    assert count == len(settlements), f"{len(settlements)} messages sent, {count} rows settled"


def contents(engine: Engine, hashes: Sequence[str]) -> dict[str, str]:
    """Return the stored messages by hash, as JSON text."""
    return {hash_: text for hash_, text in engine.rows(_CONTENTS, {"hashes": _json(hashes)})}


def next_due(engine: Engine) -> datetime | None:
    """Return when the first queued row may go, or None when none is queued."""
    found: datetime | None = engine.rows(_NEXT_DUE)[0][0]
    return found


def recover(engine: Engine, idempotent_channels: Sequence[str], now: datetime) -> Recovery:
    """Settle what a crash left as `sending`; nothing is sent twice by itself (S19)."""
    with engine.transaction():
        requeued = engine.execute(_REQUEUE, {"channels": _json(idempotent_channels)})
        uncertain = engine.execute(_DOUBT, {"reason": _STOPPED_WHILE_SENDING, "now": now})
    return Recovery(requeued, uncertain)


def release_uncertain(engine: Engine, keys: Sequence[str] | None = None) -> int:
    """Queue uncertain rows again, at the author's word: all, or those with `keys`."""
    with engine.transaction():
        return engine.execute(_RELEASE, {"every": keys is None, "keys": _json(keys or ())})


def _json(values: Sequence[object]) -> str:
    # Instants are written as SQL writes them.
    return json.dumps(list(values), default=str)


def _span(rows: Sequence[Row]) -> dict[str, datetime]:
    times = [row.created_at for row in rows]
    return {"first": min(times), "last": max(times)}
