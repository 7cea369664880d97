"""The table `[service]` of cij.toml: the HTTP service of a project."""

import ipaddress
import os
import re
from typing import Annotated
from urllib.parse import urlencode, urlsplit

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


# The name of a topic of SNS, in any part of AWS.
_TOPIC = r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]{1,256}$"


class CallbacksTable(BaseModel):
    """`[service.callbacks]`: the providers that report what became of messages.

    `ses_topic` is the topic of SNS to which SES reports. It is no secret, but nothing of another topic counts.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mailgun_key_env: str | None = None
    sendgrid_key_env: str | None = None
    twilio_token_env: str | None = None
    vonage_signature_env: str | None = None
    ses_topic: str | None = Field(default=None, pattern=_TOPIC)
    postmark: bool = False

    @property
    def providers(self) -> tuple[str, ...]:
        """The providers that report."""
        others = {"ses": self.ses_topic is not None, "postmark": self.postmark}
        return (*self._variables(), *(name for name, is_on in others.items() if is_on))

    def secrets(self, only: str | None = None) -> dict[str, str]:
        """Return the secrets of providers that sign, or that of one. Raises: ConfigError for an unset variable."""
        found = {} if self.ses_topic is None else {"ses": self.ses_topic}
        for provider, name in self._variables().items():
            if only not in (None, provider):
                continue
            if not (secret := os.environ.get(name)):
                raise ConfigError(f"cij.toml: the variable {name} is not set")
            found[provider] = secret
        return found

    def _variables(self) -> dict[str, str]:
        named = {
            "mailgun": self.mailgun_key_env,
            "sendgrid": self.sendgrid_key_env,
            "twilio": self.twilio_token_env,
            "vonage": self.vonage_signature_env,
        }
        return {provider: name for provider, name in named.items() if name is not None}


_UTM = ("source", "medium", "campaign", "term", "content", "id")
_HOLE = re.compile(r"\{(\w*)\}")
_HOLES = ("journey", "step", "message", "channel")


def _are_hosts(found: tuple[str, ...]) -> tuple[str, ...]:
    for each in found:
        if not re.fullmatch(r"[a-z0-9.-]+(:\d{1,5})?", each.lower()):
            raise ValueError(f"`{each}` is no host such as www.shop.example")
    return tuple(each.lower() for each in found)


def _is_utm(found: dict[str, str]) -> dict[str, str]:
    for name, value in found.items():
        if name not in _UTM:
            raise ValueError(f"there is no `{name}`; there is {', '.join(_UTM)}")
        for hole in _HOLE.findall(value):
            if hole not in _HOLES:
                known = ", ".join(f"{{{each}}}" for each in _HOLES)
                raise ValueError(f"`{{{hole}}}` is not known; there is {known}")
    return found


class TrackingTable(BaseModel):
    """`[service.tracking]`: opens and clicks are measured.

    `topic` is the topic whose consent a customer must have given. `url` is the address of the service for these
    links; without one it is that of `[service]`. Links to `hosts` are measured, besides those to hosts that an
    author wrote into a message. `utm` are parameters that links get.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    topic: str = Field(min_length=1)
    url: Annotated[str | None, AfterValidator(_is_public)] = None
    hosts: Annotated[tuple[str, ...], AfterValidator(_are_hosts)] = ()
    utm: Annotated[dict[str, str], AfterValidator(_is_utm)] = {}

    def __hash__(self) -> int:
        return hash((self.topic, self.url, self.hosts, *self.utm.items()))

    def parameters(self, **known: str) -> str:
        """Return `utm` as a part of a query, with the names of a message filled in."""
        values = {
            f"utm_{name}": _HOLE.sub(lambda hole: known[hole[1]], value)
            for name, value in self.utm.items()
        }
        return urlencode({name: value for name, value in values.items() if value})


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
    tracking: TrackingTable | None = None
