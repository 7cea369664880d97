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
from cij.compiler.sql.columns import COLUMNS_THERE
from cij.compiler.sql.store import CONTROL
from cij.runtime.engine import Engine

_TABLES = (
    *stored.DDL,
    query("CREATE TABLE IF NOT EXISTS content (hash VARCHAR, message VARCHAR)"),
    CONTROL,
)

# Who goes now is found by numbers; only then it is said what it is.
_DUE = query(
    """
    SELECT {key} AS key, o.effect, o.passage, o.turn, e.journey, e.step, o.customer, e.channel,
      e.message, e.content, o.locale, o.address, o.parameters, o.created_at, COALESCE(o.attempts, 0)
    FROM (
      SELECT * FROM outbox_row AS r
      WHERE r.outcome = 'queued' AND COALESCE(r.due_at, r.created_at) <= $now
        AND r.effect IN (
          SELECT f.id FROM effect AS f WHERE f.channel = $channel AND NOT f.journey IN (
            SELECT k.journey FROM journey_control AS k WHERE k.state = 'paused'
          )
        )
      ORDER BY r.created_at, r.passage, r.effect, r.turn
      LIMIT $limit
    ) AS o JOIN effect AS e ON e.id = o.effect
    ORDER BY o.created_at, o.passage, o.effect, o.turn
""",
    key=stored.KEY,
)

# The times bound the rows that are looked at, for the table is in their order.
_IS_IT = """
    outbox_row.passage = s.r.passage AND outbox_row.effect = s.r.effect
    AND outbox_row.turn = s.r.turn AND outbox_row.created_at BETWEEN $first AND $last
"""

_CLAIM = query(f"""
    UPDATE outbox_row SET outcome = 'sending'
    FROM (
      SELECT UNNEST(FROM_JSON($rows, '[{{
        "effect": "BIGINT", "passage": "BIGINT", "turn": "BIGINT"
      }}]')) AS r
    ) AS s
    WHERE {_IS_IT} AND outbox_row.outcome = 'queued'
""")

_SETTLE = query(f"""
    UPDATE outbox_row
    SET outcome = s.r.outcome, reason = s.r.reason, attempts = s.r.attempts, due_at = s.r.due_at,
      settled_at = s.r.settled_at, provider_id = s.r.provider_id, locale = s.r.locale
    FROM (
      SELECT UNNEST(FROM_JSON($settlements, '[{{
        "effect": "BIGINT", "passage": "BIGINT", "turn": "BIGINT",
        "outcome": "VARCHAR", "reason": "VARCHAR", "attempts": "INTEGER",
        "due_at": "TIMESTAMP", "settled_at": "TIMESTAMP", "provider_id": "VARCHAR",
        "locale": "VARCHAR"
      }}]')) AS r
    ) AS s
    WHERE {_IS_IT} AND outbox_row.outcome = 'sending'
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

# Few are uncertain, so their keys are made.
_RELEASE = query(
    """
    UPDATE outbox_row AS o
    SET outcome = 'queued', reason = 'released by the author', due_at = NULL, settled_at = NULL
    FROM effect AS e
    WHERE o.outcome = 'uncertain' AND e.id = o.effect
      AND ($every OR {key} IN (SELECT UNNEST(FROM_JSON($keys, '["VARCHAR"]'))))
""",
    key=stored.KEY,
)

_STOPPED_WHILE_SENDING = "the program stopped while it was being sent, so it may have arrived"


@dataclass(frozen=True)
class Row:
    """One message that is due, as much of it as delivery needs. It is known by the numbers `id`."""

    key: str
    effect: int
    passage: int
    turn: int
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

    @property
    def id(self) -> dict[str, int]:
        """The numbers by the names that `_IS_IT` reads."""
        return {"effect": self.effect, "passage": self.passage, "turn": self.turn}


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
        return {**self.row.id, **{k: v for k, v in vars(self).items() if k != "row"}}


@dataclass(frozen=True)
class Recovery:
    """What a crash left under way, by number of messages."""

    requeued: int
    uncertain: int


def prepare(engine: Engine) -> None:
    """Make the tables of the outbox unless they are there, of an older one if there is one."""
    with engine.transaction():
        kinds: dict[str, str] = dict(engine.rows(stored.KINDS))
        wide, columns = kinds == stored.WIDE, _columns(engine)
        if wide:
            engine.execute(stored.ADD_EXPIRY)
            engine.execute(stored.RENAME_WIDE)
        for statement in stored.SET_KEYED_ASIDE if "key" in columns else ():
            engine.execute(statement)
        for statement in _TABLES:
            engine.execute(statement)
        for statement in stored.KEYS_TO_TURNS if "key" in columns else ():
            engine.execute(statement)
        if wide:
            keep_effects(engine, (stored.Effect(*row) for row in engine.rows(stored.WIDE_EFFECTS)))
            engine.execute(stored.NARROW)
            engine.execute(stored.DROP_WIDE)
        if _columns(engine)["outcome"] != stored.OUTCOME:
            engine.execute(stored.KNOW_OUTCOMES)


def _columns(engine: Engine) -> dict[str, str]:
    return dict(engine.rows(COLUMNS_THERE, {"table": "outbox_row"}))


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
        engine.execute(_CLAIM, {"rows": _json([row.id for row in rows]), **_span(rows)})


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
