"""What a message takes where it says nothing itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

LinkKind = Literal["unsubscribe", "preferences", "confirm"]


class MessageLinks(Protocol):
    """Makes the links by which a customer changes what they get."""

    def url(
        self, kind: LinkKind, customer: str, topic: str, channel: str, key: str, at: datetime
    ) -> str:
        """Return the web address for a customer, in a message that was queued `at`."""
        ...


@dataclass(frozen=True, slots=True)
class MessageOf:
    """One copy of a message, as far as what measures it is made of it."""

    customer: str
    key: str
    channel: str
    journey: str
    step: str
    message: str


class MessageTracking(Protocol):
    """Makes what measures opens and clicks of mails.

    `topic` is that whose consent a customer must have given. Links to `hosts` are measured, besides those to
    hosts that the author wrote.
    """

    @property
    def topic(self) -> str: ...

    @property
    def hosts(self) -> frozenset[str]: ...

    def extra(self, of: MessageOf) -> str:
        """Return the parameters that links of a message get, also where nobody is measured."""
        ...

    def image(self, of: MessageOf) -> str:
        """Return the address of the image that records an opening."""
        ...

    def link(self, of: MessageOf, target: str, number: int, count: int) -> str:
        """Return the address that leads to `target`, which is link `number` of `count`."""
        ...


@dataclass(frozen=True)
class Defaults:
    """What a message may leave open. `unsubscribe` is a URL or `mailto:`; without it `links` has one.

    `region` is that of phone numbers without a country code. `links` is None where customers cannot
    reach the project. `reporting` are the mail providers that report what became of mails. `tracking` is
    None where opens and clicks are not measured; `is_measured` is False for a customer who has not agreed.
    """

    sender: str | None = None
    reply_to: str | None = None
    unsubscribe: str | None = None
    region: str | None = None
    links: MessageLinks | None = None
    reporting: tuple[str, ...] = ()
    tracking: MessageTracking | None = None
    is_measured: bool = True

    def texts(self) -> list[object]:
        """Return what decides how a message is written."""
        found: list[object] = [self.sender, self.reply_to, self.unsubscribe, self.region]
        # As it was before there were links, so that a new version queues nothing again.
        return [*found, True] if self.links is not None else found
