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


@dataclass(frozen=True)
class Defaults:
    """What a message may leave open. `unsubscribe` is a URL or `mailto:`; without it `links` has one.

    `region` is that of phone numbers without a country code. `links` is None where customers cannot
    reach the project. `reporting` are the mail providers that report what became of mails.
    """

    sender: str | None = None
    reply_to: str | None = None
    unsubscribe: str | None = None
    region: str | None = None
    links: MessageLinks | None = None
    reporting: tuple[str, ...] = ()

    def texts(self) -> list[object]:
        """Return what decides how a message is written."""
        found: list[object] = [self.sender, self.reply_to, self.unsubscribe, self.region]
        # As it was before there were links, so that a new version queues nothing again.
        return [*found, True] if self.links is not None else found
