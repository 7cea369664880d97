"""Delivery of what the outbox holds: claim a batch, hand it over, write what became of it.

A row is `sending` in the store before anything leaves, so that after a crash it is known which
messages may have left. A channel that is not idempotent notes in its handover file which of them a
connection has really taken.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from cij.compiler.addresses import canonical
from cij.compiler.channels import ADDRESS
from cij.compiler.program import Action, Message
from cij.compiler.sql import Statement
from cij.compiler.sql.suppressing import REASONS
from cij.runtime.delivery import outbox
from cij.runtime.delivery.channels.transport import (
    Outcome,
    Prepared,
    Status,
    Transport,
    outcome_of,
)
from cij.runtime.delivery.defaults import Defaults
from cij.runtime.delivery.handover import Handover, Left
from cij.runtime.delivery.outbox import Row, Settlement
from cij.runtime.engine import Engine
from cij.runtime.errors import DeliveryError, WorldError, reason_of, storable
from cij.runtime.intake import put_event_aside
from cij.runtime.moments import fill_moments
from cij.runtime.store import suppression

ACTIONS = "action"
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
# How long to leave a receiver alone that cannot be reached. No attempt is counted.
PAUSE = timedelta(seconds=30)


@dataclass(frozen=True)
class Done:
    """An action that was done, and what the outside gave back, unchecked."""

    row: Row
    returned: Mapping[str, Any]


# Takes what was done into the store, in the transaction in which the rows are settled.
TakeDone = Callable[[Sequence[Done]], None]


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
    were, so the caller decides when to try again. `receiver_errors` are the same for single
    actions, whose rows have an instant for that. `done` is the number of actions that were done.
    """

    counts: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    channel_errors: dict[str, str] = field(default_factory=dict)
    receiver_errors: dict[str, str] = field(default_factory=dict)
    done: int = 0

    @property
    def is_troubled(self) -> bool:
        """Tell whether something could not be delivered."""
        return bool(self.channel_errors or self.receiver_errors or self.failures)

    def add(self, settlement: Settlement) -> None:
        """Count one message."""
        self.counts[settlement.outcome] += 1
        is_bad = settlement.outcome in ("failed", "uncertain")
        if is_bad and len(self.failures) < FAILURES_SHOWN_MAX:
            row, reason = settlement.row, settlement.reason or ""
            failure = Failure(row.key, row.customer, row.message, settlement.outcome, reason)
            self.failures.append(failure)

    def merge(self, other: "DrainReport") -> None:
        """Add what a later drain of the same step did."""
        self.counts += other.counts
        self.failures = (self.failures + other.failures)[:FAILURES_SHOWN_MAX]
        self.channel_errors = other.channel_errors
        self.receiver_errors |= other.receiver_errors
        self.done += other.done


def drain(
    engine: Engine,
    transports: Mapping[str, Transport],
    now: datetime,
    *,
    limit: int | None = None,
    recheck: Sequence[Statement] = (),
    defaults: Defaults | None = None,
    take_done: TakeDone = lambda done: None,
) -> DrainReport:
    """Deliver what is due, up to `limit` messages, channel by channel, the oldest first.

    `recheck` marks queued rows that may not be sent any more, for consent is read again at the
    instant of sending (S20). It may name the parameter `now`. Channels without a transport wait.
    """
    report = DrainReport()
    for channel, transport in transports.items():
        left = limit
        if recheck:
            fill_moments(engine, now)
        for statement in recheck:
            engine.execute(statement, {"now": now})
        while channel not in report.channel_errors and left != 0:
            size = BATCH_ROWS if left is None else min(BATCH_ROWS, left)
            rows = outbox.due(engine, channel, now, size)
            if not rows:
                break
            job = _Job(engine, transport, now, defaults or Defaults(), take_done, report)
            _batch(job, rows)
            left = None if left is None else left - len(rows)
        limit = left
    return report


def recover(engine: Engine, transports: Mapping[str, Transport], now: datetime) -> outbox.Recovery:
    """Settle what a crash left under way. Call it once, before the first drain.

    What a handover file tells is settled by it: only what a connection had taken and nobody has
    answered is uncertain.
    """
    idempotent = [channel for channel, one in transports.items() if one.is_idempotent]
    with engine.transaction():
        told = sum(_settle_told(engine, *each, now) for each in transports.items())
        rest = outbox.recover(engine, idempotent, now)
    return outbox.Recovery(rest.requeued + told, rest.uncertain)


