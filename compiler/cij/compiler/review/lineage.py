"""Lineage: which names a name is made of, and what is made of it.

    column --mapping--> field --condition--> segment --entry--> journey
                          `--placeholder--> message --send--> step --> journey

A node is a name that an author wrote. An edge leads from what uses a name to the name.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import BaseModel

from cij.compiler import expression as ex, model, program as pg
from cij.compiler.declaration_kinds import DECLARATION_KINDS
from cij.compiler.model import Model
from cij.compiler.walk import walk

Kind = str
# Parts of declarations; their names begin with that of the declaration, but for fields of the customer.
PARTS: tuple[Kind, ...] = ("step", "event field", "entity field", "field", "column")
# What uses others comes first in every list: a journey before the segment that it enters from.
KINDS: tuple[Kind, ...] = (*(kind.word for kind in reversed(DECLARATION_KINDS)), *PARTS)


class Node(NamedTuple):
    """`name` is dotted for a part: `shop.points` for a column, `welcome.week` for a step."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(slots=True)
class Lineage:
    """The graph of a project. `uses` leads from each node to what it is made of, `users` back."""

    uses: dict[Node, dict[Node, None]] = field(default_factory=dict)
    users: dict[Node, dict[Node, None]] = field(default_factory=dict)

    def add(self, user: Node, used: Iterable[Node] = ()) -> None:
        """Add a node and its edges."""
        own = self.uses.setdefault(user, {})
        self.users.setdefault(user, {})
        for node in used:
            if node != user:
                own[node] = None
                self.uses.setdefault(node, {})
                self.users.setdefault(node, {})[user] = None

    def made_of(self, start: Node) -> list[Node]:
        """Return all that a node is made of, directly or not, by kind."""
        return _closure(start, self.uses)

    def leads_to(self, start: Node) -> list[Node]:
        """Return all that is made of a node, directly or not, by kind."""
        return _closure(start, self.users)

    def named(self, name: str) -> list[Node]:
        """Return the nodes that a person may mean by a name: `points`, `shop.points`, `segment loyal`."""
        exact = [n for n in self.uses if name in (n.name, str(n))]
        if exact:
            return sorted(exact, key=_order)
        last = [n for n in self.uses if n.name.rpartition(".")[2] == name]
        return sorted(last, key=_order)


def _closure(start: Node, edges: Mapping[Node, Mapping[Node, None]]) -> list[Node]:
    seen, todo = {start}, [start]
    while todo:
        for node in edges.get(todo.pop(), {}):
            if node not in seen:
                seen.add(node)
                todo.append(node)
    seen.discard(start)
    return sorted(seen, key=_order)


def _order(node: Node) -> tuple[int, str]:
    return KINDS.index(node.kind), node.name


def lineage_of(source: Model) -> Lineage:
    """Return the lineage of all declarations that resolved."""
    found = Lineage()
    for name, part in source.sources.items():
        _add_source(name, part, found)
    _add_profile(source, found)
    for name, entity in source.entities.items():
        _add_entity(name, entity, found)
    for name, event in source.events.items():
        if not event.is_interaction:
            _add_event(name, event, found)
    for name in source.topics:
        found.add(Node("topic", name))
    for kind, each in _plain_parts(source):
        found.add(Node(kind, each.name), references(each))
    for name, message in source.messages.items():
        found.add(Node("message", name), _read_by(message, source))
    for name, export in source.exports.items():
        found.add(Node("export", name), _of_export(export, source))
    for journey in source.journeys.values():
        _add_journey(journey, source, found)
    return found


def _plain_parts(source: Model) -> Iterator[tuple[Kind, Any]]:
    """Yield the declarations that are made of what their expressions read."""
    for kind, parts in (
        ("measure", source.measures),
        ("segment", source.segments),
        ("action", source.actions),
        ("policy", source.policies),
    ):
        yield from ((kind, part) for part in parts.values())


