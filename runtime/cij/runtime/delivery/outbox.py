"""The outbox: batches of its rows are claimed, settled, recovered after a crash and released.

    queued -> sending -> delivered | failed | uncertain | queued again, later

While a journey is paused its rows stay queued (S22); when it is stopped they become cancelled (S23).
Outcomes that are decided at insert (no_consent, withheld, …) are never touched here.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cij.runtime.engine import Engine
from cij.runtime.store import meta, outbox as stored

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
        """The numbers by the names that `store.outbox.ID` reads."""
        return {"effect": self.effect, "passage": self.passage, "turn": self.turn}


@dataclass(frozen=True)
class Place:
    """The rows of one way: those of a channel, of messages `only` or of all `but` some.

    Those to `full` domains of mail are left out.
    """

    channel: str
    only: frozenset[str] | None = None
    but: frozenset[str] = frozenset()
    full: tuple[str, ...] = ()

    def values(self) -> dict[str, object]:
        """Return the values by the names that statements about a place read."""
        is_in = self.only is not None
        names = sorted(self.only if self.only is not None else self.but)
        return {
            "channel": self.channel,
            "every": not is_in and not names,
            "is_in": is_in,
            "names": _json(names),
            "full": _json(self.full),
        }


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
        """Return the values by the names that `SETTLE` reads."""
        return {**self.row.id, **{k: v for k, v in vars(self).items() if k != "row"}}


@dataclass(frozen=True)
class Recovery:
    """What a crash left under way, by number of messages."""

    requeued: int
    uncertain: int


def due(engine: Engine, place: Place, now: datetime, limit: int) -> list[Row]:
    """Return rows of a way that may go now: of transactional messages first, and then the oldest."""
    statement = stored.DUE_WHERE_OPEN if place.full else stored.DUE
    found = engine.rows(statement, {**place.values(), "now": now, "limit": limit})
    return [Row(*values) for values in found]


def claim(engine: Engine, rows: Sequence[Row], token: str | None, number: int = 0) -> None:
    """Commit that `rows` are being sent, as the batch `token` of a handover file if there is one.

    `number` is that of the batch in the ledger; 0 where it has none.
    """
    ids = _json([row.id for row in rows])
    with engine.transaction():
        engine.execute(stored.CLAIM, {"rows": ids, "token": token, **_span(rows)})
        if number:
            meta.put(engine, meta.HANDED, str(number))


def claimed(engine: Engine, channel: str, token: str) -> list[Row]:
    """Return the rows of a batch that nobody has settled."""
    found = engine.rows(stored.CLAIMED, {"channel": channel, "token": token})
    return [Row(*values) for values in found]


def settle(engine: Engine, settlements: Sequence[Settlement]) -> None:
    """Commit what became of a batch."""
    parameters: dict[str, object] = {"settlements": _json([s.values() for s in settlements])}
    with engine.transaction():
        count = engine.execute(stored.SETTLE, parameters | _span([s.row for s in settlements]))
    assert count == len(settlements), f"{len(settlements)} messages sent, {count} rows settled"


def contents(engine: Engine, hashes: Sequence[str]) -> dict[str, str]:
    """Return the stored messages by hash, as JSON text."""
    return {hash_: text for hash_, text in engine.rows(stored.CONTENTS, {"hashes": _json(hashes)})}


def next_due(engine: Engine, place: Place | None = None) -> datetime | None:
    """Return when the first queued row may go, of all or of one way; None when none is queued."""
    if place is None:
        found: datetime | None = engine.rows(stored.NEXT_DUE)[0][0]
    else:
        statement = stored.NEXT_DUE_WHERE_OPEN if place.full else stored.NEXT_DUE_OF
        found = engine.rows(statement, place.values())[0][0]
    return found


def recall(engine: Engine, rows: Sequence[Row]) -> None:
    """Queue again rows that were claimed and that no connection has taken."""
    ids = _json([row.id for row in rows])
    with engine.transaction():
        engine.execute(stored.RECALL, {"rows": ids, **_span(rows)})


def recover(engine: Engine, idempotent_channels: Sequence[str], now: datetime) -> Recovery:
    """Settle what a crash left as `sending`; nothing is sent twice by itself (S19)."""
    with engine.transaction():
        requeued = engine.execute(stored.REQUEUE, {"channels": _json(idempotent_channels)})
        uncertain = engine.execute(stored.DOUBT, {"reason": _STOPPED_WHILE_SENDING, "now": now})
    return Recovery(requeued, uncertain)


def release_uncertain(engine: Engine, keys: Sequence[str] | None = None) -> int:
    """Queue uncertain rows again, at the author's word: all, or those with `keys`."""
    with engine.transaction():
        return engine.execute(stored.RELEASE, {"every": keys is None, "keys": _json(keys or ())})


def release_failed(engine: Engine, now: datetime, keys: Sequence[str] | None = None) -> int:
    """Queue again what was refused for good, at the author's word: all, or those with `keys`.

    What has expired stays as it is, and so does what a stopped journey wanted to send.
    """
    named = {"every": keys is None, "keys": _json(keys or ()), "now": now}
    with engine.transaction():
        return engine.execute(stored.RELEASE_FAILED, named)


def _json(values: Sequence[object]) -> str:
    # Instants are written as SQL writes them.
    return json.dumps(list(values), default=str)


def _span(rows: Sequence[Row]) -> dict[str, datetime]:
    times = [row.created_at for row in rows]
    return {"first": min(times), "last": max(times)}
