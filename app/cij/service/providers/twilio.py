"""Reports of Twilio about text messages, and replies to them: forms, signed by HMAC-SHA1 with the address."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

from cij.service.event_rows import Row
from cij.service.problems import Problem
from cij.service.providers.as_it_came import Report
from cij.service.providers.reported import row_of, text_of

_SIGNATURE = "x-twilio-signature"
# The number does not exist, or is none that takes text messages. All others may pass.
_HARD = ("30005", "30006", "21211", "21214", "21217", "21614")
_FIELDS_MAX = 200


def rows_of(report: Report) -> list[Row]:
    """Return the row of a report; none for one that tells nothing about the customer. Raises: Problem."""
    pairs = _pairs(report.body)
    _require_signed(report, pairs)
    found, marks = dict(pairs), dict(parse_qsl(urlsplit(report.url).query))
    sid = text_of(found.get("MessageSid"))
    if sid is None:
        return []
    if found.get("SmsStatus") == "received":
        return [_reply(sid, found)]
    event = _event(found)
    if event is None:
        return []
    fields = {"reason": f"error {found.get('ErrorCode')}"} if event == "bounced" else None
    return [row_of(event, f"twilio {sid} {event}", found.get("To"), marks, None, fields, "sms")]


def _reply(sid: str, found: Mapping[str, str]) -> Row:
    # Twilio has understood it as a word to stop, and sends nothing more to this number.
    if found.get("OptOutType") == "STOP":
        return row_of("unsubscribed", f"twilio {sid}", found.get("From"), {}, None, None, "sms")
    fields = {"text": found.get("Body", "")}
    return row_of("replied", f"twilio {sid}", found.get("From"), {}, None, fields, "sms")


def _event(found: Mapping[str, str]) -> str | None:
    status = found.get("MessageStatus")
    if status == "delivered":
        return "delivered"
    is_hard = status in ("undelivered", "failed") and found.get("ErrorCode") in _HARD
    return "bounced" if is_hard else None


def _pairs(body: bytes) -> list[tuple[str, str]]:
    text = body.decode("utf-8", "replace")
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=_FIELDS_MAX)
    except ValueError:
        raise Problem(HTTPStatus.BAD_REQUEST, "a report is a form") from None


def _require_signed(report: Report, pairs: list[tuple[str, str]]) -> None:
    said = report.url + "".join(name + value for name, value in sorted(set(pairs)))
    wanted = hmac.new(report.secret.encode(), said.encode("utf-8", "replace"), hashlib.sha1)
    given = report.headers.get(_SIGNATURE, "").encode("utf-8", "replace")
    if not report.secret or not hmac.compare_digest(given, base64.b64encode(wanted.digest())):
        raise Problem(HTTPStatus.FORBIDDEN, "the signature is wrong")
