"""What a message takes where it says nothing itself."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Defaults:
    """What a message may leave open. `unsubscribe` is a URL or `mailto:`.

    `region` is that of phone numbers without a country code.
    """

    sender: str | None = None
    reply_to: str | None = None
    unsubscribe: str | None = None
    region: str | None = None
