"""Segment's HTTP API: its calls become rows of the inbox.

    track   the event of its name, with those properties that the event declares
    page, screen, identify, group   the event of that name, where the project declares one
    identify, alias, and each call with two ids: the anonymous id belongs to the user

The clock of a client may be wrong, so an event happened as long before its arrival as its `timestamp` is
before the `sentAt` of the request.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cij.compiler.program import Event
from cij.service.event_rows import Naming, Row, instant_of, new_id, snake

CALLS = ("track", "identify", "page", "screen", "group", "alias")
CALL_BYTES_MAX, BATCH_BYTES_MAX = 32_000, 500_000


@dataclass(slots=True)
class Batch:
    """One request. `left_out` counts properties that no event declares."""

    naming: Naming
    arrived: datetime
    sent_at: datetime | None = None
    context: Mapping[str, Any] | None = None
    left_out: int = 0

    def rows(self, call: Mapping[str, Any], kind: object) -> Iterator[Row]:
        """Yield the rows of a call. What does not fit is a row that intake will put aside."""
        who, anonymous = self._customer(call), _text(call.get("anonymousId"))
        if kind == "alias":
            anonymous = _text(call.get("previousId")) or anonymous
        names = {"customer": who} if who else {}
        names |= {"anonymous": anonymous} if anonymous else {}
        if kind not in CALLS:
            yield {"event": None, "id": new_id(), "raw": f"a call of the type {kind}"}
            return
        event = self._event(call, str(kind))
        if event is not None or kind == "track":
            yield {**names, **self._row(call, event)}
        elif who and anonymous:
            yield names

    def _event(self, call: Mapping[str, Any], kind: str) -> Event | None:
        return self.naming.event(call.get("event") if kind == "track" else kind)

    def _row(self, call: Mapping[str, Any], event: Event | None) -> Row:
        row: Row = {
            "event": event.name if event else call.get("event"),
            "id": _text(call.get("messageId")) or new_id(),
            "at": self._at(call),
        }
        if event is None:
            # Kept as it came, for a later retry.
            return {**row, "fields": _table(call.get("properties"))}
        given = dict(_given(call))
        if event.is_interaction:
            row |= {k: given.pop(k) for k in ("channel", "message_key") if k in given}
        declared = self.naming.fields[event.name]
        self.left_out += sum(name not in declared for name in given)
        return {**row, "fields": {k: v for k, v in given.items() if k in declared}}

    def _customer(self, call: Mapping[str, Any]) -> str | None:
        who = self.naming.customer(call.get("userId"))
        if who is not None:
            return who
        context = _table(call.get("context")) or self.context or {}
        for traits in (_table(call.get("traits")), _table(context.get("traits"))):
            if email := _text(traits.get("email")):
                return email
        return None

    def _at(self, call: Mapping[str, Any]) -> str:
        """Return when a call happened. A text that is no time goes on, so that intake says so."""
        said = call.get("timestamp") or call.get("originalTimestamp")
        at = instant_of(said)
        if said and at is None:
            return str(said)
        found = at or self.arrived
        if at is not None and self.sent_at is not None:
            try:
                found = at + (self.arrived - self.sent_at)
            except OverflowError:
                found = at
        return found.isoformat() + "Z"


def batch_of(request: Mapping[str, Any], naming: Naming, arrived: datetime) -> Batch:
    """Return the batch of a request, with what its calls have in common."""
    sent_at = instant_of(request.get("sentAt"))
    return Batch(naming, arrived, sent_at, _table(request.get("context")))


def _given(call: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what a call says, by the names that fields have."""
    for name in ("name", "category", "groupId"):
        if call.get(name) is not None:
            yield snake(name), call[name]
    for table in ("traits", "properties"):
        for name, value in _table(call.get(table)).items():
            yield snake(name), value


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    """Return an id as text. A number is one too."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value).strip() or None