def _settle_told(engine: Engine, channel: str, transport: Transport, now: datetime) -> int:
    """Settle the rows of which a handover file tells; return how many go out again."""
    handover = _handover_of(transport)
    left = handover.left() if handover is not None else None
    rows = outbox.claimed(engine, channel, left.token) if left is not None else []
    if left is None or not rows:
        return 0
    settlements, bounced = [], []
    for row in rows:
        unsent = None if row.key in left.taken else Outcome(row.key, "unsent")
        outcome = left.heard.get(row.key, unsent)
        if outcome is not None:
            settlements.append(settled(row, outcome, now, None))
            bounced += [row] * outcome.is_bounce
    suppress_bounced(engine, bounced, now)
    if settlements:
        outbox.settle(engine, settlements)
    return sum(1 for s in settlements if s.outcome == "queued")


def suppress_bounced(engine: Engine, rows: Sequence[Row], now: datetime) -> None:
    """Put on the suppression list the addresses that a server does not know, as hard bounces (S16)."""
    for row in rows:
        form = canonical(ADDRESS[row.channel], row.address or "", None)
        entry = {"channel": row.channel, "address": form, "customer": None}
        if not engine.rows(suppression.KNOWN, entry)[0][0]:
            engine.execute(suppression.ADD, {**entry, "reason": REASONS["bounced"], "now": now})


def _handover_of(transport: Transport) -> Handover | None:
    return getattr(transport, "handover", None)


@dataclass(frozen=True)
class _Job:
    """What all batches of one channel have in common."""

    engine: Engine
    transport: Transport
    now: datetime
    defaults: Defaults
    take_done: TakeDone
    report: DrainReport


def _batch(job: _Job, rows: Sequence[Row]) -> None:
    by_key = {row.key: row for row in rows}
    assert len(by_key) == len(rows), "two rows of the outbox have one key"
    composed = _composed(job.engine, rows, job.defaults)
    handover = _handover_of(job.transport)
    # The file is there before the store names it: a crash between both leaves the rows queued.
    token = handover.begin(one.key for one in composed.prepared) if handover is not None else None
    outbox.claim(job.engine, rows, token)
    outcomes = composed.outcomes + _delivered(job.transport, composed.prepared)
    settlements, done, bounced = [], [], []
    for outcome in outcomes:
        row = by_key.pop(outcome.key)
        if outcome.is_bounce:
            bounced.append(row)
        _note_errors(row, outcome, job.report)
        settlements.append(settled(row, outcome, job.now, composed.locales.get(row.key)))
        if outcome.returned is not None:
            done.append(Done(row, outcome.returned))
    assert not by_key, f"no outcome for {len(by_key)} messages"
    _settle(job, settlements, done, bounced)
    job.report.done += len(done)
    for settlement in settlements:
        job.report.add(settlement)


def _delivered(transport: Transport, prepared: Sequence[Prepared]) -> list[Outcome]:
    """Hand messages over. Where the transport itself breaks, each goes alone or counts as uncertain."""
    try:
        return transport.deliver(prepared)
    except WorldError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, other channels go on (S28)
        reason = reason_of(error)
    if transport.is_idempotent and len(prepared) > 1:
        return [outcome for one in prepared for outcome in _delivered(transport, [one])]
    status: Status = "failed" if transport.is_idempotent else "uncertain"
    broken = [Outcome(one.key, status, f"the channel broke: {reason}") for one in prepared]
    handover = _handover_of(transport)
    left = handover.left() if handover is not None else None
    return broken if left is None else [_as_noted(one, left) for one in broken]


def _as_noted(broken: Outcome, left: Left) -> Outcome:
    """Return what became of a message by the handover file: what was never taken is not in doubt."""
    if broken.key in left.heard:
        return left.heard[broken.key]
    return broken if broken.key in left.taken else Outcome(broken.key, "unsent", broken.reason)


def _settle(
    job: _Job, settlements: Sequence[Settlement], done: Sequence[Done], bounced: Sequence[Row]
) -> None:
    """Write what became of a batch, suppress what bounced, and take in the answers of what was done."""
    try:
        with job.engine.transaction():
            outbox.settle(job.engine, settlements)
            suppress_bounced(job.engine, bounced, job.now)
            if done:
                job.take_done(done)
    except WorldError:
        raise
    except Exception:  # noqa: BLE001 - whatever it is, it is of one answer
        with job.engine.transaction():
            outbox.settle(job.engine, settlements)
            suppress_bounced(job.engine, bounced, job.now)
        for one in done:
            _take_answer(job, one)


