"""Reports of Mailgun: signed by HMAC-SHA256 over a time stamp and a token."""

import hashlib
import hmac
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from cij.service.event_rows import Row
from cij.service.problems import Problem
from cij.service.providers.as_it_came import Report
from cij.service.providers.reported import instant_in_s, row_of, table_of, text_of

_SAME = ("delivered", "complained", "unsubscribed", "opened", "clicked")


def rows_of(given: Report) -> list[Row]:
    """Return the row of a report; none for one that tells nothing about the customer.

    Raises: Problem for a wrong signature. Mailgun tries again after each answer but 200 and 406.
    """
    found = given.table()
    _require_signed(table_of(found.get("signature")), given.secret)
    report = table_of(found.get("event-data"))
    event, id = _event(report), text_of(report.get("id"))
    if event is None or id is None:
        return []
    link = report.get("url")
    fields = {"bounced": {"reason": _reason(report)}, "clicked": {"link": link}}
    # A machine that looks at mails before people do.
    bot = text_of(table_of(report.get("client-info")).get("bot"))
    if event in ("opened", "clicked") and bot is not None:
        event = f"{event}_by_machine"
        fields[event] = {"sign": bot} | ({"link": link} if event.startswith("clicked") else {})
    return [
        row_of(
            event,
            f"mailgun {id}",
            report.get("recipient"),
            report.get("user-variables"),
            instant_in_s(report.get("timestamp")),
            fields.get(event),
        )
    ]


def _require_signed(signature: Mapping[str, Any], secret: str) -> None:
    said = f"{signature.get('timestamp')}{signature.get('token')}".encode("utf-8", "replace")
    wanted = hmac.new(secret.encode(), said, hashlib.sha256).hexdigest()
    given = str(signature.get("signature")).encode("utf-8", "replace")
    if not secret or not hmac.compare_digest(given, wanted.encode()):
        raise Problem(HTTPStatus.NOT_ACCEPTABLE, "the signature is wrong")


def _event(report: Mapping[str, Any]) -> str | None:
    kind = report.get("event")
    if kind == "failed":
        # Mailgun tries again by itself after a temporary failure.
        return "bounced" if report.get("severity") == "permanent" else None
    return kind if isinstance(kind, str) and kind in _SAME else None


def _reason(report: Mapping[str, Any]) -> str | None:
    status = table_of(report.get("delivery-status"))
    said = (status.get("message"), status.get("description"), report.get("reason"))
    return next(filter(None, map(text_of, said)), None)
