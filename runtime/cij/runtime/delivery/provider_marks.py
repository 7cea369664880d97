"""What a mail carries to its provider: the headers with which it says, in reports, which mail it was."""

import json
from collections.abc import Callable, Iterable, Iterator

CUSTOMER, KEY = "cij_customer", "cij_key"
Header = tuple[str, str]


def _mailgun(customer: str, key: str) -> list[Header]:
    return [("X-Mailgun-Variables", json.dumps({CUSTOMER: customer, KEY: key}))]


def _postmark(customer: str, key: str) -> list[Header]:
    return [(f"X-PM-Metadata-{CUSTOMER}", customer), (f"X-PM-Metadata-{KEY}", key)]


def _sendgrid(customer: str, key: str) -> list[Header]:
    return [("X-SMTPAPI", json.dumps({"unique_args": {CUSTOMER: customer, KEY: key}}))]


def _twilio(customer: str, key: str) -> list[Header]:
    # It sends no mails: what a text message is about is in the address of its report.
    return []


# Each provider takes its headers off before it sends a mail.
MARKS: dict[str, Callable[[str, str], list[Header]]] = {
    "mailgun": _mailgun,
    "postmark": _postmark,
    "sendgrid": _sendgrid,
    "twilio": _twilio,
}


def marks_of(providers: Iterable[str], customer: str, key: str) -> Iterator[Header]:
    """Yield the headers for providers that report."""
    for provider in providers:
        yield from MARKS[provider](customer, key)
