"""The ways out: one module a transport, and the table of them."""

from collections.abc import Callable
from typing import Any

from cij.runtime.delivery.channels.files import FileSettings, FileTransport
from cij.runtime.delivery.channels.smtp import SmtpSettings, SmtpTransport
from cij.runtime.delivery.channels.transport import Outcome, Prepared, Transport

__all__ = ["FileSettings", "Outcome", "Prepared", "SmtpSettings", "Transport", "open_transport"]

Settings = FileSettings | SmtpSettings

TRANSPORTS: dict[type[Settings], Callable[[Any], Transport]] = {
    FileSettings: FileTransport,
    SmtpSettings: SmtpTransport,
}


def open_transport(settings: Settings) -> Transport:
    """Return the transport for `settings`. Nothing is connected before the first message."""
    return TRANSPORTS[type(settings)](settings)
