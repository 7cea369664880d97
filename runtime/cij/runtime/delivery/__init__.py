"""Delivery: from rows of the outbox to messages at the provider, and back to outcomes.

row --compose--> render --> mail --> transport --> outcome --> row
"""

from cij.runtime.delivery.channels import FileSettings, SmtpSettings, Transport, open_transport
from cij.runtime.delivery.compose import Defaults
from cij.runtime.delivery.drain import DrainReport, Failure, drain, recover
from cij.runtime.delivery.outbox import Recovery, next_due, prepare, release_uncertain

__all__ = [
    "Defaults",
    "DrainReport",
    "Failure",
    "FileSettings",
    "Recovery",
    "SmtpSettings",
    "Transport",
    "drain",
    "next_due",
    "open_transport",
    "prepare",
    "recover",
    "release_uncertain",
]
