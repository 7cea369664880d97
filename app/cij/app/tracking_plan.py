"""The tracking plan: the events that the project takes, as JSON Schema for those who send them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cij.app.compile import compiled
from cij.compiler.program import Event
from cij.compiler.types import Kind, Type

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NUMBER = {"type": ["number", "string"]}
# How a value of each type may be written; a missing one is null.
_SHAPES: dict[Kind, dict[str, Any]] = {
    "text": {"type": "string"},
    "integer": {"type": ["integer", "string"]},
    "decimal": _NUMBER,
    "money": _NUMBER,
    "percent": {"type": ["number", "string"], "description": "0.125, or 12.5%"},
    "boolean": {"type": ["boolean", "string"]},
    "date": {"type": "string", "format": "date"},
    "datetime": {
        "type": "string",
        "description": "ISO 8601; without an offset it is local to the project",
    },
    "time": {"type": "string", "description": "as 08:15"},
    "entity": {"type": ["string", "integer"]},
}


def tracking_plan(path: Path) -> dict[str, Any]:
    """Return a JSON Schema for each event that may be handed in. Raises: InvalidProject."""
    _, program = compiled(path)
    events = [event for event in program.events if event.source is None and event.record is None]
    return {
        "$schema": DIALECT,
        "title": f"Events of {program.project}",
        "$defs": {event.name: _of_event(event) for event in events},
        "anyOf": [{"$ref": f"#/$defs/{event.name}"} for event in events],
    }


def _of_event(event: Event) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "event": {"const": event.name},
        "customer": {"type": "string", "minLength": 1},
        "at": {"type": ["string", "null"], "description": "ISO 8601; without it, now"},
        "id": {"type": "string", "description": "an event with a known id is not taken again"},
        "fields": _of_fields((field.name, field.type) for field in event.fields),
    }
    if event.is_interaction:
        properties |= {"channel": {"type": "string"}, "message_key": {"type": "string"}}
    return {
        "type": "object",
        "properties": properties,
        "required": ["event", "customer"],
        "additionalProperties": False,
    }


def _of_fields(fields: Iterable[tuple[str, Type]]) -> dict[str, Any]:
    shapes = {name: _or_null(_shape(type)) for name, type in fields}
    return {"type": "object", "properties": shapes, "additionalProperties": False}


def _shape(type: Type) -> dict[str, Any]:
    if type.item is not None:
        return {"type": ["array", "string"], "items": _shape(type.item)}
    if type.values is not None:
        return {"enum": [*type.values]}
    shape = {**_SHAPES[type.kind]}
    return {**shape, "description": f"in {type.currency}"} if type.currency else shape


def _or_null(shape: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [shape, {"type": "null"}]}
