"""Log lines as JSON, one object a line, without addresses.

A reason of a mail server or a source may quote whom it is about. The id of a customer stays: without the
store it tells nobody anything.
"""

import json
import logging
import re
from datetime import UTC, datetime

_MAIL = re.compile(r"[^\s<>@\"'`(),;:]+@[^\s<>@\"'`(),;:]+")
_PHONE = re.compile(r"\+\d[\d .()-]{5,}\d")
# What a logger gives beside its text, such as the route of a request.
_MORE = ("route", "status", "ms")


def without_addresses(text: str) -> str:
    """Return a text with `[address]` in place of mail addresses and phone numbers."""
    return _PHONE.sub("[address]", _MAIL.sub("[address]", text))


class JsonFormatter(logging.Formatter):
    """Writes `at`, `level`, `logger`, `message` and what a logger gives beside them."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        content: dict[str, object] = {
            "at": at.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": without_addresses(record.getMessage()),
        }
        content |= {name: getattr(record, name) for name in _MORE if hasattr(record, name)}
        if record.exc_info and record.exc_info[1] is not None:
            content["error"] = without_addresses(str(record.exc_info[1]).partition("\n")[0])
        return json.dumps(content, ensure_ascii=False)
