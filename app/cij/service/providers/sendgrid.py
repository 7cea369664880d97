"""Reports of SendGrid: a list of events, signed by ECDSA over a time stamp and the body."""

import base64
import binascii
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from cij.runtime.errors import ConfigError
from cij.service.bodies import json_of
from cij.service.event_rows import Row
from cij.service.problems import Problem
from cij.service.providers.as_it_came import Report
from cij.service.providers.reported import instant_in_s, row_of, text_of

_SIGNATURE = "x-twilio-email-event-webhook-signature"
_STAMP = "x-twilio-email-event-webhook-timestamp"
_EVENTS = {
    "delivered": "delivered",
    "bounce": "bounced",
    "spamreport": "complained",
    "unsubscribe": "unsubscribed",
    "group_unsubscribe": "unsubscribed",
    "open": "opened",
    "click": "clicked",
}


def rows_of(report: Report) -> list[Row]:
    """Return the rows of a report. Raises: Problem for a wrong signature; SendGrid tries again for a day."""
    _require_signed(report)
    found = json_of(report.body)
    if not isinstance(found, list):
        raise Problem(HTTPStatus.BAD_REQUEST, "a report is a list of JSON objects")
    rows = (_row(each) for each in found if isinstance(each, dict))
    return [row for row in rows if row is not None]


def _row(found: Mapping[str, Any]) -> Row | None:
    event, id = _EVENTS.get(str(found.get("event"))), text_of(found.get("sg_event_id"))
    # A blocked mail may come through the next time: the address is not at fault.
    if event is None or id is None or found.get("type") == "blocked":
        return None
    fields: dict[str, object] = {}
    if event == "bounced":
        fields = {"reason": text_of(found.get("reason"))}
    elif event == "clicked":
        fields = {"link": text_of(found.get("url"))}
    elif event == "opened" and found.get("sg_machine_open") is True:
        event = "opened_by_machine"
        fields = {"sign": "sendgrid"}
    at = instant_in_s(found.get("timestamp"))
    return row_of(event, f"sendgrid {id}", found.get("email"), found, at, fields)


def _require_signed(report: Report) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA

    key, stamp = public_key(report.secret), report.headers.get(_STAMP, "")
    try:
        signature = base64.b64decode(report.headers.get(_SIGNATURE, ""), validate=True)
        key.verify(signature, stamp.encode() + report.body, ECDSA(hashes.SHA256()))
    except (InvalidSignature, binascii.Error, ValueError):
        raise Problem(HTTPStatus.FORBIDDEN, "the signature is wrong") from None


def public_key(text: str) -> Any:
    """Return the key of a text as SendGrid shows it. Raises: ConfigError."""
    # Loaded only where SendGrid reports: it takes longer than most requests.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    lines = [line for line in text.strip().splitlines() if not line.startswith("-----")]
    try:
        found = load_der_public_key(base64.b64decode("".join(lines), validate=True))
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        found = None
    if not isinstance(found, EllipticCurvePublicKey):
        text = "cij.toml: [service.callbacks]: `sendgrid_key_env` holds no verification key of SendGrid"
        raise ConfigError(text)
    return found
