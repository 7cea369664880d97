"""What every transport takes and gives back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from cij.runtime.delivery.mail import Email
from cij.runtime.errors import (
    DeliveryError,
    PermanentDelivery,
    SenderRefused,
    TransientDelivery,
)

# `unsent`: never tried or surely not arrived, because the whole channel is down. `later`: as
# `unsent`, where one receiver of several is down. `held`: as `later`, where the provider refuses the
# sender, and takes messages of others.
Status = Literal["delivered", "retry", "failed", "uncertain", "unsent", "later", "held"]


@dataclass(frozen=True)
class Prepared:
    """One message, ready to go. `sender` is the address of the envelope, of email only. `id` tells it
    from the messages of all stores; it is the same again where a store goes the same way again.

    Of an action `address` is its name, and `content` a JSON object in one line. `mail` has the parts of a mail,
    and `text` and `title` are those of another message, for providers that build it themselves.
    """

    key: str
    channel: str
    address: str
    sender: str
    created_at: datetime
    content: bytes
    id: str = ""
    mail: Email | None = None
    text: str = ""
    title: str = ""
    customer: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of one message. `provider_id` is how the provider calls it.

    `retry_after_s` is how long it asks to wait. `returned` is what a call that was done gave back;
    None where it is not done yet, or is no call. `is_bounce`: the address does not exist. `code` is
    that of a refusal for good: refusals with the same code are alike.
    """

    key: str
    status: Status
    reason: str | None = None
    provider_id: str | None = None
    retry_after_s: float | None = None
    returned: Mapping[str, Any] | None = None
    is_bounce: bool = False
    code: str | None = None


class Transport(Protocol):
    """Delivers messages and gives one outcome for each, in any order. It runs in a thread of its own.

    A transport that takes its messages from a `Batch` one by one may leave out those that were
    taken back meanwhile.

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
        return Outcome(key, "failed", str(error), is_bounce=error.is_bounce, code=error.code)
    elif isinstance(error, SenderRefused):
        status = "held"
    return Outcome(key, status, str(error))
