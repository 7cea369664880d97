"""The outbox: the statements that move its rows. One statement a batch.

    queued -> sending -> delivered | failed | uncertain | queued again, later

While a journey is paused its rows stay queued (S22); when it is stopped they become cancelled (S23).
Outcomes that are decided at insert (no_consent, withheld, …) are never touched here.
A batch goes to the engine as one JSON text: DuckDB takes 80 µs to bind each value of a list.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from cij.compiler.sql import outbox as stored, query
from cij.compiler.sql.store import CONTROL
from cij.runtime.engine import Engine

_TABLES = (
    *stored.DDL,
    query("CREATE TABLE IF NOT EXISTS content (hash VARCHAR, message VARCHAR)"),
    CONTROL,
)

_DUE = query("""
    SELECT r.key, e.journey, e.step, r.customer, e.channel, e.message, e.content, r.locale,
      r.address, r.parameters, r.created_at, COALESCE(r.attempts, 0)
    FROM outbox_row AS r JOIN effect AS e ON e.id = r.effect
    WHERE r.outcome = 'queued' AND e.channel = $channel
      AND COALESCE(r.due_at, r.created_at) <= $now
      AND NOT e.journey IN (SELECT k.journey FROM journey_control AS k WHERE k.state = 'paused')
    ORDER BY r.created_at, r.key
    LIMIT $limit
""")

# The times bound the rows that are looked at, for the table is in their order.
_CLAIM = query("""
    UPDATE outbox_row SET outcome = 'sending'
    WHERE created_at BETWEEN $first AND $last AND outcome = 'queued'
      AND key IN (SELECT UNNEST(FROM_JSON($keys, '["VARCHAR"]')))
""")

_SETTLE = query("""
    UPDATE outbox_row
    SET outcome = s.r.outcome, reason = s.r.reason, attempts = s.r.attempts, due_at = s.r.due_at,
      settled_at = s.r.settled_at, provider_id = s.r.provider_id, locale = s.r.locale
    FROM (
      SELECT UNNEST(FROM_JSON($settlements, '[{
        "key": "VARCHAR", "outcome": "VARCHAR", "reason": "VARCHAR", "attempts": "INTEGER",
        "due_at": "TIMESTAMP", "settled_at": "TIMESTAMP", "provider_id": "VARCHAR",
        "locale": "VARCHAR"
      }]')) AS r
    ) AS s
    WHERE outbox_row.key = s.r.key AND outbox_row.created_at BETWEEN $first AND $last
      AND outbox_row.outcome = 'sending'
""")

_CONTENTS = query("""
    SELECT hash, message FROM content
    WHERE hash IN (SELECT UNNEST(FROM_JSON($hashes, '["VARCHAR"]')))
""")

_NEXT_DUE = query(
    "SELECT MIN(COALESCE(outbox_row.due_at, outbox_row.created_at)) FROM outbox_row "
    "WHERE outbox_row.outcome = 'queued' AND NOT {paused}",
    paused=stored.IS_PAUSED,
)

_REQUEUE = query(
    "UPDATE outbox_row SET outcome = 'queued' WHERE outbox_row.outcome = 'sending' AND {here}",
    here=stored.is_of("""e.channel IN (SELECT UNNEST(FROM_JSON($channels, '["VARCHAR"]')))"""),
)

_DOUBT = query("""
    UPDATE outbox_row
    SET outcome = 'uncertain', reason = $reason, settled_at = $now,
      attempts = COALESCE(attempts, 0) + 1
    WHERE outcome = 'sending'
""")

_RELEASE = query("""
    UPDATE outbox_row
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
    """Make the tables of the outbox unless they are there, of an older one if there is one."""
    with engine.transaction():
        wide = engine.rows(stored.WIDE)
        if wide:
            engine.execute(stored.ADD_EXPIRY)
            engine.execute(stored.RENAME_WIDE)
        for statement in _TABLES:
            engine.execute(statement)
        if wide:
            keep_effects(engine, (stored.Effect(*row) for row in engine.rows(stored.WIDE_EFFECTS)))
            engine.execute(stored.NARROW)
            engine.execute(stored.DROP_WIDE)


def keep_effects(engine: Engine, effects: Iterable[stored.Effect]) -> None:
    """Write down what steps send and call, as far as it is not known."""
    known = {id for (id,) in engine.rows(stored.KNOWN)}
    missing = {e.id: {"id": e.id, **asdict(e)} for e in effects if e.id not in known}
    rows = list(missing.values())
    if rows:
        engine.append("effect", {name: [row[name] for row in rows] for name in rows[0]})


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
