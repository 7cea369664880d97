"""`event`: something a customer does; and the interactions with messages, which are built in."""

from dataclasses import replace

from cij.compiler import program as pg
from cij.compiler.channels import Interaction
from cij.compiler.declarations import record
from cij.compiler.declarations.body import Body, read_body
from cij.compiler.declarations.environments import source_environment
from cij.compiler.declarations.explain_lines import Lines, heading
from cij.compiler.declarations.written_type import type_of
from cij.compiler.expression import Expression
from cij.compiler.model import Model, place
from cij.compiler.naming import column_mark, did_you_mean
from cij.compiler.pass_state import Build
from cij.compiler.typecheck import Environment, check, check_condition
from cij.compiler.typecheck.checker import all_of
from cij.compiler.types import TEXT, Type
from cij.compiler.unparse import words
from cij.grammar import codes, syntax

# The built-in events, with their fields besides `channel`. The row of a channel in
# `cij.compiler.channels` names those that happen on it.
INTERACTIONS: dict[Interaction, dict[str, Type]] = {
    "delivered": {"message": TEXT, "topic": TEXT, "journey": TEXT},
    "failed": {"reason": TEXT, "message": TEXT, "topic": TEXT, "journey": TEXT},
    "opened": {},
    "clicked": {"link": TEXT},
    "opened_by_machine": {"sign": TEXT},
    "clicked_by_machine": {"link": TEXT, "sign": TEXT},
    "replied": {"text": TEXT},
    "bounced": {"reason": TEXT},
    "complained": {},
    "unsubscribed": {"topic": TEXT},
    "subscribed": {"topic": TEXT},
}

# Columns of every event.
RESERVED = ("at", "seq", "id", "customer", "arrived_at", "message_key")


def interactions() -> tuple[pg.Event, ...]:
    """Return the built-in events."""
    return tuple(
        pg.Event(
            name=name,
            source=None,
            customer=None,
            at=None,
            fields=tuple(pg.EventFieldDefinition(name=n, type=t) for n, t in fields.items()),
            is_interaction=True,
        )
        for name, fields in INTERACTIONS.items()
    )


def define(node: syntax.Declaration, build: Build) -> None:
    """Add the event to the model, or report what is wrong with it."""
    name = node.name.text
    if name in INTERACTIONS:
        message = f"`{name}` is a built-in event: what customers do with messages"
        build.report(codes.DUPLICATE_NAME.at(node.name.span, message))
        return
    body = read_body(
        f"event `{name}`",
        node.name.span,
        node.items,
        build.report,
        settings=("source", "customer", "at", *record.SETTINGS),
        blocks=("fields",),
        clauses=(syntax.Where,),
        later=("dedupe", "key"),
    )
    if "source" in body.settings:
        event = _from_source(node, body, build)
    else:
        event = _by_intake(node, body, build)
    if event is not None:
        build.model.events[name] = event


def _by_intake(node: syntax.Declaration, body: Body, build: Build) -> pg.Event | None:
    for key in ("customer", "at", *record.SETTINGS):
        if key in body.settings:
            message = f"`{key}` needs `source`: events that are handed in bring their own"
            build.report(codes.UNKNOWN_SETTING.at(body.settings[key].span, message))
    for where in body.wheres:
        message = "`where` needs `source`: events that are handed in are all taken"
        hint = "write the condition where the event is used: `enter on EVENT where …`"
        build.report(codes.UNKNOWN_SETTING.at(where.span, message, help=hint))
    fields = []
    for setting in _field_settings(body, build):
        type = type_of(setting.value, build)
        if type is not None:
            fields.append(pg.EventFieldDefinition(name=setting.key.text, type=type))
        else:
            build.broken.add(f"{node.name.text}.{setting.key.text}")
    return _event(node, None, None, None, fields)


