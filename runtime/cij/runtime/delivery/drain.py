"""Delivery of what the outbox holds: claim a batch, hand it over, write what became of it.

A row is `sending` in the store before anything leaves, so that after a crash it is known which
messages may have left.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from cij.compiler.program import Message
from cij.compiler.sql import Statement
from cij.runtime.delivery import outbox
from cij.runtime.delivery.channels.transport import Outcome, Prepared, Transport, outcome_of
from cij.runtime.delivery.compose import Defaults, compose, locale_of
from cij.runtime.delivery.outbox import Row, Settlement
from cij.runtime.engine import Engine
from cij.runtime.errors import DeliveryError

BATCH_ROWS = 500
FAILURES_SHOWN_MAX = 100

# How long to wait after the first, second, … attempt. After one more the message has failed.
BACKOFF = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
)
ATTEMPTS_MAX = len(BACKOFF) + 1


@dataclass(frozen=True)
class Failure:
    """A message that failed or is uncertain, and why."""

    key: str
    customer: str
    message: str
    outcome: str
    reason: str


@dataclass
class DrainReport:
    """`counts` by outcome; `queued` are those to try again. `failures` shows the first 100.

    `channel_errors` has one message for each channel that is down; its rows are left as they
    were, so the caller decides when to try again.
    """

    counts: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    channel_errors: dict[str, str] = field(default_factory=dict)

    def add(self, settlement: Settlement) -> None:
        """Count one message."""
        self.counts[settlement.outcome] += 1
        is_bad = settlement.outcome in ("failed", "uncertain")
        if is_bad and len(self.failures) < FAILURES_SHOWN_MAX:
            row, reason = settlement.row, settlement.reason or ""
            failure = Failure(row.key, row.customer, row.message, settlement.outcome, reason)
            self.failures.append(failure)


def drain(
    engine: Engine,
    transports: Mapping[str, Transport],
    now: datetime,
    *,
    limit: int | None = None,
    recheck: Statement | None = None,
    defaults: Defaults | None = None,
) -> DrainReport:
    """Deliver what is due, up to `limit` messages, channel by channel, the oldest first.

    `recheck` marks queued rows that may not be sent any more, for consent is read again at the
    instant of sending (S20). It may name the parameter `now`. Channels without a transport wait.
    """
    report = DrainReport()
    for channel, transport in transports.items():
        left = limit
        while channel not in report.channel_errors and left != 0:
            if recheck is not None:
                engine.execute(recheck, {"now": now})
            size = BATCH_ROWS if left is None else min(BATCH_ROWS, left)
            rows = outbox.due(engine, channel, now, size)
            if not rows:
                break
            _batch(engine, transport, rows, now, defaults or Defaults(), report)
            left = None if left is None else left - len(rows)
        limit = left
    return report


def recover(engine: Engine, transports: Mapping[str, Transport], now: datetime) -> outbox.Recovery:
    """Settle what a crash left under way. Call it once, before the first drain."""
    idempotent = [channel for channel, one in transports.items() if one.is_idempotent]
    return outbox.recover(engine, idempotent, now)


def _batch(
    engine: Engine,
    transport: Transport,
    rows: Sequence[Row],
    now: datetime,
    defaults: Defaults,
    report: DrainReport,
) -> None:
    by_key = {row.key: row for row in rows}
    assert len(by_key) == len(rows), "two rows of the outbox have one key"
    prepared, outcomes, locales = _composed(engine, rows, defaults)
    outbox.claim(engine, rows)
    outcomes += transport.deliver(prepared)
    settlements = []
    for outcome in outcomes:
        row = by_key.pop(outcome.key)
        if outcome.status == "unsent":
            report.channel_errors.setdefault(row.channel, outcome.reason or "the channel is down")
        settlements.append(settled(row, outcome, now, locales.get(row.key, row.locale)))
    assert not by_key, f"no outcome for {len(by_key)} messages"
    outbox.settle(engine, settlements)
    for settlement in settlements:
        report.add(settlement)


def _composed(
    engine: Engine, rows: Sequence[Row], defaults: Defaults
) -> tuple[list[Prepared], list[Outcome], dict[str, str]]:
    stored = outbox.contents(engine, sorted({row.content for row in rows}))
    prepared: list[Prepared] = []
    outcomes: list[Outcome] = []
    locales: dict[str, str] = {}
    for row in rows:
        assert row.content in stored, f"the outbox names content {row.content}, which is not there"
        message = _message(stored[row.content])
        content = locale_of(row, message)
        locales[row.key] = content.locale
        try:
            prepared.append(compose(row, message, content, defaults))
        except DeliveryError as error:
            outcomes.append(outcome_of(row.key, error))
    return prepared, outcomes, locales


@lru_cache(maxsize=512)
def _message(text: str) -> Message:
    return Message.model_validate_json(text)


def settled(row: Row, outcome: Outcome, now: datetime, locale: str | None) -> Settlement:
    """Return what `row` becomes by `outcome`."""
    if outcome.status == "unsent":
        # As before: it was not the message that failed, so this is no attempt.
        return Settlement(row, "queued", outcome.reason, row.attempts, None, None, None, row.locale)
    attempts = row.attempts + 1
    if outcome.status == "retry" and attempts < ATTEMPTS_MAX:
        reason = f"attempt {attempts} of {ATTEMPTS_MAX}: {outcome.reason}"
        due_at = now + BACKOFF[attempts - 1]
        return Settlement(row, "queued", reason, attempts, due_at, None, None, row.locale)
    final, why = outcome.status, outcome.reason
    if final == "retry":
        final, why = "failed", f"gave up after {ATTEMPTS_MAX} attempts: {why}"
    return Settlement(row, final, why, attempts, None, now, outcome.provider_id, locale)
