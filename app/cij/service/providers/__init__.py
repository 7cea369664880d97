"""Reports of providers: one module a provider, and the table of them.

A report becomes an event of the customer: delivered, bounced, complained, opened, clicked, replied, unsubscribed.
Mails carry their key and their customer to the provider, which hands both back
(`runtime/delivery/provider_marks.py`).
"""

from collections.abc import Callable, Mapping

from cij.service.event_rows import Row
from cij.service.providers import mailgun, postmark, sendgrid, ses, twilio, vonage
from cij.service.providers.as_it_came import Report

# Raises Problem for a wrong signature.
ReadReport = Callable[[Report], list[Row]]

# Most sign their reports. Postmark sends the key of a role `write` instead.
SIGNED: dict[str, ReadReport] = {
    "mailgun": mailgun.rows_of,
    "sendgrid": sendgrid.rows_of,
    "ses": ses.rows_of,
    "twilio": twilio.rows_of,
    "vonage": vonage.rows_of,
}
# Those that look something up outside, which takes a while.
FETCHING = frozenset({"ses"})
KEYED: dict[str, ReadReport] = {"postmark": postmark.rows_of}


def require_usable(secrets: Mapping[str, str]) -> None:
    """Raise ConfigError for a secret that can prove nothing."""
    if "sendgrid" in secrets:
        sendgrid.public_key(secrets["sendgrid"])
