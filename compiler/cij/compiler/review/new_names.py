"""The older side with the names of the newer one, so that a rename is one change and not one at each use.

What was renamed is found by comparing declarations and their parts; then every use in the older model gets
the new name. What still differs is a change of its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, TypeVar

from pydantic import BaseModel

from cij.compiler import expression as ex, model, program as pg
from cij.compiler.declaration_kinds import DECLARATION_KINDS, DeclarationKind
from cij.compiler.model import Model
from cij.compiler.placeholders import placeholders
from cij.compiler.program import canonical

# The kind of the name, and the name of before; the name of a part begins with that of its owner.
Key = tuple[str, str]
_Part = TypeVar("_Part")


@dataclass(slots=True)
class Renames:
    """New names by kind and old name. Parts are `column`, `event field`, `entity field` and `field`."""

    names: dict[Key, str] = field(default_factory=dict)

    def name(self, kind: str, old: str) -> str:
        """Return the name now."""
        return self.names.get((kind, old), old)

    def part(self, kind: str, owner: str, old: str) -> str:
        """Return the name of a part now."""
        return self.names.get((kind, f"{owner}.{old}"), old)


def part_renames(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the pairs of parts that differ in nothing but the name, where no other part could be meant."""
    gone = {n: _nameless(p) for n, p in before.items() if n not in after}
    come = {n: _nameless(p) for n, p in after.items() if n not in before}
    pairs = []
    for old, text in gone.items():
        twins = [n for n, other in come.items() if other == text]
        rivals = [n for n, other in gone.items() if other == text]
        if len(twins) == 1 and len(rivals) == 1:
            pairs.append((old, twins[0]))
    return pairs


def _nameless(part: Any) -> str:
    has_name = "name" in type(part).model_fields
    return canonical(part.model_copy(update={"name": ""}) if has_name else part)


class GivenField(pg.BaseNode):
    """A field of the profile with all that gives it."""

    field: pg.ProfileField
    type: Any
    values: dict[str, Any]


def given_fields(profile: pg.Profile) -> dict[str, GivenField]:
    """Return the fields of a profile by name."""
    found = {}
    for each in profile.fields:
        values = {m.source: m.fields[each.name] for m in profile.mappings if each.name in m.fields}
        nameless = each.model_copy(update={"name": ""})
        found[each.name] = GivenField(field=nameless, type=each.type, values=values)
    return found


# --- the older model with the new names -------------------------------------------------------


def with_new_names(source: Model, renames: Renames) -> Model:
    """Return a model in which all uses, and the declarations themselves, have the new names."""
    if not renames.names:
        return source
    found = Model(source.settings)
    for kind in DECLARATION_KINDS:
        if kind.is_in_program:
            old: Any = getattr(source, kind.collection)
            setattr(found, kind.collection, _renamed_all(old, kind, renames))
    return found


def _renamed_all(old: Any, kind: DeclarationKind, renames: Renames) -> Any:
    if kind.is_single:
        return _rewritten(old, renames)
    return {renames.name(kind.word, n): _rewritten(part, renames) for n, part in old.items()}


def _rewritten(part: _Part, renames: Renames) -> _Part:
    found: Any = part
    if isinstance(part, BaseModel):
        found = _node(part, renames)
    elif is_dataclass(part) and not isinstance(part, type):
        found = _dataclass(part, renames)
    elif isinstance(part, tuple):
        items = tuple(_rewritten(item, renames) for item in part)
        found = part if all(a is b for a, b in zip(items, part, strict=True)) else items
    elif isinstance(part, dict):
        found = {key: _rewritten(value, renames) for key, value in part.items()}
    return found  # type: ignore[no-any-return]


def _node(part: BaseModel, renames: Renames) -> BaseModel:
    update = {}
    for name in type(part).model_fields:
        value = getattr(part, name)
        new = _rewritten(value, renames)
        if new is not value:
            update[name] = new
    inside = part.model_copy(update=update) if update else part
    rule = _RULES.get(type(part))
    return inside.model_copy(update=rule(inside, renames)) if rule is not None else inside


def _dataclass(part: Any, renames: Renames) -> Any:
    update = {}
    for each in fields(part):
        value = getattr(part, each.name)
        new = _rewritten(value, renames)
        if new is not value:
            update[each.name] = new
    inside = replace(part, **update) if update else part
    rule = _RULES.get(type(part))
    return replace(inside, **rule(inside, renames)) if rule is not None else inside


_Rule = Callable[[Any, Renames], dict[str, Any]]


def _refers(kind: str, attribute: str) -> _Rule:
    def rule(part: Any, renames: Renames) -> dict[str, Any]:
        old = getattr(part, attribute)
        return {} if old is None else {attribute: renames.name(kind, old)}

    return rule


def _named(kind: str, parts: str = "", part_kind: str = "") -> _Rule:
    """Return the rule of a declaration, with the names of its parts."""

    def rule(part: Any, renames: Renames) -> dict[str, Any]:
        update: dict[str, Any] = {"name": renames.name(kind, part.name)}
        if parts:
            inner = getattr(part, parts)
            update[parts] = tuple(
                p.model_copy(update={"name": renames.part(part_kind, part.name, p.name)})
                for p in inner
            )
        return update

    return rule


def _column(part: Any, renames: Renames) -> dict[str, Any]:
    return {
        "source": renames.name("source", part.source),
        "name": renames.part("column", part.source, part.name),
    }


def _event_field(part: ex.EventField, renames: Renames) -> dict[str, Any]:
    return {
        "event": renames.name("event", part.event),
        "name": renames.part("event field", part.event, part.name),
    }


