"""CloudEvents 1.0 over HTTP, in its three modes: binary, structured and batch.

`type` is the event, also as the last part of a longer name (`com.shop.purchase`). `subject` is the
customer. `source` and `id` together make an event unique.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from cij.service.bodies import json_of
from cij.service.event_rows import Naming, Row, exact
from cij.service.problems import Problem

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
_HEADER = "ce-"


def rows_of(
    content_type: str, headers: Mapping[str, str], body: bytes, naming: Naming
) -> list[Row]:
    """Return the rows of a request. Raises: Problem where it has no CloudEvents."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == STRUCTURED:
        return [_row(json_of(body), naming)]
    if kind == BATCH:
        found = json_of(body)
        if not isinstance(found, list):
            raise _wrong("a batch is a JSON list")
        return [_row(event, naming) for event in found]
    return [_row(_binary(kind, headers, body), naming)]


def _binary(kind: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    # A header holds ASCII alone, so other signs are escaped as in a web address.
    said = {k[len(_HEADER) :]: unquote(v) for k, v in headers.items() if k.startswith(_HEADER)}
    if not said:
        raise _wrong("neither the content type nor a header `ce-…` says that this is a CloudEvent")
    if body and kind and kind != "application/json" and not kind.endswith("+json"):
        raise _wrong("the data must be JSON")
    return {**said, "data": json_of(body) if body else {}}


def _row(event: Any, naming: Naming) -> Row:
    if not isinstance(event, dict):
        raise _wrong("a CloudEvent is a JSON object")
    for name in ("id", "source", "type"):
        if not isinstance(event.get(name), str) or not event[name]:
            raise _wrong(f"the attribute `{name}` is missing")
    if not str(event.get("specversion", "")).startswith("1."):
        raise _wrong("`specversion` must be 1.0")
    if "data_base64" in event:
        raise _wrong("the data must be JSON and not `data_base64`")
    row: Row = {
        "event": _name(event["type"], naming),
        "id": f"{event['source']} {event['id']}",
        "customer": naming.customer(event.get("subject")),
    }
    if event.get("time"):
        row["at"] = exact(event["time"])
    fields = event.get("data") or {}
    if isinstance(fields, dict):
        # An interaction with a message says which one, and on which channel.
        inner = {k: fields[k] for k in ("channel", "message_key") if k in fields}
        known = naming.events.get(row["event"])
        if known is not None and known.is_interaction:
            row |= inner
            fields = {k: v for k, v in fields.items() if k not in inner}
    return {**row, "fields": fields}


def _name(type: str, naming: Naming) -> str:
    last = type.replace("/", ".").rpartition(".")[2]
    found = naming.event(type) or naming.event(last)
    return found.name if found else type


def _wrong(text: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, text)
