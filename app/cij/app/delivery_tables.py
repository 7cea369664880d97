"""The tables `[delivery.…]` of cij.toml: how messages and calls leave."""

import os
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, create_model, model_validator

from cij.app.delivery_way import MailWay, Sender, Table, Unsubscribe, Way
from cij.app.http_tables import HttpDelivery, HttpMailDelivery
from cij.app.project_files import FILE_NAME
from cij.app.provider_tables import (
    MailgunDelivery,
    PostmarkDelivery,
    SendgridDelivery,
    SesDelivery,
    TwilioDelivery,
    VonageDelivery,
)
from cij.app.push_tables import ApnsDelivery, FcmDelivery, WebPushDelivery
from cij.app.webhook_rules import check_secret, fault_of_url
from cij.compiler.channels import CHANNELS
from cij.runtime.errors import ConfigError

LOOPBACK = ("localhost", "127.0.0.1", "::1")
# Behind the name of a channel: the field for the ways that stand in. In the file they are inside its table.
FALLBACK = "_fallback"


class FilesDelivery(Way):
    """A transport that writes each message as a file into a folder and sends nothing."""

    kind: Literal["files"] = "files"
    folder: str = "outbox"
    sender: Sender | None = Field(default=None, alias="from")
    unsubscribe: Unsubscribe = None


class SmtpDelivery(MailWay):
    """`[delivery.email]` through a mail server."""

    kind: Literal["smtp"]
    host: str
    port: int = Field(default=587, ge=1, le=65535)
    tls: Literal["none", "starttls", "implicit"] = "starttls"
    username: str | None = None
    password_env: str | None = None
    sender: Sender = Field(alias="from")
    unsubscribe: Unsubscribe = None
    connections: int = Field(default=4, ge=1, le=100)
    allow_plain_password: bool = False

    @model_validator(mode="after")
    def _hides_password(self) -> Self:
        is_plain = self.tls == "none" and self.username is not None
        if is_plain and self.host not in LOOPBACK and not self.allow_plain_password:
            raise ValueError(
                '`tls = "none"` sends the password in the clear; use `tls = "starttls"` or "implicit", '
                "or write `allow_plain_password = true` if the network is yours"
            )
        return self

    def password(self) -> str | None:
        """Return the password; None where there is none.

        Raises: ConfigError for an unset variable.
        """
        if self.password_env is None:
            return None
        if (secret := os.environ.get(self.password_env)) is None:
            raise ConfigError(f"{FILE_NAME}: the variable {self.password_env} is not set")
        return secret


class RowsDelivery(Way):
    """A transport that writes actions as rows of JSON, with a file for each action and day."""

    kind: Literal["rows"] = "rows"
    folder: str = "outbox"


class WebhookDelivery(Way):
    """A transport that calls a URL with a signature (Standard Webhooks).

    The secret is in a variable.
    """

    kind: Literal["webhook"]
    url: str
    secret_env: str
    connections: int = Field(default=8, ge=1, le=100)
    timeout_seconds: float = Field(default=10.0, gt=0, le=300)
    allow_http: bool = False

    @model_validator(mode="after")
    def _has_usable_url(self) -> Self:
        if fault := fault_of_url(self.url, allows_http=self.allow_http):
            raise ValueError(f"the `url` {fault}")
        return self

    def secret(self) -> str:
        """Return the secret. Raises: ConfigError where it is not set or not valid."""
        if (secret := os.environ.get(self.secret_env)) is None:
            raise ConfigError(f"{FILE_NAME}: the variable {self.secret_env} is not set")
        check_secret(secret, self.secret_env)
        return secret


ActionWay = Annotated[RowsDelivery | WebhookDelivery, Field(discriminator="kind")]


class ActionDelivery(Table):
    """`[delivery.action]`, and `[delivery.action.NAME]` for an action with another transport."""

    default: ActionWay = RowsDelivery()
    by_action: dict[str, ActionWay] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _sorted(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        own = {key: value for key, value in data.items() if not isinstance(value, dict)}
        ways = {key: value for key, value in data.items() if isinstance(value, dict)}
        return {"by_action": ways} | ({"default": {"kind": "rows", **own}} if own else {})


_OfMail = SendgridDelivery | PostmarkDelivery | MailgunDelivery | SesDelivery | HttpMailDelivery
_OfText = TwilioDelivery | VonageDelivery | HttpDelivery
_OfApp = FcmDelivery | ApnsDelivery | WebPushDelivery
_Provider = _OfMail | _OfText | _OfApp
ChannelWay = FilesDelivery | SmtpDelivery | _Provider


class _DeliveryTable(Table):
    action: ActionDelivery = ActionDelivery()

    @model_validator(mode="before")
    @classmethod
    def _apart(cls, data: Any) -> Any:
        """Take the ways that stand in out of the tables of the channels, which have a type for each kind."""
        if not isinstance(data, dict):
            return data
        found = dict(data)
        for name in CHANNELS:
            way = data.get(name)
            if isinstance(way, dict) and "fallback" in way:
                found[name] = {key: value for key, value in way.items() if key != "fallback"}
                found[name + FALLBACK] = way["fallback"]
        return found

    @model_validator(mode="after")
    def _stand_in_for_a_provider(self) -> Self:
        for name in CHANNELS:
            ways = [getattr(self, name), *self.fallback(name)]
            if ways[1:] and any(isinstance(way, FilesDelivery) for way in ways):
                text = f"[[delivery.{name}.fallback]] is a provider that stands in for another one"
                raise ValueError(f'{text}, so neither has `kind = "files"`')
        return self

    def by_channel(self) -> dict[str, ChannelWay]:
        """Return the transport of each channel."""
        return {name: getattr(self, name) for name in CHANNELS}

    def fallback(self, channel: str) -> tuple[ChannelWay, ...]:
        """Return the ways that take the messages of a channel while its own is down, in their order."""
        found: tuple[ChannelWay, ...] = getattr(self, channel + FALLBACK)
        return found


# The type of `[delivery.CHANNEL]`, by the transports in the row of the channel.
_WAYS: dict[tuple[str, ...], Any] = {
    ("files",): FilesDelivery,
    ("files", "fcm", "apns", "webpush"): Annotated[
        FilesDelivery | _OfApp, Field(discriminator="kind")
    ],
    ("files", "twilio", "vonage", "http"): Annotated[
        FilesDelivery | _OfText, Field(discriminator="kind")
    ],
    ("files", "smtp", "sendgrid", "postmark", "mailgun", "ses", "http"): Annotated[
        FilesDelivery | SmtpDelivery | _OfMail,
        Field(discriminator="kind"),
    ],
}

if TYPE_CHECKING:
    DeliveryTable = _DeliveryTable
else:
    # Two fields for each channel. The default writes files, so nothing is sent without a setting.
    DeliveryTable = create_model(
        "DeliveryTable",
        __base__=_DeliveryTable,
        **{row.name: (_WAYS[row.transports], FilesDelivery()) for row in CHANNELS.values()},
        **{
            row.name + FALLBACK: (tuple[_WAYS[row.transports], ...], ())
            for row in CHANNELS.values()
        },
    )
