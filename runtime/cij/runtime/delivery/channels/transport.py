"""What every transport takes and gives back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from cij.runtime.errors import DeliveryError, PermanentDelivery, TransientDelivery

# `unsent`: never tried or surely not arrived, because the whole channel is down.
Status = Literal["delivered", "retry", "failed", "uncertain", "unsent"]


@dataclass(frozen=True)
class Prepared:
    """One message, ready to go. `sender` is the address of the envelope, of email only."""

    key: str
    channel: str
    address: str
    sender: str
    created_at: datetime
    content: bytes


@dataclass(frozen=True)
class Outcome:
    """What became of one message. `provider_id` is how the provider calls it."""

    key: str
    status: Status
    reason: str | None = None
    provider_id: str | None = None


class Transport(Protocol):
    """Delivers messages and gives one outcome for each, in any order.

    `is_idempotent`: delivering a message again changes nothing, so after a crash it may be
    sent again. Otherwise what was under way then is `uncertain`.
    """

    is_idempotent: bool

    def deliver(self, batch: Sequence[Prepared]) -> list[Outcome]: ...

    def close(self) -> None: ...


def outcome_of(key: str, error: DeliveryError) -> Outcome:
    """Return what `error` means for the message: only a bare DeliveryError stops the channel."""
    status: Status = "unsent"
    if isinstance(error, TransientDelivery):
        status = "uncertain" if error.may_have_arrived else "retry"
    elif isinstance(error, PermanentDelivery):
        status = "failed"
    return Outcome(key, status, str(error))
