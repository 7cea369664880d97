"""What `cij lineage` says of one name: what it is made of, and what is made of it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from cij.compiler import model, program as pg
from cij.compiler.declaration_kinds import KIND_OF
from cij.compiler.model import Model
from cij.compiler.review.lineage import Lineage, Node, all_steps, printed
from cij.compiler.review.review_report import Where
from cij.compiler.review.sentences import sentences
from cij.compiler.review.step_words import step_words
from cij.compiler.unparse import event_words, words

FORMAT_VERSION = "1.0"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Text(_Part):
    """A line of a message that prints the name; `part` is subject or body."""

    locale: str
    part: str
    text: str


class Relative(_Part):
    """A name on the way. `via` are the names through which it is reached directly.

    `texts` are the lines of a message that print one of them.
    """

    kind: str
    name: str
    detail: str
    via: tuple[str, ...]
    texts: tuple[Text, ...] = ()
    place: Where | None = None


class NameLineage(_Part):
    """One name with its lineage, both lists in the order of the way from it."""

    kind: str
    name: str
    detail: str
    place: Where | None
    made_of: tuple[Relative, ...]
    leads_to: tuple[Relative, ...]


class LineageReport(_Part):
    """All that a person may mean by a name."""

    format_version: str = FORMAT_VERSION
    names: tuple[NameLineage, ...]


def lineage_report(name: str, found: Lineage, source: Model) -> LineageReport:
    """Return the lineage of all nodes that have this name; empty where there is none."""
    nodes = found.named(name)
    return LineageReport(names=tuple(_of_node(node, found, source) for node in nodes))


def _of_node(node: Node, found: Lineage, source: Model) -> NameLineage:
    return NameLineage(
        kind=node.kind,
        name=node.name,
        detail=detail(node, source),
        place=place_of(node, source),
        made_of=tuple(_relatives(node, found.uses, source)),
        leads_to=tuple(_relatives(node, found.users, source)),
    )


def _relatives(
    start: Node, edges: Mapping[Node, Mapping[Node, None]], source: Model
) -> Iterator[Relative]:
    """Yield all nodes behind `start`, nearest first."""
    via: dict[Node, list[Node]] = {}
    todo, seen = [start], {start}
    while todo:
        node = todo.pop(0)
        for other in edges.get(node, {}):
            if other != start:
                via.setdefault(other, []).append(node)
            if other not in seen:
                seen.add(other)
                todo.append(other)
    for other, through in via.items():
        yield Relative(
            kind=other.kind,
            name=other.name,
            detail=detail(other, source),
            via=tuple(str(node) for node in through),
            texts=tuple(_texts(other, through, source)),
            place=place_of(other, source),
        )


def _texts(node: Node, through: list[Node], source: Model) -> Iterator[Text]:
    message = source.messages.get(node.name) if node.kind == "message" else None
    if message is not None:
        names = {name for each in through for name in printed(message, each, source)}
        for each in sentences(message, names):
            yield Text(locale=each.locale, part=each.part, text=each.text)


# --- what a node is ---------------------------------------------------------------------------


def detail(node: Node, source: Model) -> str:
    """Return what a node is, in a few words."""
    if node.kind in _PART_DETAILS:
        return _PART_DETAILS[node.kind](node, source)
    part = _declared(node, source)
    rule = _DETAILS.get(type(part))
    return rule(part) if rule is not None else ""


def _declared(node: Node, source: Model) -> Any:
    """Return the declaration of a node, or that of which it is a part."""
    kind = KIND_OF[_OWNERS.get(node.kind, node.kind)]
    made = kind.made(source)
    return made.get(node.name) or made.get(_owner(node)) if not kind.is_single else source.profile


# The kind of the declaration that a part is of.
_OWNERS = {
    "column": "source",
    "event field": "event",
    "entity field": "entity",
    "field": "profile",
    "step": "journey",
}


def _step(node: Node, source: Model) -> model.Step | None:
    journey = source.journeys.get(_owner(node))
    if journey is None:
        return None
    name = node.name[len(journey.name) + 1 :]
    return next((s for s in all_steps(journey.steps) if s.name == name), None)


def _owner(node: Node) -> str:
    return node.name.partition(".")[0]


def _part_named(parts: Any, node: Node) -> Any:
    name = node.name.partition(".")[2]
    return next((p for p in parts if p.name == name), None)


def _of_column(node: Node, source: Model) -> str:
    part = source.sources.get(_owner(node))
    column = _part_named(part.columns, node) if part is not None else None
    return str(column.type) if column is not None else ""


def _of_source(part: pg.Source) -> str:
    return f"{part.kind} {part.settings.get('path', '')}".strip()


def _of_field(node: Node, source: Model) -> str:
    fields = source.profile.fields if source.profile is not None else ()
    found = next((f for f in fields if f.name == node.name), None)
    return str(found.type) if found is not None else ""


def _of_event_field(node: Node, source: Model) -> str:
    event = source.events.get(_owner(node))
    found = _part_named(event.fields, node) if event is not None else None
    return _defined(found)


def _of_entity_field(node: Node, source: Model) -> str:
    entity = source.entities.get(_owner(node))
    return _defined(_part_named(entity.fields, node) if entity is not None else None)


def _defined(field: pg.EventFieldDefinition | None) -> str:
    if field is None:
        return ""
    return f"{field.type}" + (f" from {words(field.value)}" if field.value is not None else "")


def _of_journey(journey: model.Journey) -> str:
    found = (
        f"segment {entry.segment}"
        if isinstance(entry, pg.SegmentEntry)
        else event_words(entry.event, None, entry.where)
        for entry in journey.head.entries
    )
    return f"enter from {', '.join(found)}"


def _of_step(node: Node, source: Model) -> str:
    step = _step(node, source)
    return step_words(step) if step is not None else ""


_PART_DETAILS: Mapping[str, Callable[[Node, Model], str]] = {
    "column": _of_column,
    "field": _of_field,
    "event field": _of_event_field,
    "entity field": _of_entity_field,
    "step": _of_step,
}
_DETAILS: Mapping[type, Callable[[Any], str]] = {
    pg.Source: _of_source,
    pg.Measure: lambda part: words(part.value),
    pg.Segment: lambda part: words(part.condition),
    pg.Message: lambda part: str(part.channel),
    pg.Topic: lambda part: str(part.consent),
    model.Journey: _of_journey,
}


def place_of(node: Node, source: Model) -> Where | None:
    """Return where a node is declared; of a part, where its declaration is."""
    part: Any = _step(node, source) if node.kind == "step" else _declared(node, source)
    if part is None:
        return None
    place = model.place(part.span) if hasattr(part, "span") else part.place
    return Where(file=place.file, line=place.line) if place is not None else None
