"""What a dotted name stands for. A name that could be two things is an error, never a guess."""

from collections.abc import Sequence
from dataclasses import replace

from cij.compiler import expression as ex, program as pg
from cij.compiler.mistake_list import MistakeList
from cij.compiler.naming import column_mark, did_you_mean
from cij.compiler.relations import field_of
from cij.compiler.typecheck.environment import (
    ENTRY_IS_ASKED,
    NO_TRIGGER,
    Awaited,
    Called,
    Environment,
)
from cij.compiler.types import BOOLEAN, DATETIME, TEXT, Type
from cij.compiler.unparse import WEEKDAYS
from cij.grammar import codes, syntax

_AT = "at"


def resolve(node: syntax.Path, env: Environment) -> ex.Expression | None:
    """Return what `node` names, or report that it names nothing or too much."""
    head, *rest = node.parts
    if node.text in env.bindings:
        return env.bindings[node.text]
    if head == "consent" and rest and env.has_customer:
        return _consent(node, env)
    if env.source is None and (found := _relation(node, env)) is not None:
        base, names = found
        return _followed(base, names, node, env)
    if head == "trigger" and rest and env.has_customer:
        return _trigger(node, env)
    if rest and head in env.results:
        return _result(node, env)
    if rest and head in env.sends:
        return _outcome(node, env)
    if env.source is not None:
        return _column(node, env)
    if len(node.parts) == 1:
        return _bare(node, env)
    return _qualified(node, env)


def _relation(node: syntax.Path, env: Environment) -> tuple[ex.Expression, tuple[str, ...]] | None:
    """Return the relation that a path begins with, and the names after it."""
    if not env.declared["entity"]:
        return None
    silent = replace(env, diagnostics=MistakeList())
    for count in range(1, len(node.parts)):
        base = resolve(replace(node, parts=node.parts[:count]), silent)
        if base is not None and base.type.entity is not None:
            return base, node.parts[count:]
    return None


def _followed(
    base: ex.Expression, names: Sequence[str], node: syntax.Path, env: Environment
) -> ex.Expression | None:
    found = base
    for name in names:
        entity = env.model.entities.get(found.type.entity or "")
        after = field_of(entity, found, name) if entity is not None else None
        if after is None:
            _no_field(found, name, node, env)
            return None
        found = after
    return found


def _no_field(base: ex.Expression, name: str, node: syntax.Path, env: Environment) -> None:
    entity = base.type.entity
    if entity is None:
        before = node.text.rpartition(f".{name}")[0]
        message = f"`{before}` is {base.type} and has no field `{name}`"
        env.report(codes.UNKNOWN_NAME.at(node.span, message, label="no such field"))
    elif entity in env.model.entities and f"{entity}.{name}" not in env.broken:
        names = [field.name for field in env.model.entities[entity].fields]
        message = f"entity `{entity}` has no field `{name}`"
        hint = did_you_mean(name, names)
        env.report(codes.UNKNOWN_NAME.at(node.span, message, label="no such field", help=hint))


def _column(node: syntax.Path, env: Environment) -> ex.Expression | None:
    source = env.source
    assert source is not None
    head, *rest = node.parts
    if head == "before" and rest and env.has_before:
        now = _column(replace(node, parts=tuple(rest)), env)
        if not isinstance(now, ex.Column):
            return None
        return ex.ColumnBefore(type=now.type, source=source.name, name=now.name)
    parts = tuple(rest) if head == source.name and rest else node.parts
    found = next((c for c in source.columns if (c.name,) == parts), None)
    if found is not None:
        nullable = found.is_nullable and found.name != source.key
        return ex.Column(type=found.type, is_nullable=nullable, source=source.name, name=found.name)
    if column_mark(source.name, ".".join(parts)) in env.broken:
        return None
    hint = did_you_mean(".".join(parts), [c.name for c in source.columns])
    message = f"source `{source.name}` has no column `{'.'.join(parts)}`"
    env.report(codes.UNKNOWN_NAME.at(node.span, message, label="no such column", help=hint))
    return None


def _bare(node: syntax.Path, env: Environment) -> ex.Expression | None:
    name = node.text
    found = [
        e for e in (_event_field(name, env), _customer_field(name, env), _measure(name, env)) if e
    ]
    if len(found) == 1 or (found and env.event is None):
        # A measure that takes the name of a field has been reported at its declaration.
        return found[0]
    if len(found) > 1 and env.event is not None:
        message = f"`{name}` is a field of the event `{env.event.name}` and of the customer"
        hint = f"write `event.{name}` or `customer.{name}`"
        env.report(codes.UNKNOWN_NAME.at(node.span, message, label="which one?", help=hint))
        return None
    _unknown(node, env)
    return None