# --- data -------------------------------------------------------------------------------------


def _add_source(name: str, part: pg.Source, found: Lineage) -> None:
    own = Node("source", name)
    found.add(own)
    for column in part.columns:
        found.add(Node("column", f"{name}.{column.name}"), [own])


def _add_profile(source: Model, found: Lineage) -> None:
    if source.profile is None:
        return
    for each in source.profile.fields:
        found.add(Node("field", each.name))
    for mapping in source.profile.mappings:
        for name, value in mapping.fields.items():
            found.add(Node("field", name), references(value))
        for consent in mapping.consents:
            found.add(Node("topic", consent.topic), references(consent.value))


def _add_entity(name: str, entity: pg.Entity, found: Lineage) -> None:
    found.add(Node("entity", name), [Node("source", entity.source)])
    for each in entity.fields:
        own = [Node("entity", name), *_references_of(each.value)]
        found.add(Node("entity field", f"{name}.{each.name}"), own)


def _add_event(name: str, event: pg.Event, found: Lineage) -> None:
    own = Node("event", name)
    found.add(own, [*_references_of(event.at), *_references_of(event.where)])
    if event.source is not None:
        found.add(own, [Node("source", event.source)])
        for column in event.record.columns if event.record is not None else ():
            found.add(own, [Node("column", f"{event.source}.{column}")])
        if event.customer is not None:
            found.add(own, [Node("column", f"{event.source}.{event.customer.column}")])
    for each in event.fields:
        found.add(Node("event field", f"{name}.{each.name}"), [own, *_references_of(each.value)])


def _references_of(value: ex.Expression | None) -> Iterator[Node]:
    return references(value) if value is not None else iter(())


# --- messages ---------------------------------------------------------------------------------


def _read_by(message: pg.Message, source: Model) -> Iterator[Node]:
    yield Node("topic", message.topic)
    for name in message.fields:
        node = meant(name, source)
        if node is not None:
            yield node


def meant(dotted: str, source: Model) -> Node | None:
    """Return the field, measure or entity field that a placeholder reads; None for what a send gives."""
    path = dotted.split(".")
    if source.profile is None:
        return None
    if path[0] == source.profile.name and len(path) > 1:
        path = path[1:]
    if path[0] in source.measures:
        return Node("measure", path[0])
    fields = {f.name: f for f in source.profile.fields}
    if path[0] not in fields:
        return None
    entity = fields[path[0]].type.entity
    if entity is not None and len(path) > 1:
        return Node("entity field", f"{entity}.{path[1]}")
    return Node("field", path[0])


def _of_export(export: pg.Export, source: Model) -> Iterator[Node]:
    if export.segment is not None:
        yield Node("segment", export.segment)
    for name in (*export.fields, export.measure, export.by):
        node = None if name is None else meant(name, source)
        if node is not None:
            yield node


# --- journeys ---------------------------------------------------------------------------------


def step_node(journey: str, step: str) -> Node:
    """Return the node of a step."""
    return Node("step", f"{journey}.{step}")


def _add_journey(journey: model.Journey, source: Model, found: Lineage) -> None:
    own = Node("journey", journey.name)
    found.add(own, references(journey.head))
    for goal in journey.goals:
        found.add(own, _of_end(goal))
    for leave in journey.exits:
        found.add(own, _of_end(leave))
    for step in all_steps(journey.steps):
        node = step_node(journey.name, step.name)
        found.add(own, [node])
        found.add(node, _of_step(step))
        _add_written(node, step, found)
        if isinstance(step, model.Send):
            found.add(Node("message", step.message), _of_trigger(step.message, journey, source))


def _of_end(part: model.Goal | model.Exit) -> Iterator[Node]:
    if part.event is not None:
        yield Node("event", part.event)
    for condition in (part.where, part.condition):
        yield from _references_of(condition)


