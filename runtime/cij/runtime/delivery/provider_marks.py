"""What a mail carries to its provider: the headers with which it says, in reports, which mail it was."""

import base64
import json
from collections.abc import Callable, Iterable, Iterator

CUSTOMER, KEY = "cij_customer", "cij_key"
Header = tuple[str, str]
# A tag of SES has so many characters at most.
_TAG_MAX = 256


def _mailgun(customer: str, key: str) -> list[Header]:
    return [("X-Mailgun-Variables", json.dumps({CUSTOMER: customer, KEY: key}))]


def _postmark(customer: str, key: str) -> list[Header]:
    return [(f"X-PM-Metadata-{CUSTOMER}", customer), (f"X-PM-Metadata-{KEY}", key)]


def _sendgrid(customer: str, key: str) -> list[Header]:
    return [("X-SMTPAPI", json.dumps({"unique_args": {CUSTOMER: customer, KEY: key}}))]


def _ses(customer: str, key: str) -> list[Header]:
    said = ", ".join(f"{name}={value}" for name, value in tags_of_ses(customer, key))
    return [("X-SES-MESSAGE-TAGS", said)] if said else []


def tags_of_ses(customer: str, key: str) -> list[tuple[str, str]]:
    """Return the tags of a mail. A tag has few kinds of characters, so the values are in Base64 (RFC 4648, 5).

    One that is too long is left out: then the address says who it was.
    """
    values = {CUSTOMER: customer, KEY: key}
    coded = {name: _packed(value) for name, value in values.items() if value}
    return [(name, value) for name, value in coded.items() if len(value) <= _TAG_MAX]


def _packed(value: str) -> str:
    return base64.urlsafe_b64encode(value.encode("utf-8", "replace")).decode().rstrip("=")


def _no_mail(customer: str, key: str) -> list[Header]:
    # It sends no mails: what a message is about is in a field of its call, or in the address of its report.
    return []


# Each provider takes its headers off before it sends a mail.
MARKS: dict[str, Callable[[str, str], list[Header]]] = {
    "mailgun": _mailgun,
    "postmark": _postmark,
    "sendgrid": _sendgrid,
    "ses": _ses,
    "twilio": _no_mail,
    "vonage": _no_mail,
}


def marks_of(providers: Iterable[str], customer: str, key: str) -> Iterator[Header]:
    """Yield the headers for providers that report."""
    for provider in providers:
        yield from MARKS[provider](customer, key)
