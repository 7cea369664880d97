"""What becomes of messages by their outcomes, and how that is written into the store."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cij.compiler.addresses import canonical
from cij.compiler.channels import ADDRESS
from cij.compiler.sql.suppressing import REASONS
from cij.runtime.delivery import outbox
from cij.runtime.delivery.channels.transport import Outcome
from cij.runtime.delivery.drain_report import Done, TakeDone
from cij.runtime.delivery.outbox import Row, Settlement
from cij.runtime.engine import Engine
from cij.runtime.errors import WorldError, reason_of, storable
from cij.runtime.intake import put_event_aside
from cij.runtime.store import suppression

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


def settled(row: Row, outcome: Outcome, now: datetime, locale: str | None) -> Settlement:
    """Return what `row` becomes by `outcome`."""
    outcome = _as_text(outcome)
    if outcome.status in ("unsent", "later", "held"):
        # As before: it was not the message that failed, so this is no attempt.
        due_at = None if outcome.status == "unsent" else now + PAUSE
        return _queued(row, outcome.reason, row.attempts, due_at)
    attempts = row.attempts + 1
    if outcome.status == "retry" and attempts < ATTEMPTS_MAX:
        reason = f"attempt {attempts} of {ATTEMPTS_MAX}: {outcome.reason}"
        return _queued(row, reason, attempts, now + _back_off(attempts, outcome))
    final, why = str(outcome.status), outcome.reason
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


def suppress_bounced(engine: Engine, rows: Sequence[Row], now: datetime) -> None:
    """Put on the suppression list the addresses that a server does not know, as hard bounces (S16)."""
    for row in rows:
        form = canonical(ADDRESS[row.channel], row.address or "", None)
        entry = {"channel": row.channel, "address": form, "customer": None}
        if not engine.rows(suppression.KNOWN, entry)[0][0]:
            engine.execute(suppression.ADD, {**entry, "reason": REASONS["bounced"], "now": now})


@dataclass
class Settling:
    """Outcomes of one lane at one instant, to be written together."""

    engine: Engine
    now: datetime
    take_done: TakeDone
    settlements: list[Settlement] = field(default_factory=list)
    done: list[Done] = field(default_factory=list)
    bounced: list[Row] = field(default_factory=list)

    def add(self, row: Row, outcome: Outcome, locale: str | None) -> None:
        """Add what became of one row."""
        self.settlements.append(settled(row, outcome, self.now, locale))
        if outcome.is_bounce:
            self.bounced.append(row)
        if outcome.returned is not None:
            self.done.append(Done(row, outcome.returned))

    def write(self) -> None:
        """Write the outcomes, suppress what bounced, and take in the answers of what was done."""
        try:
            with self.engine.transaction():
                self._settle()
                if self.done:
                    self.take_done(self.done)
        except WorldError:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, it is of one answer
            with self.engine.transaction():
                self._settle()
            for one in self.done:
                self._take_answer(one)

    def _settle(self) -> None:
        if self.settlements:
            outbox.settle(self.engine, self.settlements)
        suppress_bounced(self.engine, self.bounced, self.now)

    def _take_answer(self, one: Done) -> None:
        """Take in one answer; one that fails counts as done, without a result (S28)."""
        try:
            with self.engine.transaction():
                self.take_done([one])
        except WorldError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is of this answer
            with self.engine.transaction():
                answer = {"event": f"answer to {one.row.message}", "customer": one.row.customer}
                put_event_aside(
                    self.engine, answer | {"id": one.row.key}, reason_of(error), self.now
                )
                self.take_done([Done(one.row, {})])
