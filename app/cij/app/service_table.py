"""The table `[service]` of cij.toml: the HTTP service of a project."""

import ipaddress
import os
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from cij.runtime.errors import ConfigError

DEFAULT_PORT = 8080


def split_address(text: str) -> tuple[str, int]:
    """Return host and port of `127.0.0.1:8080`, `[::1]:8080` or `:8080`, which is this machine alone.

    Raises: ValueError.
    """
    found = re.fullmatch(r"(?:\[([0-9a-fA-F:]+)\]|([^:\[\]]*)):(\d{1,5})", text.strip())
    if found is None or int(found[3]) > 65_535:
        raise ValueError(f"`{text}` is no address to listen on; write for example 127.0.0.1:8080")
    return found[1] or found[2] or "127.0.0.1", int(found[3])


def _is_address(text: str) -> str:
    split_address(text)
    return text


def _is_public(text: str | None) -> str | None:
    if text is None:
        return None
    parts = urlsplit(text)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"`{text}` is no web address such as https://events.shop.example")
    return text.rstrip("/")


def _are_proxies(found: tuple[str, ...]) -> tuple[str, ...]:
    for each in found:
        try:
            ipaddress.ip_network(each)
        except ValueError:
            raise ValueError(f"`{each}` is neither an address nor a network") from None
    return found


class CallbacksTable(BaseModel):
    """`[service.callbacks]`: the mail providers that report what became of mails."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mailgun_key_env: str | None = None
    postmark: bool = False

    @property
    def providers(self) -> tuple[str, ...]:
        """The providers that report."""
        is_on = {"mailgun": self.mailgun_key_env is not None, "postmark": self.postmark}
        return tuple(name for name, on in is_on.items() if on)

    def secrets(self) -> dict[str, str]:
        """Return the secrets of providers that sign. Raises: ConfigError for an unset variable."""
        if self.mailgun_key_env is None:
            return {}
        if not (secret := os.environ.get(self.mailgun_key_env)):
            raise ConfigError(f"cij.toml: the variable {self.mailgun_key_env} is not set")
        return {"mailgun": secret}


class ServiceTable(BaseModel):
    """`[service]`.

    `url` is the address by which customers reach the service. `user_ids` is the source whose key is the
    `userId` of Segment's calls. `per_key_per_second` is how many events each key may send.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    listen: Annotated[str, AfterValidator(_is_address)] = f"127.0.0.1:{DEFAULT_PORT}"
    url: Annotated[str | None, AfterValidator(_is_public)] = None
    trusted_proxies: Annotated[tuple[str, ...], AfterValidator(_are_proxies)] = ()
    user_ids: str | None = None
    per_key_per_second: float = Field(default=1000.0, gt=0, le=1_000_000)
    callbacks: CallbacksTable = CallbacksTable()
