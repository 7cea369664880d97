"""Rows of the inbox, made of what clients send: the names of events and customers, and lines of JSON."""

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cij.compiler.program import Event, Program
from cij.runtime.intake import is_id

Row = dict[str, Any]

_EDGE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NO_NAME = re.compile(r"[^a-z0-9]+")


def snake(text: str) -> str:
    """Return a name as journeys write it: `Order Completed` and `orderCompleted` alike."""
    return _NO_NAME.sub("_", _EDGE.sub("_", text).lower()).strip("_")


@dataclass(frozen=True, slots=True)
class Naming:
    """The names of a program. `user_source` is the source whose key a bare user id is."""

    events: Mapping[str, Event]
    sources: frozenset[str]
    user_source: str | None
    fields: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def event(self, text: object) -> Event | None:
        """Return the event that a client calls so."""
        if not isinstance(text, str):
            return None
        return self.events.get(text) or self.events.get(snake(text))

    def customer(self, user: object) -> str | None:
        """Return the customer that a user id means, as the inbox names customers; None where it is no id."""
        if isinstance(user, bool) or not isinstance(user, str | int):
            return None
        text = str(user).strip()
        source, separator, _ = text.partition(":")
        is_whole = (separator and source in self.sources) or "@" in text or is_id(text)
        if not text or is_whole or self.user_source is None:
            return text or None
        return f"{self.user_source}:{text}"


def naming_of(program: Program, user_source: str | None) -> Naming:
    """Return the names of a program. A profile of one source needs no `user_source`."""
    sources = frozenset(mapping.source for mapping in program.profile.mappings)
    only = next(iter(sources)) if len(sources) == 1 else None
    events = {event.name: event for event in program.events}
    fields = {name: frozenset(f.name for f in event.fields) for name, event in events.items()}
    return Naming(events, sources, user_source or only, fields)


def instant_of(text: object) -> datetime | None:
    """Return an instant of ISO 8601, in UTC; None where it is none."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
        return found.astimezone(UTC).replace(tzinfo=None) if found and found.tzinfo else found
    except (ValueError, OverflowError):
        return None


def exact(text: object) -> object:
    """Return an instant with its offset as the inbox takes it: some systems count nanoseconds.

    Whatever else it is goes on as it is.
    """
    found = instant_of(text)
    has_offset = isinstance(text, str) and datetime.fromisoformat(text).tzinfo if found else False
    return f"{found.isoformat()}Z" if found is not None and has_offset else text


def new_id() -> str:
    """Return the id of an event whose client gave none."""
    return uuid.uuid4().hex


def lines_of(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Return rows as lines of the inbox. None of them can be taken for an order."""
    for row in rows:
        is_name = row.keys() == {"anonymous", "customer"}
        assert "event" in row or is_name, "a row of a client must not be an order"
    texts = (json.dumps(row, ensure_ascii=False, default=_digits) for row in rows)
    return "".join(f"{text}\n" for text in texts).encode("utf-8", "replace")


def _digits(number: Any) -> str:
    # A decimal is handed on as its text, which keeps all digits.
    return f"{number:f}"