def _qualified(node: syntax.Path, env: Environment) -> ex.Expression | None:
    head, name = node.parts[0], ".".join(node.parts[1:])
    profile = env.model.profile.name if env.model.profile else "customer"
    if head == "event" and env.event is not None and _is_ambiguous(name, env):
        _report_ambiguous(node, name, env)
        return None
    is_event_row = env.event is not None and head in ("event", env.event.name)
    field = _event_field(name, env) if is_event_row else None
    if head in ("customer", profile):
        field = _customer_field(name, env)
    if field is not None:
        return field
    if head in env.model.events and not is_event_row:
        message = f"`{node.text}` is a field of many events, not one value"
        hint = f"say which: `last({node.text})`, `sum({node.text} within last 90 days)`"
        env.report(codes.TYPE_MISMATCH.at(node.span, message, help=hint))
        return None
    _unknown(node, env)
    return None


def _is_ambiguous(name: str, env: Environment) -> bool:
    """Tell whether `event.NAME` stands inside of the rows of another event that has the field too."""
    outer = env.outer_event
    return outer is not None and event_field(outer, name) is not None


def _report_ambiguous(node: syntax.Path, name: str, env: Environment) -> None:
    assert env.event is not None and env.outer_event is not None, "two rows are in reach"
    inner, outer = env.event.name, env.outer_event.name
    env.report(
        codes.UNKNOWN_NAME.at(
            node.span,
            f"`{node.text}` may mean the row of `{inner}` or that of `{outer}`",
            label="which one?",
            help=f"write `{inner}.{name}` for `{inner}`; a row of `{outer}` cannot be read in here",
        )
    )


def _unknown(node: syntax.Path, env: Environment) -> None:
    name = node.text
    if env.is_consequence(node.parts[-1]) or _is_broken_field(name, env):
        return
    if env.event is not None and not env.has_customer:
        what = f"the {env.event.name} has no field `{name}`"
        candidates = [_AT, *(f.name for f in env.event.fields)]
    elif env.event is not None:
        what = f"neither the event `{env.event.name}` nor the customer has a field `{name}`"
        candidates = [_AT, *(f.name for f in env.event.fields), *env.field_names]
    else:
        what = f"`customer` has no field `{name}`"
        # A weekday stands where a moment does: `wait until monday`.
        candidates = [*env.field_names, *env.declared["measure"], *WEEKDAYS]
    if name in env.declared["segment"]:
        hint: str | None = f"`{name}` is a segment: write `in segment {name}`"
    elif name in env.model.events:
        hint = f"`{name}` is an event: write `any({name})` or `count({name}) > 0`"
    else:
        hint = did_you_mean(name, _qualified_fields(node.parts[0], env) or candidates)
        # The name of a field has no dot, so what is written with one is no field to be added.
        if hint is None and env.event is None and len(node.parts) == 1:
            hint = f"if a source knows it, add `{name} = COLUMN` to its `from` in the profile"
    env.report(codes.UNKNOWN_NAME.at(node.span, what, label="no such field", help=hint))


def _qualified_fields(head: str, env: Environment) -> list[str]:
    """Return what `head.` may go on to, where it names a customer or the event in reach."""
    if env.event is not None and head in ("event", env.event.name):
        return [f"{head}.{name}" for name in (_AT, *(f.name for f in env.event.fields))]
    profile = env.model.profile.name if env.model.profile else "customer"
    return [f"{head}.{name}" for name in env.field_names] if head in ("customer", profile) else []


def _is_broken_field(name: str, env: Environment) -> bool:
    """Tell whether `amount`, `event.amount` or `purchase.amount` was declared with a mistake."""
    if env.event is None:
        return name in env.broken
    field = name.removeprefix("event.").removeprefix(f"{env.event.name}.")
    return f"{env.event.name}.{field}" in env.broken


def _event_field(name: str, env: Environment) -> ex.Expression | None:
    return event_field(env.event, name) if env.event is not None else None


def event_field(event: pg.Event, name: str) -> ex.EventField | None:
    """Return the field of an event row; every event has `at`, an interaction has `channel`."""
    if name == _AT:
        return ex.EventField(type=DATETIME, event=event.name, name=name)
    type = _type_of(event, name)
    if type is None:
        return None
    return ex.EventField(type=type, is_nullable=True, event=event.name, name=name)


def _type_of(event: pg.Event, name: str) -> Type | None:
    if event.is_interaction and name == "channel":
        return TEXT
    return next((f.type for f in event.fields if f.name == name), None)


def _customer_field(name: str, env: Environment) -> ex.Expression | None:
    if name == "id" and env.has_customer:
        return ex.Field(type=TEXT, name="id")
    found = env.field(name)
    if found is None:
        return None
    return ex.Field(type=found.type, is_nullable=found.is_nullable, name=name)


def _measure(name: str, env: Environment) -> ex.Expression | None:
    if not env.has_customer or name not in env.declared["measure"]:
        return None
    measure = env.typed_measure(name, env)
    if measure is None:
        return None
    value = measure.value
    return ex.MeasureValue(type=value.type, is_nullable=value.is_nullable, measure=name)


