"""The tables of `cij.toml` for providers of push messages: `[delivery.push]`."""

import json
import os
import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from cij.app.provider_tables import ApiDelivery
from cij.runtime.errors import ConfigError

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_OF_ACCOUNT = ("client_email", "private_key", "project_id", "token_uri")


def _text_of(variable: str) -> str:
    if not (found := os.environ.get(variable, "").strip()):
        raise ConfigError(f"cij.toml: the variable {variable} is not set")
    return found


def _pem_of(variable: str) -> str:
    # Some systems keep variables in one line, with the ends of lines written out.
    return _text_of(variable).replace("\\n", "\n")


class FcmDelivery(ApiDelivery):
    """`[delivery.push]` through Firebase. The variable has the JSON file of a service account."""

    kind: Literal["fcm"]

    def key(self) -> str:
        """Return the service account in one line. Raises: ConfigError."""
        return json.dumps(self._account())

    def options(self) -> dict[str, str]:
        """Return the project of the service account. Raises: ConfigError."""
        return {"project": self._account()["project_id"]}

    def _account(self) -> dict[str, str]:
        try:
            found: Any = json.loads(_text_of(self.key_env))
        except ValueError:
            found = None
        account = found if isinstance(found, dict) else {}
        texts = {name: account.get(name) for name in _OF_ACCOUNT}
        wrong = [name for name, text in texts.items() if not isinstance(text, str) or not text]
        if not wrong and not _is_safe(str(texts["token_uri"])):
            wrong = ["token_uri"]
        if wrong:
            what = f"the variable {self.key_env} holds no service account: `{wrong[0]}` is wrong"
            raise ConfigError(f"{what}; set it to the text of the JSON file from Firebase")
        return {name: str(text) for name, text in texts.items()}


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or parts.hostname in _LOOPBACK


class ApnsDelivery(ApiDelivery):
    """`[delivery.push]` through Apple. The variable has the text of the `.p8` file; `topic` is the id of the app."""

    kind: Literal["apns"]
    key_id: str = Field(pattern=r"^[A-Z0-9]{10}$")
    team: str = Field(pattern=r"^[A-Z0-9]{10}$")
    topic: str = Field(pattern=r"^[A-Za-z0-9.-]{1,155}$")
    sandbox: bool = False

    def key(self) -> str:
        """Return the private key as PEM. Raises: ConfigError for an unset variable."""
        return _pem_of(self.key_env)

    def options(self) -> dict[str, str]:
        found = {"key_id": self.key_id, "team": self.team, "topic": self.topic}
        return {**found, "sandbox": "yes" if self.sandbox else "no"}


def _is_contact(text: str) -> str:
    if not re.fullmatch(r"mailto:[!-~]+@[!-~]+|https://[!-~]+", text):
        raise ValueError(f"`{text}` is neither `mailto:` with an address nor https://")
    return text


def _are_services(found: tuple[str, ...]) -> tuple[str, ...]:
    for each in found:
        if not re.fullmatch(r"\.?[a-z0-9-]+(\.[a-z0-9-]+)+", each):
            raise ValueError(f"`{each}` is no host such as push.browser.example")
    return found


class WebPushDelivery(ApiDelivery):
    """`[delivery.push]` to browsers. The variable has the private key of VAPID.

    Push services write to `contact` if something is wrong. `hosts` are more services than those that are known;
    one with a dot in front stands for all below it. A message that finds no browser for `ttl_seconds` is dropped.
    """

    kind: Literal["webpush"]
    contact: Annotated[str, AfterValidator(_is_contact)]
    hosts: Annotated[tuple[str, ...], AfterValidator(_are_services)] = ()
    ttl_seconds: int = Field(default=86_400, ge=0, le=2_419_200)

    def key(self) -> str:
        """Return the private key, as PEM or in Base64. Raises: ConfigError for an unset variable."""
        return _pem_of(self.key_env)

    def options(self) -> dict[str, str]:
        hosts = " ".join(self.hosts)
        return {"contact": self.contact, "hosts": hosts, "ttl": str(self.ttl_seconds)}
