"""`topic`: what a customer consents to."""

from typing import Literal, cast

from cij.compiler import program as pg
from cij.compiler.channels import CHANNELS
from cij.compiler.declarations.body import Body, read_body
from cij.compiler.declarations.explain_lines import Lines, heading
from cij.compiler.model import Model, place
from cij.compiler.pass_state import Build
from cij.grammar import codes, syntax

_CONSENT = ("opt_in", "opt_out", "none")


def define(node: syntax.Declaration, build: Build) -> None:
    """Add the topic to the model, or report what is wrong with it."""
    name = node.name.text
    body = read_body(
        f"topic `{name}`",
        node.name.span,
        node.items,
        build.report,
        settings=("purpose", "channels", "consent"),
    )
    channels = _channels(body, build)
    if "consent" not in body.settings and not body.is_misspelt("consent"):
        message = f"topic `{name}` has no consent rule"
        hint = "add `consent = opt_in`; `none` is for service messages that need no consent"
        build.report(codes.NO_CONSENT_RULE.at(node.name.span, message, help=hint))
    consent = body.choice("consent", _CONSENT)
    if channels is None or consent is None:
        return
    build.model.topics[name] = pg.Topic(
        name=name,
        purpose=body.text("purpose") or "",
        channels=channels,
        consent=cast(Literal["opt_in", "opt_out", "none"], consent),
        place=place(node.name.span),
    )


def _channels(body: Body, build: Build) -> tuple[str, ...] | None:
    if body.need("channels", "channels = [email]") is None:
        return None
    names = body.names("channels")
    if names is None:
        return None
    for name in names:
        if name.text not in CHANNELS:
            message = f"there is no channel `{name.text}`: it is one of {', '.join(CHANNELS)}"
            build.report(codes.UNKNOWN_NAME.at(name.span, message))
            return None
    return tuple(dict.fromkeys(n.text for n in names))


# --- explain ---------------------------------------------------------------------------------


def explain(topic: pg.Topic, source: Model) -> Lines:
    rule = {
        "opt_in": "Only people who said yes get its messages.",
        "opt_out": "Everybody who has not said no gets its messages.",
        "none": "It needs no consent: service messages.",
    }
    yield heading("topic", topic.name, topic.place)
    if topic.purpose:
        yield topic.purpose
    yield f"Channels: {', '.join(topic.channels)}. {rule[topic.consent]}"