def _result(node: syntax.Path, env: Environment) -> ex.Expression | None:
    called, name = env.results[node.parts[0]], ".".join(node.parts[1:])
    found = result_of(called, name)
    if found is None and (message := no_result(called, name, env.broken)) is not None:
        hint = did_you_mean(name, result_names(called))
        env.report(codes.UNKNOWN_NAME.at(node.span, message, label="no such value", help=hint))
    return found


def _outcome(node: syntax.Path, env: Environment) -> ex.Expression | None:
    """Return `LABEL.outcome` of a send."""
    label, *names = node.parts
    if names == ["outcome"]:
        return ex.SendOutcome(step=env.sends[label].step)
    message = f"`{label}` is a send, and `{label}.outcome` is all that can be read of it"
    env.report(codes.UNKNOWN_NAME.at(node.span, message, label="no such value"))
    return None


def result_names(called: Called | Awaited) -> list[str]:
    """Return the names of the values that can be read."""
    parts = called.event.fields if isinstance(called, Awaited) else called.action.returns
    return [part.name for part in parts]


def no_result(called: Called | Awaited, name: str, broken: set[str]) -> str | None:
    """Return the message that there is no such value; None where that follows from another mistake."""
    if isinstance(called, Awaited):
        event = called.event.name
        return None if f"{event}.{name}" in broken else f"event `{event}` has no field `{name}`"
    action = called.action.name
    return None if f"action {action}" in broken else f"action `{action}` returns no `{name}`"


def result_of(called: Called | Awaited, name: str) -> ex.Result | ex.Noted | None:
    """Return the expression for a result of a call, or for a field of the event that ended a wait."""
    if isinstance(called, Awaited):
        field, event = event_field(called.event, name), called.event.name
        if field is None:
            return None
        # Another arm or the deadline may have ended the wait.
        return ex.Noted(type=field.type, is_nullable=True, event=event, step=called.step, name=name)
    type = next((r.type for r in called.action.returns if r.name == name), None)
    if type is None:
        return None
    return ex.Result(
        type=type,
        is_nullable=True,
        journey=called.journey,
        step=called.step,
        action=called.action.name,
        name=name,
    )


def _consent(node: syntax.Path, env: Environment) -> ex.Expression | None:
    topic = env.model.topics.get(node.parts[1])
    if topic is None and node.parts[1] in env.declared["topic"]:
        return None
    if topic is None:
        hint = did_you_mean(node.parts[1], env.model.topics)
        message = f"there is no topic `{node.parts[1]}`"
        env.report(codes.UNKNOWN_NAME.at(node.span, message, label="no such topic", help=hint))
        return None
    channel = node.parts[2] if len(node.parts) > 2 else None
    if len(node.parts) > 3 or (channel is not None and channel not in topic.channels):
        hint = did_you_mean(".".join(node.parts[2:]), topic.channels)
        message = f"topic `{topic.name}` has no channel `{'.'.join(node.parts[2:])}`"
        env.report(codes.UNKNOWN_NAME.at(node.span, message, help=hint))
        return None
    return ex.Consent(type=BOOLEAN, topic=topic.name, channel=channel)


def _instead_of_trigger(name: str, env: Environment) -> str:
    if env.no_trigger == ENTRY_IS_ASKED and env.event is not None and env.outer_event is None:
        return f"`where` reads the event itself: write `{name}`, a field of `{env.event.name}`"
    if env.no_trigger != NO_TRIGGER:
        return "test it in the first step, with an `if` that leads to an `end`"
    return "use it in journeys whose only entries are `enter on EVENT`"


def _trigger(node: syntax.Path, env: Environment) -> ex.Expression | None:
    name = ".".join(node.parts[1:])
    if env.is_trigger_broken:
        return None
    if not env.trigger:
        message = f"`{node.text}` reads the entering event, and {env.no_trigger}"
        env.report(codes.UNKNOWN_NAME.at(node.span, message, help=_instead_of_trigger(name, env)))
        return None
    found = [event_field(event, name) for event in env.trigger]
    missing = [e for e, f in zip(env.trigger, found, strict=True) if f is None]
    if any(f"{event.name}.{name}" in env.broken for event in missing):
        return None
    if missing:
        hint = did_you_mean(name, [_AT, *(f.name for f in missing[0].fields)])
        message = f"event `{missing[0].name}` has no field `{name}`"
        env.report(codes.UNKNOWN_NAME.at(node.span, message, label="no such field", help=hint))
        return None
    types = [f.type for f in found if f is not None]
    if any(t != types[0] for t in types):
        message = f"`{node.text}` has different types in the entering events"
        env.report(codes.TYPE_MISMATCH.at(node.span, message))
        return None
    events = tuple(e.name for e in env.trigger)
    return ex.TriggerField(type=types[0], is_nullable=True, events=events, name=name)
