"""The tables of `cij.toml` for providers to which messages go by HTTP. Each key is in a variable."""

import os
from typing import Literal, Self

from pydantic import Field, model_validator

from cij.app.delivery_way import MailWay, Sender, Unsubscribe, Way
from cij.app.webhook_rules import fault_of_url
from cij.runtime.errors import ConfigError


class ApiDelivery(Way):
    """What these providers have in common. `url` takes the place of the provider's own address."""

    key_env: str
    url: str | None = None
    connections: int = Field(default=8, ge=1, le=100)
    timeout_seconds: float = Field(default=15.0, gt=0, le=300)

    @model_validator(mode="after")
    def _has_usable_url(self) -> Self:
        # The key goes along with each message, so there is no way around https.
        if self.url is not None and (fault := fault_of_url(self.url, allows_http=False)):
            raise ValueError(f"the `url` {fault.partition('; ')[0]}; use https://")
        return self

    def key(self) -> str:
        """Return the key. Raises: ConfigError for an unset variable."""
        return key_of(self.key_env)

    def options(self) -> dict[str, str]:
        """Return the settings that only this provider has."""
        return {}

    def knows_doubles(self) -> bool:
        """Tell whether the provider delivers a message once that it gets twice."""
        return False


def key_of(variable: str) -> str:
    """Return the key in a variable. Raises: ConfigError for one that is not set, or holds none."""
    if not (secret := os.environ.get(variable)):
        raise ConfigError(f"cij.toml: the variable {variable} is not set")
    if not (secret.isascii() and secret.isprintable()):
        raise ConfigError(f"the variable {variable} holds no key: it has odd characters")
    return secret


class _MailApi(ApiDelivery, MailWay):
    sender: Sender = Field(alias="from")
    unsubscribe: Unsubscribe = None


class SendgridDelivery(_MailApi):
    """`[delivery.email]` through SendGrid."""

    kind: Literal["sendgrid"]
    region: Literal["global", "eu"] = "global"

    def options(self) -> dict[str, str]:
        return {"region": self.region}


class PostmarkDelivery(_MailApi):
    """`[delivery.email]` through Postmark. `stream` is a message stream of the server."""

    kind: Literal["postmark"]
    stream: str = "outbound"

    def options(self) -> dict[str, str]:
        return {"stream": self.stream}


class MailgunDelivery(_MailApi):
    """`[delivery.email]` through Mailgun. `domain` is the one that sends."""

    kind: Literal["mailgun"]
    domain: str = Field(pattern=r"^[A-Za-z0-9.-]{1,253}$")
    region: Literal["us", "eu"] = "us"

    def options(self) -> dict[str, str]:
        return {"domain": self.domain, "region": self.region}


class SesDelivery(_MailApi):
    """`[delivery.email]` through Amazon SES. The variable has the secret of the `access_key`.

    `session_token_env` is for keys that end. A `configuration_set` of SES says where reports go.
    """

    kind: Literal["ses"]
    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$")
    access_key: str = Field(pattern=r"^[A-Z0-9]{16,128}$")
    session_token_env: str | None = None
    configuration_set: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{1,64}$")

    def options(self) -> dict[str, str]:
        """Return the settings that only SES has. Raises: ConfigError for an unset variable."""
        token = self.session_token_env
        found = {
            "region": self.region,
            "access_key": self.access_key,
            "session_token": key_of(token) if token is not None else None,
            "configuration_set": self.configuration_set,
        }
        return {name: value for name, value in found.items() if value is not None}


class VonageDelivery(ApiDelivery):
    """`[delivery.sms]` through Vonage. `account` is the API key, and the variable has its secret."""

    kind: Literal["vonage"]
    account: str = Field(pattern=r"^[0-9A-Za-z]{4,40}$")
    sender: str = Field(alias="from", min_length=1, max_length=20)

    def options(self) -> dict[str, str]:
        return {"account": self.account, "sender": self.sender}


class TwilioDelivery(ApiDelivery):
    """`[delivery.sms]` through Twilio. `from` is a number or a name, or `service` a messaging service.

    `user` is the id of an API key; without one the key is the token of the account.
    """

    kind: Literal["twilio"]
    account: str = Field(pattern=r"^AC[0-9a-fA-F]{32}$")
    user: str | None = Field(default=None, pattern=r"^SK[0-9a-fA-F]{32}$")
    sender: str | None = Field(default=None, alias="from", min_length=1, max_length=20)
    service: str | None = Field(default=None, pattern=r"^MG[0-9a-fA-F]{32}$")

    @model_validator(mode="after")
    def _has_sender(self) -> Self:
        if (self.sender is None) == (self.service is None):
            raise ValueError("write `from` or `service`, and not both")
        return self

    def options(self) -> dict[str, str]:
        found = {
            "account": self.account,
            "user": self.user,
            "sender": self.sender,
            "service": self.service,
        }
        return {name: value for name, value in found.items() if value is not None}
