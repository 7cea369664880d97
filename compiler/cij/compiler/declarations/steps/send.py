"""`send`: queue a message."""

from dataclasses import replace

from cij.compiler import expression as ex, model, program as pg
from cij.compiler.channels import ADDRESS
from cij.compiler.declarations.steps.step_context import JourneyContext
from cij.compiler.naming import did_you_mean
from cij.compiler.pass_state import SendSite
from cij.compiler.typecheck import Sent, check
from cij.grammar import codes, syntax
from cij.grammar.diagnostic import Label


def send(step: syntax.Send, context: JourneyContext) -> model.Step | None:
    """Return the send, and keep what its message can rely on."""
    return _best(step, context) if len(step.messages) > 1 else _one(step, context)


def _one(step: syntax.Send, context: JourneyContext) -> model.Step | None:
    written = step.messages[0]
    name = _named(step, f"send {written.text}", context)
    parameters = _parameters(step.settings, context)
    message = _message(written, step, context)
    if message is None:
        return None
    if step.channel is not None and step.channel.text != message.channel:
        text = f"`{message.name}` is a message for {message.channel}, not for {step.channel.text}"
        hint = f"write `send {message.channel} {message.name}`"
        context.build.report(codes.TYPE_MISMATCH.at(step.channel.span, text, help=hint))
        return None
    return model.Send(name, step.span, message.name, message.channel, parameters)


def _named(step: syntax.Send, derived: str, context: JourneyContext) -> str:
    name = context.name_of(step, derived)
    if step.label is not None:
        label, channels = step.label.text, _channels(step, context)
        context.sent |= {label}
        sent = Sent(context.node.name.text, name, channels)
        context.env = replace(context.env, sends={**context.env.sends, label: sent})
    return name


def _channels(step: syntax.Send, context: JourneyContext) -> tuple[str, ...]:
    messages = (context.build.model.messages.get(written.text) for written in step.messages)
    return tuple(dict.fromkeys(message.channel for message in messages if message is not None))


def _message(written: syntax.Name, step: syntax.Send, context: JourneyContext) -> pg.Message | None:
    build = context.build
    message = build.model.messages.get(written.text)
    if message is not None:
        build.send_sites.setdefault(message.name, []).append(_site(step, context))
    elif written.text not in build.declared["message"]:
        hint = did_you_mean(written.text, build.declared["message"])
        text = f"there is no message `{written.text}`"
        build.report(codes.UNKNOWN_NAME.at(written.span, text, help=hint))
    return message


def _best(step: syntax.Send, context: JourneyContext) -> model.Step | None:
    """`send best of (A, B)`: a choice between sends that are one step."""
    name = _named(step, "send best", context)
    parameters = _parameters(step.settings, context)
    found = [_message(written, step, context) for written in step.messages]
    messages = [m for m in found if m is not None]
    if len(messages) < len(found) or _has_twins(step, context):
        return None
    choices = tuple(_choice(m, context) for m in messages)
    sends = [
        model.Send(name, step.span, m.name, m.channel, parameters, id=f"{name}: {m.name}")
        for m in messages
    ]
    # Exactly one is the best, so the last needs no guard.
    arms = tuple(
        model.ChooseArm(ex.Best(choices=choices, place=place), (each,))
        for place, each in enumerate(sends[:-1])
    )
    return model.Choose(f"{name}: best", step.span, arms, (sends[-1],))


def _has_twins(step: syntax.Send, context: JourneyContext) -> bool:
    first: dict[str, syntax.Name] = {}
    for written in step.messages:
        if written.text in first:
            related = [Label(first[written.text].span, "first here")]
            message = f"`{written.text}` is listed twice"
            context.build.report(codes.DUPLICATE_NAME.at(written.span, message, related=related))
            return True
        first[written.text] = written
    return False


def _choice(message: pg.Message, context: JourneyContext) -> ex.Choice:
    address = ADDRESS[message.channel]
    known = address if context.env.field(address) is not None else None
    return ex.Choice(
        message=message.name, channel=message.channel, topic=message.topic, address=known
    )


def _site(step: syntax.Send, context: JourneyContext) -> SendSite:
    keys = (setting.key.text for setting in step.settings)
    return SendSite(
        step,
        context.node.name.text,
        tuple(key for key in keys if context.env.field(key) is None),
        context.env.trigger,
        context.known,
        context.env.is_trigger_broken,
        context.env.results,
    )


def _parameters(
    settings: tuple[syntax.Setting, ...], context: JourneyContext
) -> dict[str, ex.Expression]:
    found: dict[str, ex.Expression] = {}
    for setting in settings:
        if context.env.field(setting.key.text) is not None:
            message = f"`{setting.key.text}` is a field of the customer already"
            hint = "messages read it by this name: choose another name for the parameter"
            context.build.report(codes.DUPLICATE_NAME.at(setting.key.span, message, help=hint))
            continue
        value = check(setting.value, context.env)
        if value is not None:
            found[setting.key.text] = value
    return found
