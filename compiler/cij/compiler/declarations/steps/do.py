"""`do`: call an action."""

from dataclasses import replace

from cij.compiler import expression as ex, model, program as pg
from cij.compiler.declarations.action import mark
from cij.compiler.declarations.steps.step_context import JourneyContext
from cij.compiler.library import home_of
from cij.compiler.naming import did_you_mean, near
from cij.compiler.nullability import may_be_missing
from cij.compiler.typecheck import Called, check_value
from cij.compiler.unparse import words
from cij.grammar import codes, syntax
from cij.grammar.diagnostic import Label


def do(step: syntax.Do, context: JourneyContext) -> model.Step | None:
    """`do ACTION { parameters }`."""
    build = context.build
    name = context.name_of(step, f"do {step.action.text}")
    action = build.model.actions.get(step.action.text)
    if action is None:
        _report_unknown(step.action, context)
        return None
    parameters = _parameters(step, action, context)
    if step.label is not None:
        _keep_results(step.label, name, action, context)
    if parameters is None or mark(action.name) in build.broken:
        return None
    return model.Act(name, step.span, pg.DoEffect(action=action.name, parameters=parameters))


def _keep_results(
    label: syntax.Name, step: str, action: pg.Action, context: JourneyContext
) -> None:
    """From here on `LABEL.x` is what the call returned, and `done(LABEL)` that it was done."""
    if action.returns:
        context.require_own(label, action.returns[0].name)
    called = Called(context.node.name.text, step, action)
    context.env = replace(context.env, results={**context.env.results, label.text: called})
    context.sent |= {label.text}


def _report_unknown(name: syntax.Name, context: JourneyContext) -> None:
    build = context.build
    if name.text in build.declared["action"]:
        return
    message = f"there is no action `{name.text}`"
    home = home_of("action", name.text, build.library)
    hint = did_you_mean(name.text, build.declared["action"])
    if home is not None and home not in build.used:
        hint = f"add `use {home}` at the top of a file"
    build.report(codes.UNKNOWN_NAME.at(name.span, message, help=hint))


def _parameters(
    step: syntax.Do, action: pg.Action, context: JourneyContext
) -> dict[str, ex.Expression] | None:
    """Return the values in the order of the declaration, or None after a mistake was reported."""
    given = _given(step, action, context)
    found: dict[str, ex.Expression] = {}
    is_right = len(given) == len(step.settings)
    for parameter in action.parameters:
        setting = given.get(parameter.name)
        if setting is None:
            value = parameter.default
            if parameter.is_required and not _is_misspelt(step, parameter, action, context):
                _report_missing(step, parameter, action, context)
            is_right &= not parameter.is_required
        else:
            value = _value(setting, parameter, context)
            is_right &= value is not None
        if value is not None:
            found[parameter.name] = value
    return found if is_right else None


def _given(
    step: syntax.Do, action: pg.Action, context: JourneyContext
) -> dict[str, syntax.Setting]:
    found: dict[str, syntax.Setting] = {}
    names = [p.name for p in action.parameters]
    for setting in step.settings:
        key = setting.key
        if key.text in found:
            related = [Label(found[key.text].span, "first here")]
            message = f"`{key.text}` is given twice"
            context.build.report(codes.DUPLICATE_NAME.at(key.span, message, related=related))
        elif key.text in names:
            found[key.text] = setting
        elif mark(action.name) not in context.build.broken:
            message = f"action `{action.name}` has no parameter `{key.text}`"
            hint = did_you_mean(key.text, names)
            context.build.report(codes.UNKNOWN_NAME.at(key.span, message, help=hint))
    return found


def _is_misspelt(
    step: syntax.Do, parameter: pg.ActionParameter, action: pg.Action, context: JourneyContext
) -> bool:
    """Tell whether a missing parameter is likely to be one whose name was reported."""
    names = {p.name for p in action.parameters}
    unknown = (s.key.text for s in step.settings if s.key.text not in names)
    return mark(action.name) in context.build.broken or any(
        near(name, [parameter.name]) for name in unknown
    )


def _report_missing(
    step: syntax.Do, parameter: pg.ActionParameter, action: pg.Action, context: JourneyContext
) -> None:
    message = f"action `{action.name}` needs the parameter `{parameter.name}`, {parameter.type}"
    hint = f"add `{parameter.name} = …` to the step"
    context.build.report(codes.MISSING_PARAMETER.at(step.action.span, message, help=hint))


def _value(
    setting: syntax.Setting, parameter: pg.ActionParameter, context: JourneyContext
) -> ex.Expression | None:
    value = check_value(setting.value, parameter.type, context.env)
    if value is None or not value.is_nullable:
        return value
    if parameter.default is not None:
        return ex.Coalesce(type=parameter.type, value=value, default=parameter.default)
    if parameter.is_required and may_be_missing(value, context.known):
        message = (
            f"`{parameter.name}` is required, and `{words(value)}` has no value for some customers"
        )
        hint = f"write `{words(value)} ?? …`, or test `is known` before the step"
        context.build.report(
            codes.MAY_BE_MISSING.at(setting.value.span, message, label="may be missing", help=hint)
        )
        return None
    return value
