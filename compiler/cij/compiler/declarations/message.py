"""`message`: content for one channel, in locales."""

from dataclasses import dataclass

from cij.compiler import program as pg
from cij.compiler.addresses import NoAddress, named_mailbox
from cij.compiler.channels import CHANNELS
from cij.compiler.declarations.body import Body, read_body
from cij.compiler.declarations.explain_lines import Lines, heading
from cij.compiler.expression import Period
from cij.compiler.model import Model, place, sent_messages
from cij.compiler.naming import did_you_mean
from cij.compiler.pass_state import Build
from cij.compiler.typecheck.written_period import period
from cij.compiler.unparse import duration_words
from cij.grammar import codes, syntax

_FORMATS = {".md": "markdown", ".html": "html", ".htm": "html", ".txt": "text"}


@dataclass(frozen=True, slots=True)
class _Piece:
    """One text of a locale. `format` is known from the name of the file it comes from."""

    text: str
    format: str


def define(node: syntax.Declaration, build: Build) -> None:
    """Add the message to the model, or report what is wrong with it."""
    channel = node.channel.text if node.channel else ""
    if channel not in CHANNELS:
        span = node.channel.span if node.channel else node.name.span
        hint = did_you_mean(channel, CHANNELS)
        build.report(codes.UNKNOWN_NAME.at(span, f"there is no channel `{channel}`", help=hint))
        return
    body = read_body(
        f"message `{node.name.text}`",
        node.name.span,
        node.items,
        build.report,
        settings=("topic", "from", "reply_to", "fallback", "expires"),
        blocks=("locale",),
        later=("variant", "attachments"),
    )
    topic = _topic(channel, body, build)
    locales = [c for c in (_locale(b, channel, build) for b in body.blocks) if c is not None]
    if not body.blocks:
        message = f"message `{node.name.text}` needs content"
        hint = 'add `locale "en" { … }`'
        build.report(codes.MISSING_SETTING.at(node.name.span, message, help=hint))
    if topic is None or not locales:
        return
    _add(node, channel, topic, tuple(locales), body, build)


def _add(
    node: syntax.Declaration,
    channel: str,
    topic: str,
    locales: tuple[pg.Content, ...],
    body: Body,
    build: Build,
) -> None:
    fallback = body.text("fallback") or _first_fallback(locales, build)
    if fallback not in {c.locale for c in locales}:
        span = body.settings["fallback"].value.span
        message = f"message `{node.name.text}` has no locale `{fallback}` to fall back to"
        build.report(codes.BAD_SETTING.at(span, message))
        return
    build.model.messages[node.name.text] = pg.Message(
        name=node.name.text,
        channel=channel,
        topic=topic,
        sender=_address("from", body, build),
        reply_to=_address("reply_to", body, build),
        fallback=fallback,
        locales=locales,
        # `content.py` finds both in the templates, once all sends are known.
        parameters=(),
        fields=(),
        expires=_expires(body),
        place=place(node.name.span),
    )


def _address(key: str, body: Body, build: Build) -> str | None:
    """Return an address with or without a name; what is none would fail every message."""
    written = body.text(key)
    if written is None:
        return None
    try:
        named_mailbox(written)
    except NoAddress as error:
        build.report(codes.BAD_SETTING.at(body.settings[key].value.span, f"`{key}`: {error}"))
    return written


def _expires(body: Body) -> Period | None:
    written = body.duration("expires")
    if written is not None and not any(count for count, _ in written.lengths):
        body.wrong(body.settings["expires"], "a duration above 0, such as 12 hours")
        return None
    return period(written) if written is not None else None


def _first_fallback(locales: tuple[pg.Content, ...], build: Build) -> str:
    wanted = build.model.settings.language
    return next((c.locale for c in locales if c.locale == wanted), locales[0].locale)


def _topic(channel: str, body: Body, build: Build) -> str | None:
    if body.is_misspelt("topic"):
        return None
    if "topic" not in body.settings:
        message = f"{body.what} has no topic, so nobody can have consented to it"
        hint = "declare a `topic` with a consent rule and add `topic = NAME`"
        build.report(codes.NO_CONSENT_RULE.at(body.span, message, help=hint))
        return None
    name = body.name("topic")
    topic = build.model.topics.get(name or "")
    span = body.settings["topic"].value.span
    if topic is None:
        if name is not None and name not in build.declared["topic"]:
            hint = did_you_mean(name, build.declared["topic"]) or ""
            build.report(
                codes.UNKNOWN_NAME.at(span, f"there is no topic `{name}`", help=hint or None)
            )
        return None
    if channel not in topic.channels:
        message = f"topic `{topic.name}` has no consent rule for {channel}"
        hint = f"add `{channel}` to the `channels` of the topic"
        build.report(codes.NO_CONSENT_RULE.at(span, message, help=hint))
        return None
    return topic.name