def _from_source(node: syntax.Declaration, body: Body, build: Build) -> pg.Event | None:
    name = body.name("source")
    source = build.model.sources.get(name or "")
    if source is None:
        if name is not None and name not in build.declared["source"]:
            hint = did_you_mean(name, build.declared["source"])
            span = body.settings["source"].value.span
            build.report(codes.UNKNOWN_NAME.at(span, f"there is no source `{name}`", help=hint))
        return None
    change = record.record_change(body, source, build)
    own = record.own_customer(body, source, build) if change else None
    customer = own or _customer(body, source, build)
    env = source_environment(build, source)
    if change is not None and change.on == "updated":
        env = replace(env, has_before=True)
    tests = [check_condition(where.condition, env) for where in body.wheres]
    at = _instant(body, env) if "at" in body.settings or change is None else None
    fields = []
    for setting in _field_settings(body, build):
        value = check(setting.value, env)
        if value is not None:
            fields.append(
                pg.EventFieldDefinition(name=setting.key.text, type=value.type, value=value)
            )
        else:
            build.broken.add(f"{node.name.text}.{setting.key.text}")
    if customer is None or (at is None and (change is None or "at" in body.settings)):
        return None
    event = _event(node, source.name, customer, at, fields)
    # There may be several, as in a source.
    return event.model_copy(update={"record": change, "where": all_of(tests) if tests else None})


def _event(
    node: syntax.Declaration,
    source: str | None,
    customer: pg.CustomerReference | None,
    at: Expression | None,
    fields: list[pg.EventFieldDefinition],
) -> pg.Event:
    return pg.Event(
        name=node.name.text,
        source=source,
        customer=customer,
        at=at,
        fields=tuple(fields),
        place=place(node.name.span),
    )


def _field_settings(body: Body, build: Build) -> list[syntax.Setting]:
    found: list[syntax.Setting] = []
    for block in body.blocks:
        inner = read_body("`fields`", block.span, block.items, build.report, settings=None)
        for setting in inner.settings.values():
            if setting.key.text.casefold() in RESERVED:
                message = f"every event has `{setting.key.text}` already: choose another name"
                build.report(codes.DUPLICATE_NAME.at(setting.key.span, message))
            else:
                found.append(setting)
    return found


def _customer(body: Body, source: pg.Source, build: Build) -> pg.CustomerReference | None:
    setting = body.need("customer", "customer = shop(customer_id)")
    if setting is None:
        return None
    call = setting.value
    argument = call.arguments[0].value if isinstance(call, syntax.Call) and call.arguments else None
    if not isinstance(call, syntax.Call) or not isinstance(argument, syntax.Path):
        body.wrong(setting, "the source whose key a column holds: `shop(customer_id)`")
        return None
    target, column = call.function.text, argument.text
    if target in build.declared["source"] and target not in build.model.sources:
        return None
    if target not in build.model.sources:
        hint = did_you_mean(target, build.declared["source"])
        message = f"there is no source `{target}`"
        build.report(codes.UNKNOWN_NAME.at(call.function.span, message, help=hint))
        return None
    if column_mark(source.name, column) in build.broken:
        return None
    if column not in {c.name for c in source.columns}:
        hint = did_you_mean(column, [c.name for c in source.columns])
        message = f"source `{source.name}` has no column `{column}`"
        build.report(codes.UNKNOWN_NAME.at(argument.span, message, help=hint))
        return None
    return pg.CustomerReference(source=target, column=column)


def _instant(body: Body, env: Environment) -> Expression | None:
    setting = body.need("at", "at = ordered_at")
    if setting is None:
        return None
    value = check(setting.value, env)
    if value is None or value.type.kind in ("datetime", "date"):
        return value
    message = f"`at` is an instant or a date, and this is {value.type}"
    env.report(codes.TYPE_MISMATCH.at(setting.value.span, message, label=str(value.type)))
    return None


# --- explain ---------------------------------------------------------------------------------


def _cause_of(event: pg.Event) -> str:
    if event.record is None:
        return f"One for each row of source {event.source}"
    which = f" ({', '.join(event.record.columns)})" if event.record.columns else ""
    return f"One whenever a record of source {event.source} is {event.record.on}{which}"


def explain(event: pg.Event, source: Model) -> Lines:
    yield heading("event", event.name, event.place)
    if event.is_interaction:
        yield "Built in: what a customer does with a message that was sent."
    elif event.source is not None and event.customer is not None:
        key = f"{event.customer.source} whose key is `{event.customer.column}`"
        yield f"{_cause_of(event)}, of the customer in {key}."
        if event.where is not None:
            yield f"Only where {words(event.where)}."
        at = "the refresh that finds it" if event.record else "its arrival"
        yield f"It happens at: {words(event.at)}" if event.at else f"It happens at {at}."
    else:
        yield "It comes from outside, one at a time (`cij event`)."
    yield "Fields: " + (", ".join(f"{f.name} ({f.type})" for f in event.fields) or "none")
