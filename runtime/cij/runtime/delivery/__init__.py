"""Delivery: from rows of the outbox to messages at the provider, and back to outcomes.

row --compose--> render --> mail --> transport --> outcome --> row
"""

from cij.runtime.delivery.channels import (
    ActionTransport,
    ApiSettings,
    FileSettings,
    Route,
    RowSettings,
    SmtpSettings,
    Transport,
    WebhookSettings,
    open_transport,
)
from cij.runtime.delivery.defaults import Defaults
from cij.runtime.delivery.dispatch import Dispatch
from cij.runtime.delivery.drain import check_again, drain, recover
from cij.runtime.delivery.drain_report import Done, DrainReport, Failure
from cij.runtime.delivery.outbox import Recovery, next_due, release_failed, release_uncertain

__all__ = [
    "ActionTransport",
    "ApiSettings",
    "Defaults",
    "Dispatch",
    "Done",
    "DrainReport",
    "Failure",
    "FileSettings",
    "Recovery",
    "Route",
    "RowSettings",
    "SmtpSettings",
    "Transport",
    "WebhookSettings",
    "check_again",
    "drain",
    "next_due",
    "open_transport",
    "recover",
    "release_failed",
    "release_uncertain",
]
