"""What every transport takes and gives back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from cij.runtime.errors import DeliveryError, PermanentDelivery, TransientDelivery

# `unsent`: never tried or surely not arrived, because the whole channel is down. `later`: as
# `unsent`, where one receiver of several is down, and the others go on.
Status = Literal["delivered", "retry", "failed", "uncertain", "unsent", "later"]


@dataclass(frozen=True)
class Prepared:
    """One message, ready to go. `sender` is the address of the envelope, of email only.

    Of an action `address` is its name, and `content` a JSON object in one line.
    """

    key: str
    channel: str
    address: str
    sender: str
    created_at: datetime
    content: bytes


@dataclass(frozen=True)
class Outcome:
    """What became of one message. `provider_id` is how the provider calls it.

    `retry_after_s` is how long it asks to wait. `returned` is what a call that was done gave back;
    None where it is not done yet, or is no call. `is_bounce`: the address does not exist.
    """

    key: str
    status: Status
    reason: str | None = None
    provider_id: str | None = None
    retry_after_s: float | None = None
    returned: Mapping[str, Any] | None = None
    is_bounce: bool = False


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
        return Outcome(key, "failed", str(error), is_bounce=error.is_bounce)
    return Outcome(key, status, str(error))
