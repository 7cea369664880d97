"""Reports of Vonage about text messages, and replies to them.

They are signed in one of two ways: by a JSON Web Token with a hash of the body (webhooks of the Messages API and
newer accounts), or by `sig`, an HMAC over the fields (webhooks of the SMS API).
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from cij.service.event_rows import Row
from cij.service.problems import Problem
from cij.service.providers.as_it_came import Report
from cij.service.providers.reported import row_of, text_of

# The subscriber is gone for good, or the number is none. All others may pass.
_HARD = ("3", "9")
# The key of a message goes along in a field that takes so many characters; a key that was cut is none.
_REF_MAX = 100
_FIELDS_MAX = 100
_LEEWAY_S = 300
# An HMAC of these lengths in hex. Shorter ones are of MD5 and SHA-1, which prove too little.
_DIGESTS = {64: hashlib.sha256, 128: hashlib.sha512}
_FORM = "application/x-www-form-urlencoded"


def rows_of(report: Report) -> list[Row]:
    """Return the row of a report; none for one that tells nothing about the customer. Raises: Problem."""
    found = _fields(report)
    _require_signed(report, found)
    sender = text_of(found.get("msisdn")) or text_of(found.get("from"))
    id = text_of(found.get("messageId")) or text_of(found.get("message_uuid"))
    if sender is None or id is None:
        return []
    address = f"+{sender.removeprefix('+')}"
    at = _instant(found.get("message-timestamp") or found.get("timestamp"))
    text = text_of(found.get("text"))
    if text is not None:
        # A long reply comes in parts, each with an id of its own.
        return [row_of("replied", f"vonage {id}", address, {}, at, {"text": text}, "sms")]
    event = _event(found)
    if event is None:
        return []
    reason = f"error {found.get('err-code')}" if event == "bounced" else None
    key = text_of(found.get("client-ref"))
    marks = {"cij_key": key} if key is not None and len(key) < _REF_MAX else {}
    return [row_of(event, f"vonage {id} {event}", address, marks, at, {"reason": reason}, "sms")]


def _event(found: Mapping[str, Any]) -> str | None:
    status, error = found.get("status"), str(found.get("err-code"))
    if status == "delivered":
        return "delivered"
    is_hard = status in ("failed", "rejected", "expired") and error in _HARD
    return "bounced" if is_hard else None


def _fields(report: Report) -> Mapping[str, Any]:
    if not report.headers.get("content-type", "").startswith(_FORM):
        return report.table()
    try:
        return dict(
            parse_qsl(
                report.body.decode("utf-8", "replace"),
                keep_blank_values=True,
                max_num_fields=_FIELDS_MAX,
            )
        )
    except ValueError:
        raise Problem(HTTPStatus.BAD_REQUEST, "a report is a form or a JSON object") from None


def _instant(value: object) -> str | None:
    """Return an instant as the two kinds of webhooks write it: `2026-03-02 09:00:00` is in UTC."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if found is None:
        return None
    return found.isoformat() if found.tzinfo else f"{found.isoformat()}+00:00"


# --- signatures -------------------------------------------------------------------------------


def _require_signed(report: Report, found: Mapping[str, Any]) -> None:
    scheme, _, token = report.headers.get("authorization", "").partition(" ")
    is_right = (
        _is_token(token.strip(), report)
        if scheme.lower() == "bearer"
        else _is_hash(found, report.secret)
    )
    if not report.secret or not is_right:
        raise Problem(HTTPStatus.FORBIDDEN, "the signature is wrong")


def _is_token(token: str, report: Report) -> bool:
    # Loaded only where Vonage reports.
    import jwt

    try:
        # The algorithm is ours to name: a token that names its own could name none.
        said = jwt.decode(token, report.secret, algorithms=["HS256"], leeway=_LEEWAY_S)
    except jwt.InvalidTokenError:
        return False
    wanted = hashlib.sha256(report.body).hexdigest()
    given = str(said.get("payload_hash")).lower().encode("utf-8", "replace")
    return hmac.compare_digest(given, wanted.encode())


def _is_hash(found: Mapping[str, Any], secret: str) -> bool:
    given = str(found.get("sig")).lower()
    digest = _DIGESTS.get(len(given))
    if digest is None:
        return False
    # As Vonage joins the fields: these two signs stand between them, and so in no value.
    said = "".join(
        f"&{name}={str(value).replace('&', '_').replace('=', '_')}"
        for name, value in sorted(found.items())
        if name != "sig"
    )
    wanted = hmac.new(secret.encode(), said.encode("utf-8", "replace"), digest).hexdigest()
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())
