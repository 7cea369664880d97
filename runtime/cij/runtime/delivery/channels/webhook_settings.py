"""Where a webhook goes, and how it is signed. Apart from its transport, which loads an HTTP client."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from cij.runtime.clock import Clock, LiveClock

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class WebhookSettings:
    """`secret` is base64 with `whsec_` in front. `timeout_s` is for each step of a call.

    The clock tells the instant of each attempt, which is signed with it.
    """

    url: str
    secret: str = field(repr=False)
    connections: int = 8
    timeout_s: float = 10.0
    clock: Clock = field(default_factory=LiveClock)

    @property
    def place(self) -> str:
        """How messages call the receiver: the path and the query may hold what is secret."""
        parts = urlsplit(self.url)
        return parts.hostname + (f":{parts.port}" if parts.port else "") if parts.hostname else "?"

    @property
    def is_loopback(self) -> bool:
        return urlsplit(self.url).hostname in _LOOPBACK
