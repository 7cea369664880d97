"""`set` and `emit`: what a journey writes itself."""

from cij.compiler import expression as ex, model, program as pg
from cij.compiler.declarations.steps.step_context import JourneyContext
from cij.compiler.naming import did_you_mean, no_event
from cij.compiler.typecheck import check_value
from cij.grammar import codes, syntax


def set_field(step: syntax.Set, context: JourneyContext) -> model.Step | None:
    """`set FIELD = expression`: a field that the profile declares as the journeys' own."""
    name = context.name_of(step, f"set {step.field.text}")
    found = _own_field(step.field, context)
    if found is None:
        return None
    value = check_value(step.value, found.type, context.env)
    if value is None:
        return None
    if value.is_nullable:
        context.known -= {found.name}
    else:
        context.known |= {found.name}
    return model.Act(name, step.span, pg.SetEffect(field=found.name, value=value))


def _own_field(path: syntax.Path, context: JourneyContext) -> pg.ProfileField | None:
    build, profile = context.build, context.build.model.profile
    if profile is None or path.text in build.broken:
        return None
    found = next((f for f in profile.fields if f.name == path.text), None)
    own = [f.name for f in profile.fields if isinstance(f.merge, pg.Own)]
    if found is not None and isinstance(found.merge, pg.Own):
        return found
    if found is not None:
        message = f"`{path.text}` comes from a source, so a journey cannot write it"
        hint = f"declare a field that journeys write: `fields {{ my_{path.text} = {found.type} }}`"
        build.report(codes.BAD_SETTING.at(path.span, f"{message}", help=hint))
        return None
    if path.parts[0] == "consent":
        message = f"`{path.text}` is a consent and no field, so `set` cannot write it"
        topic, *by = path.parts[1:] or ("TOPIC",)
        wanted = " ".join(["consent", topic, *(f"by {channel}" for channel in by)])
        advice = f"write `give {wanted}`, or `withdraw {wanted}`"
        build.report(codes.BAD_SETTING.at(path.span, message, help=advice))
        return None
    near = did_you_mean(path.text, own)
    message = f"profile `{profile.name}` has no field `{path.text}` that journeys write"
    if near is None and len(path.parts) == 1:
        near = f"declare it in the profile with its type: `fields {{ {path.text} = TYPE }}`"
    build.report(codes.UNKNOWN_NAME.at(path.span, message, help=near))
    return None


def emit(step: syntax.Emit, context: JourneyContext) -> model.Step | None:
    """`emit EVENT { fields }`."""
    name = context.name_of(step, f"emit {step.event.text}")
    build = context.build
    event = build.model.events.get(step.event.text)
    if event is None:
        if step.event.text not in build.declared["event"]:
            declared = build.declared["event"]
            build.report(no_event(step.event.span, step.event.text, declared))
        return None
    if event.is_interaction:
        message = f"`{event.name}` is a built-in event about messages, so no journey can raise it"
        build.report(codes.BAD_SETTING.at(step.event.span, message))
        return None
    fields = _fields(step, event, context)
    if fields is None:
        return None
    return model.Act(name, step.span, pg.EmitEffect(event=event.name, fields=fields))


def _fields(
    step: syntax.Emit, event: pg.Event, context: JourneyContext
) -> dict[str, ex.Expression] | None:
    types = {f.name: f.type for f in event.fields}
    found: dict[str, ex.Expression] = {}
    is_right = True
    for setting in step.settings:
        key = setting.key.text
        value = None
        if key in types:
            value = check_value(setting.value, types[key], context.env)
        elif f"{event.name}.{key}" not in context.build.broken:
            message = f"event `{event.name}` has no field `{key}`"
            hint = did_you_mean(key, types)
            context.build.report(codes.UNKNOWN_NAME.at(setting.key.span, message, help=hint))
        if key in found:
            message = f"`{key}` is given twice"
            context.build.report(codes.DUPLICATE_NAME.at(setting.key.span, message))
        is_right &= value is not None
        if value is not None:
            found[key] = value
    return found if is_right else None
