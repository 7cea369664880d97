"""What reports of all providers have in common: a row of the inbox for what somebody did with a mail."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from cij.runtime.delivery.provider_marks import CUSTOMER, KEY
from cij.service.event_rows import Row, exact


def row_of(
    event: str,
    id: str,
    address: object,
    marks: object,
    at: object,
    fields: Mapping[str, object] | None = None,
    channel: str = "email",
) -> Row:
    """Return the row of a report. `marks` are what the mail carried; without them the address counts."""
    carried = marks if isinstance(marks, dict) else {}
    row: Row = {
        "event": event,
        "id": id,
        "customer": text_of(carried.get(CUSTOMER)) or text_of(address),
        "channel": channel,
        "message_key": text_of(carried.get(KEY)),
        "fields": {k: v for k, v in (fields or {}).items() if v is not None},
    }
    return row | ({"at": exact(at)} if at else {})


def instant_in_s(value: object) -> str | None:
    """Return an instant that is given in seconds since 1970; None for everything else."""
    try:
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return datetime.fromtimestamp(float(value), UTC).isoformat()
    except (OverflowError, ValueError, OSError):
        pass
    return None


def text_of(value: Any) -> str | None:
    """Return a text that is not empty; None for everything else."""
    return value if isinstance(value, str) and value else None


def table_of(value: Any) -> Mapping[str, Any]:
    """Return a JSON object; an empty one for everything else."""
    return value if isinstance(value, dict) else {}
