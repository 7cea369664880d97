"""`send`: queue a message."""

from cij.compiler import expression as ex, model
from cij.compiler.build import SendSite
from cij.compiler.declarations.steps.context import JourneyContext, later
from cij.compiler.naming import did_you_mean
from cij.compiler.typecheck import check
from cij.grammar import codes, syntax


def send(step: syntax.Send, context: JourneyContext) -> model.Step | None:
    """Return the send, and keep what its message can rely on."""
    build = context.build
    name, *others = step.messages
    if others:
        later("`send best of`", step.span, context)
        return None
    label = context.name_of(step, f"send {name.text}")
    if step.label is not None:
        context.sent |= {step.label.text}
    message = build.model.messages.get(name.text)
    parameters = _parameters(step.settings, context)
    if message is None:
        if name.text not in build.declared["message"]:
            hint = did_you_mean(name.text, build.declared["message"])
            text = f"there is no message `{name.text}`"
            build.report(codes.UNKNOWN_NAME.at(name.span, text, help=hint))
        return None
    build.send_sites.setdefault(name.text, []).append(_site(step, context))
    if step.channel is not None and step.channel.text != message.channel:
        text = f"`{name.text}` is a message for {message.channel}, not for {step.channel.text}"
        build.report(codes.TYPE_MISMATCH.at(step.channel.span, text))
        return None
    return model.Send(label, step.span, message.name, message.channel, parameters)


def _site(step: syntax.Send, context: JourneyContext) -> SendSite:
    keys = (setting.key.text for setting in step.settings)
    return SendSite(
        step,
        context.node.name.text,
        tuple(key for key in keys if context.env.field(key) is None),
        context.env.trigger,
        context.known,
        context.env.is_trigger_broken,
    )


def _parameters(
    settings: tuple[syntax.Setting, ...], context: JourneyContext
) -> dict[str, ex.Expression]:
    found: dict[str, ex.Expression] = {}
    for setting in settings:
        if context.env.field(setting.key.text) is not None:
            message = f"`{setting.key.text}` is a field of the customer already"
            hint = "messages read it by this name: call the parameter otherwise"
            context.build.report(codes.DUPLICATE_NAME.at(setting.key.span, message, help=hint))
            continue
        value = check(setting.value, context.env)
        if value is not None:
            found[setting.key.text] = value
    return found
