"""Where a provider's API is, and what it needs. Apart from its transport, which loads an HTTP client."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True)
class ApiSettings:
    """`provider` is a row of the table of providers. `options` are settings that only it has.

    `url` takes the place of its address. `timeout_s` is for each step of a call. `handover` is the file that notes
    which messages a call has taken. `reports_to` is where the provider reports what became of a message, if
    the address goes along with the message. `is_idempotent`: the provider takes a message with the same id once.
    """

    provider: str
    key: str = field(repr=False)
    # One of them may be a token.
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    url: str | None = None
    connections: int = 8
    timeout_s: float = 15.0
    handover: Path | None = None
    reports_to: str | None = None
    is_idempotent: bool = False

    @property
    def is_loopback(self) -> bool:
        """Tell whether the address is on this machine."""
        host = urlsplit(self.url).hostname if self.url else None
        return host in ("localhost", "127.0.0.1", "::1")