def all_steps(steps: model.Steps) -> Iterator[model.Step]:
    """Yield all steps of a block and of the blocks inside, in the order in which they are written."""
    for step in steps:
        yield step
        for block in model.blocks(step):
            yield from all_steps(block)


def _of_step(step: model.Step) -> Iterator[Node]:
    match step:
        case model.Send(message=message, parameters=parameters):
            yield Node("message", message)
            for value in parameters.values():
                yield from references(value)
        case model.Act(effect=effect):
            yield from references(effect)
        case model.Wait(timer=timer, arms=arms, conditions=conditions):
            yield from references(timer)
            for arm in arms:
                yield from (Node("event", arm.event), *_references_of(arm.where))
            for each in conditions:
                yield from references(each.condition)
        case model.Choose(arms=choices):
            for choice in choices:
                yield from references(choice.guard)
        case model.Repeat(until=until):
            yield from _references_of(until)


def _of_trigger(message: str, journey: model.Journey, source: Model) -> Iterator[Node]:
    """Yield the fields of the entering event that a message prints."""
    part = source.messages.get(message)
    names = [n.split(".")[1] for n in (part.fields if part else ()) if n.startswith("trigger.")]
    for entry in journey.head.entries:
        if isinstance(entry, pg.EventEntry):
            yield from (Node("event field", f"{entry.event}.{name}") for name in names)


def printed(message: pg.Message, node: Node, source: Model) -> list[str]:
    """Return the names under which the texts of a message print a node."""
    if node.kind == "event field":
        name = f"trigger.{node.name.rpartition('.')[2]}"
        return [name] if name in message.fields else []
    return [name for name in message.fields if meant(name, source) == node]


def _add_written(node: Node, step: model.Step, found: Lineage) -> None:
    """Add what a step writes: a field or an event is made of it."""
    if not isinstance(step, model.Act):
        return
    match step.effect:
        case pg.SetEffect(field=name):
            found.add(Node("field", name), [node])
        case pg.ConsentEffect(topic=name):
            found.add(Node("topic", name), [node])
        case pg.EmitEffect(event=name):
            found.add(Node("event", name), [node])


# --- expressions ------------------------------------------------------------------------------


def references(part: BaseModel) -> Iterator[Node]:
    """Yield the names that a part of a model reads."""
    for node in walk(part):
        rule = _READ.get(type(node))
        if rule is not None:
            yield from rule(node)


def _trigger(node: ex.TriggerField) -> Iterator[Node]:
    for event in node.events:
        yield from (Node("event", event), Node("event field", f"{event}.{node.name}"))


def _event_field(node: ex.EventField) -> Iterator[Node]:
    yield Node("event field", f"{node.event}.{node.name}")


_READ: Mapping[type, Callable[[Any], Iterable[Node]]] = {
    ex.Field: lambda n: [Node("field", n.name)],
    ex.AtEntry: lambda n: [Node("field", n.name)],
    ex.Column: lambda n: [Node("column", f"{n.source}.{n.name}")],
    ex.ColumnBefore: lambda n: [Node("column", f"{n.source}.{n.name}")],
    ex.EventField: _event_field,
    ex.TriggerField: _trigger,
    ex.Related: lambda n: [Node("entity field", f"{n.entity}.{n.name}")],
    ex.Consent: lambda n: [Node("topic", n.topic)],
    ex.Member: lambda n: [Node("segment", n.segment)],
    ex.MeasureValue: lambda n: [Node("measure", n.measure)],
    ex.Aggregate: lambda n: [Node("event", n.event)],
    ex.Result: lambda n: [Node("action", n.action)],
    ex.Noted: lambda n: [Node("event", n.event), Node("event field", f"{n.event}.{n.name}")],
    pg.SegmentEntry: lambda n: [Node("segment", n.segment)],
    pg.EventEntry: lambda n: [Node("event", n.event)],
    pg.SendEffect: lambda n: [Node("message", n.message)],
    pg.DoEffect: lambda n: [Node("action", n.action)],
}
