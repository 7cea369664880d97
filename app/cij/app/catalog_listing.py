"""The names that conditions and messages may use: sources, fields, events, segments, messages."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cij.app.catalog_file import described, load_catalog, stale_entries
from cij.app.compile import compile_path
from cij.compiler.column_statistics import Catalog
from cij.compiler.model import Model
from cij.compiler.program import Event
from cij.compiler.unparse import words

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Listing:
    """The names of a project. `stale` are sentences about outdated entries of the catalog file."""

    model: Model
    catalog: Catalog
    stale: tuple[str, ...]
    error_count: int


def listing(path: Path) -> Listing:
    """Return the names of the project at `path`, also where its journeys have errors."""
    result = compile_path(path)
    root, model = result.project.root, result.compilation.model
    catalog = load_catalog(root)
    stale = tuple(stale_entries(root, model, catalog))
    return Listing(model, catalog, stale, len(result.errors))


def profile_fields(model: Model) -> Rows:
    """Return (name, type, sources) of each field of the customer."""
    if model.profile is None:
        return []
    rows: list[tuple[str, ...]] = [("id", "text", "the unification")]
    for field in model.profile.fields:
        origins = [m.source for m in model.profile.mappings if field.name in m.fields]
        rows.append((field.name, str(field.type), ", ".join(origins)))
    return rows


def event_fields(event: Event) -> list[tuple[str, str]]:
    """Return (name, type) of the fields of an event, with the built-in ones."""
    built_in = [("at", "datetime"), *([("channel", "text")] if event.is_interaction else [])]
    return built_in + [(f.name, str(f.type)) for f in event.fields]


def as_json(found: Listing) -> dict[str, Any]:
    """Return the listing in types that JSON has."""
    model = found.model
    return {
        "version": 1,
        "sources": list(_sources(found)),
        "profile": _profile(model),
        "entities": list(_entities(model)),
        "events": list(_events(model)),
        "measures": [
            {"name": m.name, "type": str(m.value.type), "value": words(m.value)}
            for m in model.measures.values()
        ],
        "segments": [
            {"name": s.name, "condition": words(s.condition)} for s in model.segments.values()
        ],
        "messages": list(_messages(model)),
    }


def _sources(found: Listing) -> Iterator[dict[str, Any]]:
    for source in found.model.sources.values():
        seen = found.catalog.get(source.name, {})
        columns = [
            {"name": c.name}
            | (described(seen[c.name]) if c.name in seen else {})
            | {"type": str(c.type)}
            for c in source.columns
        ]
        yield {"name": source.name, "kind": source.kind, "key": source.key, "columns": columns}


def _profile(model: Model) -> dict[str, Any] | None:
    if model.profile is None:
        return None
    fields = [_field(name, type, origin) for name, type, origin in profile_fields(model)]
    return {"name": model.profile.name, "fields": fields}


def _field(name: str, type: str, origin: str) -> dict[str, Any]:
    # The id comes from the unification and not from a source.
    sources = [] if name == "id" else origin.split(", ")
    return {"name": name, "type": type, "sources": sources}


def _entities(model: Model) -> Iterator[dict[str, Any]]:
    for entity in model.entities.values():
        fields = [{"name": f.name, "type": str(f.type)} for f in entity.fields]
        yield {"name": entity.name, "source": entity.source, "fields": fields}


def _events(model: Model) -> Iterator[dict[str, Any]]:
    for event in model.events.values():
        yield {
            "name": event.name,
            "source": event.source,
            "is_interaction": event.is_interaction,
            "fields": [{"name": name, "type": type} for name, type in event_fields(event)],
        }


def _messages(model: Model) -> Iterator[dict[str, Any]]:
    for m in model.messages.values():
        locales = [c.locale for c in m.locales]
        yield {"name": m.name, "channel": m.channel, "topic": m.topic, "locales": locales}
