"""What a delivery did, for the people who watch it and for the store."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cij.runtime.delivery.outbox import Row, Settlement

FAILURES_SHOWN_MAX = 100


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
    actions, whose rows have an instant for that. `done` is the number of actions that were done. `diverted` are
    channels that are down while another way takes their messages, and `held` those whose rates hold some back.
    """

    counts: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    channel_errors: dict[str, str] = field(default_factory=dict)
    receiver_errors: dict[str, str] = field(default_factory=dict)
    done: int = 0
    diverted: dict[str, str] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)

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
        self.diverted, self.held = other.diverted, other.held
        self.receiver_errors |= other.receiver_errors
        self.done += other.done
