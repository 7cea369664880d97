"""Reports of Amazon SES, which come by SNS: of a configuration set (`eventType`) or an identity (`notificationType`)."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any

from cij.runtime.delivery.provider_marks import CUSTOMER, KEY
from cij.runtime.outside_json import read_json
from cij.service.event_rows import Row
from cij.service.machines import sign_of
from cij.service.providers.as_it_came import Report
from cij.service.providers.reported import row_of, table_of, text_of
from cij.service.providers.sns import notification

# Kind of a report -> the event, where it says about whom, and the part with the details.
_KINDS = {
    "Delivery": ("delivered", "recipients", "delivery"),
    "Bounce": ("bounced", "bouncedRecipients", "bounce"),
    "Complaint": ("complained", "complainedRecipients", "complaint"),
    "Open": ("opened", "", "open"),
    "Click": ("clicked", "", "click"),
    "Subscription": ("unsubscribed", "", "subscription"),
}
_RECIPIENTS_MAX = 50


def rows_of(report: Report) -> list[Row]:
    """Return the rows of a report; none for one that tells nothing about the customer. Raises: Problem."""
    told = notification(report)
    found = _message(told) if told is not None else {}
    kind = str(found.get("eventType") or found.get("notificationType"))
    if told is None or kind not in _KINDS:
        return []
    event, whom, part = _KINDS[kind]
    details, mail = table_of(found.get(part)), table_of(found.get("mail"))
    if not _counts(kind, details):
        return []
    event, fields = _event(event, details)
    people = details.get(whom) if whom else mail.get("destination")
    return [
        row_of(
            event,
            # SNS repeats a message that was not answered with the same id.
            f"ses {told.get('MessageId')} {number}",
            address,
            _marks(mail),
            text_of(details.get("timestamp")),
            {**fields, **reason},
        )
        for number, (address, reason) in enumerate(_people(people, event))
    ]


def _message(told: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        # When a topic is set up, SES sends a sentence in place of a report.
        return table_of(read_json(str(told.get("Message"))))
    except ValueError:
        return {}


def _counts(kind: str, details: Mapping[str, Any]) -> bool:
    if kind == "Bounce":
        # All others may pass.
        return details.get("bounceType") == "Permanent"
    if kind == "Complaint":
        return details.get("complaintFeedbackType") != "not-spam"
    if kind == "Subscription":
        return table_of(details.get("newTopicPreferences")).get("unsubscribeAll") is True
    return True


def _event(event: str, details: Mapping[str, Any]) -> tuple[str, dict[str, object]]:
    fields: dict[str, object] = {"link": text_of(details.get("link"))} if event == "clicked" else {}
    name = text_of(details.get("userAgent"))
    sign = sign_of("GET", {"user-agent": name}) if name and event in ("opened", "clicked") else None
    return (f"{event}_by_machine", {**fields, "sign": sign}) if sign else (event, fields)


def _people(people: object, event: str) -> Iterable[tuple[object, dict[str, object]]]:
    """Yield each address with what is said of it alone."""
    for each in people[:_RECIPIENTS_MAX] if isinstance(people, list) else ():
        if isinstance(each, dict):
            reason = text_of(each.get("diagnosticCode")) if event == "bounced" else None
            yield each.get("emailAddress"), {"reason": reason}
        else:
            yield each, {}


def _marks(mail: Mapping[str, Any]) -> dict[str, str]:
    tags = table_of(mail.get("tags"))
    found = {name: _unpacked(tags.get(name)) for name in (CUSTOMER, KEY)}
    return {name: value for name, value in found.items() if value is not None}


def _unpacked(tag: object) -> str | None:
    coded = tag[0] if isinstance(tag, list) and tag else None
    try:
        return base64.urlsafe_b64decode(f"{coded}==").decode() if isinstance(coded, str) else None
    except (binascii.Error, ValueError):
        return None