def _take_answer(job: _Job, one: Done) -> None:
    """Take in one answer; one that fails counts as done, without a result (S28)."""
    try:
        with job.engine.transaction():
            job.take_done([one])
    except WorldError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it is of this answer
        with job.engine.transaction():
            answer = {"event": f"answer to {one.row.message}", "customer": one.row.customer}
            put_event_aside(job.engine, answer | {"id": one.row.key}, reason_of(error), job.now)
            job.take_done([Done(one.row, {})])


def _note_errors(row: Row, outcome: Outcome, report: DrainReport) -> None:
    reason = outcome.reason or "the channel is down"
    if outcome.status == "unsent":
        report.channel_errors.setdefault(row.channel, reason)
    elif outcome.status == "later":
        report.receiver_errors.setdefault(row.message, reason)


@dataclass
class _Composed:
    """What can go, the outcomes of what cannot, and the locale of each message."""

    prepared: list[Prepared] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    locales: dict[str, str] = field(default_factory=dict)


def _composed(engine: Engine, rows: Sequence[Row], defaults: Defaults) -> _Composed:
    stored = outbox.contents(engine, sorted({row.content for row in rows}))
    found = _Composed()
    for row in rows:
        assert row.content in stored, f"the outbox names content {row.content}, which is not there"
        try:
            found.prepared.append(_prepared(row, stored[row.content], defaults, found))
        except DeliveryError as error:
            found.outcomes.append(outcome_of(row.key, error))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is of this message (S28)
            reason = f"it cannot be written: {reason_of(error)}"
            found.outcomes.append(Outcome(row.key, "failed", reason))
    return found


def _prepared(row: Row, content: str, defaults: Defaults, found: _Composed) -> Prepared:
    # Composing loads a template engine and a renderer of Markdown, which most runs do not need.
    from cij.runtime.delivery.compose import compose, compose_action, locale_of

    if row.channel == ACTIONS:
        return compose_action(row, _action(content))
    message = _message(content)
    locale = locale_of(row, message)
    found.locales[row.key] = locale.locale
    return compose(row, message, locale, defaults)


@lru_cache(maxsize=512)
def _action(text: str) -> Action:
    return Action.model_validate_json(text)


@lru_cache(maxsize=512)
def _message(text: str) -> Message:
    return Message.model_validate_json(text)


def settled(row: Row, outcome: Outcome, now: datetime, locale: str | None) -> Settlement:
    """Return what `row` becomes by `outcome`."""
    outcome = _as_text(outcome)
    if outcome.status in ("unsent", "later"):
        # As before: it was not the message that failed, so this is no attempt.
        due_at = now + PAUSE if outcome.status == "later" else None
        return _queued(row, outcome.reason, row.attempts, due_at)
    attempts = row.attempts + 1
    if outcome.status == "retry" and attempts < ATTEMPTS_MAX:
        reason = f"attempt {attempts} of {ATTEMPTS_MAX}: {outcome.reason}"
        return _queued(row, reason, attempts, now + _back_off(attempts, outcome))
    final, why = outcome.status, outcome.reason
    if final == "retry":
        final, why = "failed", f"gave up after {ATTEMPTS_MAX} attempts: {why}"
    locale = locale or row.locale
    return Settlement(row, final, why, attempts, None, now, outcome.provider_id, locale)


def _as_text(outcome: Outcome) -> Outcome:
    """Return an outcome that can be stored: a provider may answer with bytes that are no text."""
    reason, provider_id = (
        text and storable(text) for text in (outcome.reason, outcome.provider_id)
    )
    return replace(outcome, reason=reason, provider_id=provider_id)


def _queued(row: Row, reason: str | None, attempts: int, due_at: datetime | None) -> Settlement:
    return Settlement(row, "queued", reason, attempts, due_at, None, None, row.locale)


def _back_off(attempts: int, outcome: Outcome) -> timedelta:
    """Return how long to wait: as long as the receiver asks for, else longer each time."""
    if outcome.retry_after_s is not None:
        return timedelta(seconds=max(outcome.retry_after_s, 1.0))
    return BACKOFF[attempts - 1]
