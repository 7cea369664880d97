"""`give consent` and `withdraw consent`: what the customer said, noted by a journey."""

from cij.compiler import model, program as pg
from cij.compiler.declarations.steps.step_context import JourneyContext
from cij.compiler.naming import did_you_mean
from cij.grammar import codes, syntax


def consent(
    step: "syntax.GiveConsent | syntax.WithdrawConsent", context: JourneyContext
) -> model.Step | None:
    """`give consent TOPIC [by CHANNEL]`; without a channel, for all channels of the topic."""
    is_given = isinstance(step, syntax.GiveConsent)
    verb = "give" if is_given else "withdraw"
    name = context.name_of(step, f"{verb} consent {step.topic.text}")
    topic = _topic(step.topic, context)
    channels = _channels(step.channel, topic, context) if topic is not None else None
    if topic is None or channels is None:
        return None
    effect = pg.ConsentEffect(topic=topic.name, channels=channels, is_given=is_given)
    return model.Act(name, step.span, effect)


def _topic(name: syntax.Name, context: JourneyContext) -> pg.Topic | None:
    build = context.build
    topic = build.model.topics.get(name.text)
    if topic is None:
        if name.text not in build.declared["topic"]:
            hint = did_you_mean(name.text, build.declared["topic"])
            message = f"there is no topic `{name.text}`"
            build.report(codes.UNKNOWN_NAME.at(name.span, message, help=hint))
        return None
    if topic.consent == "none":
        message = f"topic `{name.text}` needs no consent, so there is none to give or withdraw"
        hint = "its messages go to everybody; `consent = opt_in` or `opt_out` in the topic changes that"
        build.report(codes.BAD_SETTING.at(name.span, message, help=hint))
        return None
    return topic


def _channels(
    name: syntax.Name | None, topic: pg.Topic, context: JourneyContext
) -> tuple[str, ...] | None:
    if name is None:
        return topic.channels
    if name.text not in topic.channels:
        message = f"topic `{topic.name}` has no channel `{name.text}`"
        hint = did_you_mean(name.text, topic.channels)
        hint = hint or f"it is one of {', '.join(topic.channels)}"
        context.build.report(codes.UNKNOWN_NAME.at(name.span, message, help=hint))
        return None
    return (name.text,)
