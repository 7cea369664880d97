"""Reports of Mailgun: signed by HMAC-SHA256 over a time stamp and a token."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from cij.service.event_rows import Row
from cij.service.problems import Problem
from cij.service.providers.reported import row_of, table_of, text_of

_SAME = ("delivered", "complained", "unsubscribed", "opened", "clicked")


def rows_of(found: Mapping[str, Any], secret: str | None) -> list[Row]:
    """Return the row of a report; none for one that tells nothing about the customer.

    Raises: Problem for a wrong signature. Mailgun tries again after each answer but 200 and 406.
    """
    _require_signed(table_of(found.get("signature")), secret or "")
    report = table_of(found.get("event-data"))
    event, id = _event(report), text_of(report.get("id"))
    if event is None or id is None:
        return []
    fields = {"bounced": {"reason": _reason(report)}, "clicked": {"link": report.get("url")}}
    return [
        row_of(
            event,
            f"mailgun {id}",
            report.get("recipient"),
            report.get("user-variables"),
            _at(report.get("timestamp")),
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
    if kind in ("opened", "clicked") and table_of(report.get("client-info")).get("bot"):
        # A machine that looks at mails before people do.
        return None
    return kind if isinstance(kind, str) and kind in _SAME else None


def _reason(report: Mapping[str, Any]) -> str | None:
    status = table_of(report.get("delivery-status"))
    said = (status.get("message"), status.get("description"), report.get("reason"))
    return next(filter(None, map(text_of, said)), None)


def _at(value: object) -> str | None:
    """Return an instant that is given in seconds since 1970."""
    try:
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return datetime.fromtimestamp(float(value), UTC).isoformat()
    except (OverflowError, ValueError, OSError):
        pass
    return None