def _locale(block: syntax.Block, channel: str, build: Build) -> pg.Content | None:
    locale = block.argument.value if isinstance(block.argument, syntax.Text) else ""
    names = CHANNELS[channel].content
    body = read_body(
        f'locale "{locale}"', block.span, block.items, build.report, settings=names, later=("html",)
    )
    if not locale:
        message = 'a locale has a name in quotes, such as `locale "en" { … }`'
        build.report(codes.BAD_SETTING.at(block.span, message))
        return None
    pieces = {n: _piece(body, n, build) for n in names if body.need(n, f'{n} = "…"')}
    text = pieces.get(names[-1])
    if len(pieces) < len(names) or text is None or None in pieces.values():
        return None
    head = pieces[names[0]] if len(names) > 1 else None
    return pg.Content.model_validate(
        {
            "locale": locale,
            "subject": head.text if head else "",
            "body": text.text,
            "format": text.format if CHANNELS[channel].form == "mail" else "text",
        }
    )


def _piece(body: Body, key: str, build: Build) -> _Piece | None:
    setting = body.settings[key]
    value = setting.value
    if isinstance(value, syntax.Text):
        return _Piece(value.value, "text")
    path = file_of(value)
    if path is None:
        body.wrong(setting, 'a text, or `file("NAME")`')
        return None
    ending = path[path.rfind(".") :] if "." in path else ""
    if ending == ".mjml":
        message = "content in MJML is understood, but not available in this version"
        build.report(codes.NOT_YET_AVAILABLE.at(value.span, message))
        return None
    if path not in build.contents:
        message = f"the file `{path}` cannot be read"
        hint = "the path is relative to the project folder and must stay inside it"
        build.report(codes.MISSING_CONTENT.at(value.span, message, help=hint))
        return None
    if ending not in _FORMATS:
        message = f"the content file `{path}` is neither .md, .html nor .txt"
        build.report(codes.MISSING_CONTENT.at(value.span, message))
        return None
    return _Piece(build.contents[path], _FORMATS[ending])


def file_of(value: syntax.Expression) -> str | None:
    """Return the path in `file("NAME")`, or None for another expression."""
    if isinstance(value, syntax.Call) and value.function.text == "file" and value.arguments:
        name = value.arguments[0].value
        return name.value if isinstance(name, syntax.Text) else None
    return None


def content_files(declarations: tuple[syntax.TopLevel, ...]) -> list[str]:
    """Return the paths of the content files that messages name, for the caller to read."""
    found = []
    for node in declarations:
        if isinstance(node, syntax.Declaration) and node.kind.text == "message":
            for block in (i for i in node.items if isinstance(i, syntax.Block)):
                settings = (i for i in block.items if isinstance(i, syntax.Setting))
                found += [p for p in (file_of(s.value) for s in settings) if p is not None]
    return found


# --- explain ---------------------------------------------------------------------------------


def explain(message: pg.Message, source: Model) -> Lines:
    yield heading("message", message.name, message.place)
    yield f"By {message.channel}, on topic {message.topic}{_consent(message, source)}."
    if message.expires is not None:
        yield f"Not sent later than {duration_words(message.expires)} after its step."
    locales = ", ".join(content.locale for content in message.locales)
    yield f"Locales: {locales}; {message.fallback} for everybody else."
    if message.fields:
        yield f"Fields of the customer that it reads: {', '.join(message.fields)}."
    if message.parameters:
        yield f"Parameters that each send gives: {', '.join(message.parameters)}."
    sends = [j.name for j in source.journeys.values() if message.name in sent_messages(j.steps)]
    yield f"Sent by: {', '.join(sends)}." if sends else "No journey sends it."


def _consent(message: pg.Message, source: Model) -> str:
    topic = source.topics.get(message.topic)
    is_free = topic is not None and topic.consent == "none"
    return ", which needs no consent" if is_free else ", to those who consent to it"