def _trigger(part: ex.TriggerField, renames: Renames) -> dict[str, Any]:
    names = {renames.part("event field", event, part.name) for event in part.events}
    return {
        "events": tuple(renames.name("event", event) for event in part.events),
        "name": names.pop() if len(names) == 1 else part.name,
    }


def _related(part: ex.Related, renames: Renames) -> dict[str, Any]:
    return {
        "entity": renames.name("entity", part.entity),
        "name": renames.part("entity field", part.entity, part.name),
    }


def _field(part: Any, renames: Renames) -> dict[str, Any]:
    return {"name": renames.name("field", part.name)}


def _mapping(part: pg.Mapping, renames: Renames) -> dict[str, Any]:
    return {
        "source": renames.name("source", part.source),
        "fields": {renames.name("field", n): v for n, v in part.fields.items()},
    }


def _event(part: pg.Event, renames: Renames) -> dict[str, Any]:
    update = _named("event", "fields", "event field")(part, renames)
    if part.source is not None:
        update["source"] = renames.name("source", part.source)
        columns = part.record.columns if part.record is not None else ()
        if part.record is not None and columns:
            new = tuple(renames.part("column", part.source, c) for c in columns)
            update["record"] = part.record.model_copy(update={"columns": new})
        if part.customer is not None:
            column = renames.part("column", part.customer.source, part.customer.column)
            source = renames.name("source", part.customer.source)
            update["customer"] = pg.CustomerReference(source=source, column=column)
    return update


def _entity(part: pg.Entity, renames: Renames) -> dict[str, Any]:
    update = _named("entity", "fields", "entity field")(part, renames)
    return {**update, "source": renames.name("source", part.source)}


def _source(part: pg.Source, renames: Renames) -> dict[str, Any]:
    key = renames.part("column", part.name, part.key)
    return {**_named("source", "columns", "column")(part, renames), "key": key}


def _profile_field(part: pg.ProfileField, renames: Renames) -> dict[str, Any]:
    return {"name": renames.name("field", part.name)}


def _match(part: pg.ExactMatch, renames: Renames) -> dict[str, Any]:
    return {"fields": tuple(renames.name("field", name) for name in part.fields)}


def _prefer(part: pg.Prefer, renames: Renames) -> dict[str, Any]:
    return {"sources": tuple(renames.name("source", name) for name in part.sources)}


def _latest(part: pg.Latest, renames: Renames) -> dict[str, Any]:
    columns = {
        renames.name("source", source): renames.part("column", source, column)
        for source, column in part.columns.items()
    }
    return {"columns": columns}


def _emit(part: pg.EmitEffect, renames: Renames) -> dict[str, Any]:
    given = {renames.part("event field", part.event, n): v for n, v in part.fields.items()}
    return {"event": renames.name("event", part.event), "fields": given}


def _message(part: pg.Message, renames: Renames) -> dict[str, Any]:
    texts = tuple(
        c.model_copy(update={"subject": _text(c.subject, renames), "body": _text(c.body, renames)})
        for c in part.locales
    )
    return {
        "name": renames.name("message", part.name),
        "topic": renames.name("topic", part.topic),
        "locales": texts,
        "fields": tuple(_dotted(name, renames) for name in part.fields),
    }


def _text(text: str, renames: Renames) -> str:
    """Return a template whose placeholders have the new names."""
    found, _ = placeholders(text)
    for each in sorted(found, key=lambda p: -p.index):
        old = ".".join(each.path)
        if text.startswith(old, each.index):
            text = text[: each.index] + _dotted(old, renames) + text[each.index + len(old) :]
    return text


def _dotted(name: str, renames: Renames) -> str:
    first, dot, rest = name.partition(".")
    if first == "trigger":
        # The message does not know its event: the one field that was renamed to another is meant.
        ends = {
            new
            for (k, old), new in renames.names.items()
            if k == "event field" and old.endswith(f".{rest}")
        }
        return f"trigger.{ends.pop()}" if len(ends) == 1 else name
    kinds = ("field", "measure")
    new = next((renames.names[k, first] for k in kinds if (k, first) in renames.names), first)
    return f"{new}{dot}{rest}"


_RULES: Mapping[type, _Rule] = {
    ex.Field: _field,
    ex.AtEntry: _field,
    ex.Column: _column,
    ex.ColumnBefore: _column,
    ex.EventField: _event_field,
    ex.TriggerField: _trigger,
    ex.Related: _related,
    ex.Consent: _refers("topic", "topic"),
    ex.Member: _refers("segment", "segment"),
    ex.MeasureValue: _refers("measure", "measure"),
    ex.Aggregate: _refers("event", "event"),
    ex.Result: _refers("action", "action"),
    ex.Noted: _event_field,
    pg.SegmentEntry: _refers("segment", "segment"),
    pg.EventEntry: _refers("event", "event"),
    pg.SendEffect: _refers("message", "message"),
    pg.DoEffect: _refers("action", "action"),
    pg.SetEffect: _refers("field", "field"),
    pg.ConsentEffect: _refers("topic", "topic"),
    pg.NoteEventEffect: _refers("event", "event"),
    pg.EmitEffect: _emit,
    pg.ConsentMapping: _refers("topic", "topic"),
    pg.Mapping: _mapping,
    pg.ProfileField: _profile_field,
    pg.ExactMatch: _match,
    pg.Prefer: _prefer,
    pg.Latest: _latest,
    pg.Source: _source,
    pg.Entity: _entity,
    pg.Event: _event,
    pg.Message: _message,
    pg.Measure: _named("measure"),
    pg.Segment: _named("segment"),
    pg.Topic: _named("topic"),
    pg.Action: _named("action"),
    model.Send: _refers("message", "message"),
    model.AwaitArm: _refers("event", "event"),
    model.Goal: _refers("event", "event"),
    model.Exit: _refers("event", "event"),
}
