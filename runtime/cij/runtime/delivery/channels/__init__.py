"""The ways out: one module a transport, and the table of them."""

from collections.abc import Callable
from typing import Any

from cij.runtime.delivery.channels.actions import ActionTransport
from cij.runtime.delivery.channels.api_settings import ApiSettings
from cij.runtime.delivery.channels.files import FileSettings, FileTransport
from cij.runtime.delivery.channels.route import Route
from cij.runtime.delivery.channels.rows import RowSettings, RowTransport
from cij.runtime.delivery.channels.smtp_settings import SmtpSettings
from cij.runtime.delivery.channels.transport import Outcome, Prepared, Transport
from cij.runtime.delivery.channels.webhook_settings import (
    WebhookSettings,
)

__all__ = [
    "ActionTransport",
    "ApiSettings",
    "FileSettings",
    "Outcome",
    "Prepared",
    "Route",
    "RowSettings",
    "SmtpSettings",
    "Transport",
    "WebhookSettings",
    "open_transport",
]

Settings = FileSettings | RowSettings | SmtpSettings | WebhookSettings | ApiSettings


def _webhook(settings: WebhookSettings) -> Transport:
    # Loads an HTTP client, which takes longer than most commands.
    from cij.runtime.delivery.channels.webhook import WebhookTransport

    return WebhookTransport(settings)


def _smtp(settings: SmtpSettings) -> Transport:
    # Loads a mail client and asyncio.
    from cij.runtime.delivery.channels.smtp import SmtpTransport

    return SmtpTransport(settings)


def _api(settings: ApiSettings) -> Transport:
    # Loads an HTTP client, as for webhooks.
    from cij.runtime.delivery.channels.api import ApiTransport

    return ApiTransport(settings)


TRANSPORTS: dict[type[Settings], Callable[[Any], Transport]] = {
    FileSettings: FileTransport,
    RowSettings: RowTransport,
    SmtpSettings: _smtp,
    WebhookSettings: _webhook,
    ApiSettings: _api,
}


def open_transport(settings: Settings) -> Transport:
    """Return the transport for `settings`. Nothing is connected before the first message."""
    return TRANSPORTS[type(settings)](settings)
