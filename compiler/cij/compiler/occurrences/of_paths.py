"""What a dotted path means: a field, a column, a measure, a field of an event or of an entity."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cij.compiler.occurrences.place_scope import Occurrence, Scope, part
from cij.compiler.review.lineage import Node, step_node
from cij.compiler.types import Type
from cij.grammar.span import Span
from cij.grammar.syntax import Path


class _Meaning(NamedTuple):
    """A name, and which part of the path it is."""

    node: Node
    part: int


def of_path(path: Path, scope: Scope) -> Iterator[Occurrence]:
    """Yield the names in a path: `purchase.total` has the event and its field."""
    for node, at in meanings(path.parts, scope):
        yield Occurrence(node, span_of_part(path, at, scope))


def span_of_part(path: Path, index: int, scope: Scope) -> Span:
    """Return the place of one part; of a path with back-quotes, the place of all of it."""
    if scope.texts.at(path.span) != path.text:
        return path.span
    start = sum(len(each) + 1 for each in path.parts[:index])
    return part(path.span, start, len(path.parts[index]))


def meanings(parts: Sequence[str], scope: Scope) -> list[_Meaning]:
    """Return what a path means; nothing where that is not clear."""
    if parts[0] == "case" and parts[-1] in scope.columns and len(parts) == 2:
        return []
    for look in (_columns, _event_fields, _consent, _steps, _of_customer):
        found = look(parts, scope)
        if found:
            return found
    return []


def _columns(parts: Sequence[str], scope: Scope) -> list[_Meaning]:
    sources = scope.model.sources
    if scope.is_profile and parts[0] in sources:
        whole = [_Meaning(Node("source", parts[0]), 0)]
        return [*whole, *_column(parts[0], parts[1:], 1, scope)]
    if parts[0] == scope.source and len(parts) > 1:
        return _column(parts[0], parts[1:], 1, scope)
    return _column(scope.source, parts, 0, scope)


def _column(source: str | None, parts: Sequence[str], index: int, scope: Scope) -> list[_Meaning]:
    found = scope.model.sources.get(source or "")
    if found is None or not parts or all(c.name != parts[0] for c in found.columns):
        return []
    return [_Meaning(Node("column", f"{source}.{parts[0]}"), index)]


def _event_fields(parts: Sequence[str], scope: Scope) -> list[_Meaning]:
    if parts[0] == "trigger" and len(parts) > 1:
        fields = (_field_of(event, parts, 1, scope) for event in scope.triggers)
        return [each for found in fields for each in found]
    if parts[0] == scope.event:
        return [_Meaning(Node("event", parts[0]), 0), *_field_of(scope.event, parts, 1, scope)]
    if parts[0] == "event" and len(parts) > 1:
        return _field_of(scope.event, parts, 1, scope)
    return _field_of(scope.event, parts, 0, scope)


def _field_of(event: str | None, parts: Sequence[str], index: int, scope: Scope) -> list[_Meaning]:
    """Return the field of an event at `index`, and the field of the row that it leads to."""
    found = scope.model.events.get(event or "")
    if found is None or found.is_interaction or index >= len(parts):
        return []
    for field in found.fields:
        if field.name == parts[index]:
            own = _Meaning(Node("event field", f"{event}.{field.name}"), index)
            return [own, *_related(field.type, parts, index + 1)]
    return []


def _related(type: Type, parts: Sequence[str], index: int) -> list[_Meaning]:
    if type.entity is None or index >= len(parts):
        return []
    return [_Meaning(Node("entity field", f"{type.entity}.{parts[index]}"), index)]


def _consent(parts: Sequence[str], scope: Scope) -> list[_Meaning]:
    is_topic = parts[0] == "consent" and len(parts) > 1 and parts[1] in scope.model.topics
    return [_Meaning(Node("topic", parts[1]), 1)] if is_topic else []


def _steps(parts: Sequence[str], scope: Scope) -> list[_Meaning]:
    """Return the step whose answer is read: `call.outcome`."""
    if len(parts) < 2:
        return []
    steps = (step_node(journey, parts[0]) for journey in scope.journeys)
    return [_Meaning(step, 0) for step in steps if step.name in scope.steps]


def _of_customer(parts: Sequence[str], scope: Scope) -> list[_Meaning]:
    profile = scope.model.profile
    if profile is None:
        return []
    index = 1 if parts[0] == profile.name and len(parts) > 1 else 0
    name = parts[index]
    if name in scope.model.measures:
        return [_Meaning(Node("measure", name), index)]
    found = next((f for f in profile.fields if f.name == name), None)
    if found is None:
        return []
    return [_Meaning(Node("field", name), index), *_related(found.type, parts, index + 1)]
