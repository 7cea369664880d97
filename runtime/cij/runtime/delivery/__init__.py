"""Delivery: from rows of the outbox to messages at the provider, and back to outcomes.

row --compose--> render --> mail --> transport --> outcome --> row
"""

from cij.runtime.delivery.channels import (
    ActionTransport,
    FileSettings,
    RowSettings,
    SmtpSettings,
    Transport,
    WebhookSettings,
    open_transport,
)
from cij.runtime.delivery.defaults import Defaults
from cij.runtime.delivery.drain import Done, DrainReport, Failure, drain, recover
from cij.runtime.delivery.outbox import Recovery, next_due, release_uncertain

__all__ = [
    "ActionTransport",
    "Defaults",
    "Done",
    "DrainReport",
    "Failure",
    "FileSettings",
    "Recovery",
    "RowSettings",
    "SmtpSettings",
    "Transport",
    "WebhookSettings",
    "drain",
    "next_due",
    "open_transport",
    "recover",
    "release_uncertain",
]
