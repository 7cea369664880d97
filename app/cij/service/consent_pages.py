"""The pages by which customers say what they want to hear: no login, no script, no cookie.

    GET  /c/unsubscribe/LINK    a page with a button; changes nothing, as scanners open all links
    POST /c/unsubscribe/LINK    unsubscribes, also by the one click of a mail program (RFC 8058)
    GET  /c/preferences/LINK    topics and channels
    POST /c/preferences/LINK    saves them
    GET  /c/confirm/LINK        a page with a button: a scanner that opens the link agrees to nothing
    POST /c/confirm/LINK        agrees to a topic, within a week (double opt-in)

The signed link is what a visitor has to know, so another site cannot send these forms for them.
"""

import asyncio
from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from cij.app.signed_links import CONFIRM_PATH, PREFERENCES_PATH, UNSUBSCRIBE_PATH, Link, Purpose
from cij.compiler.program import Program
from cij.runtime.consent_origin import language_of, standing
from cij.runtime.insight.person import find
from cij.runtime.world import World
from cij.service.bodies import read_body
from cij.service.event_rows import Row, new_id
from cij.service.house import House, house_of
from cij.service.page_texts import Texts, channel_word, texts_for
from cij.service.problems import Problem
from cij.service.receiving import keep

_BYTES_MAX = 20_000
_PATIENCE_S = 20.0
_STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:2rem auto;padding:0 1rem;"
    "color:#1a1a1a;background:#fff}fieldset{border:1px solid #767676;margin:1rem 0;padding:.5rem 1rem}"
    "legend{font-weight:600}label{display:inline-block;padding:.3rem 1.2rem .3rem 0}"
    "button{font:inherit;padding:.6rem 1.2rem;margin:.3rem .6rem .3rem 0;border:2px solid #1a1a1a;"
    "background:#1a1a1a;color:#fff}button.plain{background:#fff;color:#1a1a1a}"
    ":focus-visible{outline:3px solid #0b57d0;outline-offset:2px}a{color:#0b57d0}"
)


def routes() -> list[Route]:
    """Return the routes of the pages."""
    return [
        Route(UNSUBSCRIBE_PATH + "/{link}", _show_stop, methods=["GET"]),
        Route(UNSUBSCRIBE_PATH + "/{link}", _stop, methods=["POST"]),
        Route(CONFIRM_PATH + "/{link}", _show_confirm, methods=["GET"]),
        Route(CONFIRM_PATH + "/{link}", _confirm, methods=["POST"]),
        Route(PREFERENCES_PATH + "/{link}", _show_preferences, methods=["GET"]),
        Route(PREFERENCES_PATH + "/{link}", _save, methods=["POST"]),
    ]


@dataclass(frozen=True, slots=True)
class _Visitor:
    """A customer on a page. `consents` are (topic, channel, whether granted)."""

    customer: str
    language: str
    texts: Texts
    link: Link
    consents: list[tuple[str, str, bool]]


# --- one topic --------------------------------------------------------------------------------


async def _show_stop(request: Request) -> Response:
    house, visitor = await _visitor(request, "unsubscribe")
    texts = visitor.texts
    question = _about(texts.stop_question, house.program(), visitor)
    return _asked(request, visitor, UNSUBSCRIBE_PATH, texts.stop_title, question, texts.stop_button)


async def _stop(request: Request) -> Response:
    house, visitor = await _visitor(request, "unsubscribe")
    texts = visitor.texts
    await _change(request, house, visitor, False, texts.stop_question)
    return _told(house, visitor, texts.stop_title, texts.stopped)


async def _show_confirm(request: Request) -> Response:
    house, visitor = await _visitor(request, "confirm")
    texts = visitor.texts
    question = _about(texts.confirm_question, house.program(), visitor)
    return _asked(
        request, visitor, CONFIRM_PATH, texts.confirm_title, question, texts.confirm_button
    )


async def _confirm(request: Request) -> Response:
    house, visitor = await _visitor(request, "confirm")
    texts = visitor.texts
    await _change(request, house, visitor, True, texts.confirm_question)
    return _told(house, visitor, texts.confirm_title, texts.confirmed)


async def _change(
    request: Request, house: House, visitor: _Visitor, is_granted: bool, question: str
) -> None:
    await read_body(request, _BYTES_MAX)
    link = visitor.link
    origin = "double opt-in" if is_granted else "unsubscribe link"
    shown = _about(question, house.program(), visitor)
    row = _row(visitor, link.topic, link.channel, is_granted, origin, shown)
    # A journey may wait for what this message brings about.
    await keep(house, [row | {"message_key": link.message_key or None}], "page")


def _asked(
    request: Request, visitor: _Visitor, kind: str, title: str, question: str, button: str
) -> Response:
    form = (
        f'<p>{escape(question)}</p><form method="post" action="{_path(kind, request)}">'
        f'<button name="sure" value="yes">{escape(button)}</button></form>'
    )
    more = _to_preferences(house_of(request), visitor.texts, visitor.link)
    return _page(visitor.language, title, form + more)


def _told(house: House, visitor: _Visitor, title: str, text: str) -> Response:
    said = escape(_about(text, house.program(), visitor))
    more = _to_preferences(house, visitor.texts, visitor.link)
    return _page(visitor.language, title, f'<p role="status">{said}</p>{more}')


def _about(text: str, program: Program, visitor: _Visitor) -> str:
    link = visitor.link
    channel = channel_word(link.channel, visitor.language)
    return text.format(topic=_topic_words(program, link.topic), channel=channel)


def _topic_words(program: Program, topic: str) -> str:
    purposes = {each.name: each.purpose for each in program.topics}
    return purposes.get(topic) or topic


# --- preferences ------------------------------------------------------------------------------


async def _show_preferences(request: Request) -> Response:
    house, visitor = await _visitor(request, "preferences")
    return _preferences(request, house, visitor, visitor.consents, "")


async def _save(request: Request) -> Response:
    house, visitor = await _visitor(request, "preferences")
    form = parse_qs((await read_body(request, _BYTES_MAX)).decode("utf-8", "replace"))
    wanted = set() if "none" in form else set(form.get("on", ()))
    chosen = [
        (topic, channel, _box(topic, channel) in wanted) for topic, channel, _ in visitor.consents
    ]
    program, rows = house.program(), []
    for (topic, channel, is_wanted), (_, _, was) in zip(chosen, visitor.consents, strict=True):
        if is_wanted != was:
            shown = f"{_topic_words(program, topic)}: {channel_word(channel, visitor.language)}"
            rows.append(_row(visitor, topic, channel, is_wanted, "preference page", shown))
    await keep(house, rows, "page")
    return _preferences(request, house, visitor, chosen, visitor.texts.saved)


def _preferences(
    request: Request,
    house: House,
    visitor: _Visitor,
    consents: list[tuple[str, str, bool]],
    said: str,
) -> Response:
    texts, by_topic = visitor.texts, dict[str, list[str]]()
    for topic, channel, is_granted in consents:
        box = _checkbox(_box(topic, channel), channel_word(channel, visitor.language), is_granted)
        by_topic.setdefault(topic, []).append(box)
    fields = "".join(
        f"<fieldset><legend>{escape(_topic_words(house.program(), topic))}</legend>"
        f"{''.join(boxes)}</fieldset>"
        for topic, boxes in by_topic.items()
    )
    status = f'<p role="status">{escape(said)}</p>' if said else ""
    form = (
        f"{status}<p>{escape(texts.intro)}</p>"
        f'<form method="post" action="{_path(PREFERENCES_PATH, request)}">{fields}'
        f'<button name="save" value="yes">{escape(texts.save)}</button>'
        f'<button class="plain" name="none" value="yes">{escape(texts.none)}</button></form>'
    )
    return _page(visitor.language, texts.title, form)


def _box(topic: str, channel: str) -> str:
    return f"{topic}.{channel}"


def _checkbox(name: str, words: str, is_on: bool) -> str:
    checked = " checked" if is_on else ""
    box = f'<input type="checkbox" name="on" value="{escape(name)}"{checked}>'
    return f"<label>{box} {escape(words)}</label>"


# --- who it is --------------------------------------------------------------------------------


async def _visitor(request: Request, purpose: Purpose) -> tuple[House, _Visitor]:
    """Return who opens a page. Raises: Gone for a link that is not valid."""
    house = house_of(request)
    house.access.count_visit(request)
    link = house.links.read(request.path_params["link"], house.now())
    if link is None or link.purpose != purpose:
        raise Gone()
    future = house.calls.ask(lambda world, now: _known(world, link))
    try:
        async with asyncio.timeout(_PATIENCE_S):
            visitor = await asyncio.wrap_future(future)
    except TimeoutError:
        text = "please try again in a moment"
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, text, retry_after_s=5) from None
    if visitor is None:
        raise Gone()
    return house, visitor


def _known(world: World, link: Link) -> _Visitor | None:
    """Return the customer of a link, also after they were merged with another one."""
    found = find(world.engine, world.program, link.customer)
    if len(found) != 1:
        return None
    id = found[0].id
    language, texts = texts_for(language_of(world.engine, world.program, id))
    return _Visitor(id, language, texts, link, standing(world.engine, world.program, id))


def _row(
    visitor: _Visitor, topic: str, channel: str, is_granted: bool, origin: str, shown: str
) -> Row:
    return {
        "event": "subscribed" if is_granted else "unsubscribed",
        "customer": visitor.customer,
        "channel": channel or None,
        "fields": {"topic": topic or None},
        "id": new_id(),
        "origin": origin,
        "shown": shown,
    }


# --- pages ------------------------------------------------------------------------------------


class Gone(Exception):
    """A link that is not valid: changed, of another project, or of somebody who is not there."""


async def on_gone(request: Request, error: Exception) -> Response:
    """Return the page for a link that is not valid."""
    language, texts = texts_for(request.headers.get("accept-language", "")[:10])
    return _page(language, texts.title, f"<p>{escape(texts.gone)}</p>", HTTPStatus.NOT_FOUND)


def _to_preferences(house: House, texts: Texts, link: Link) -> str:
    target = house.links.sign(Link("preferences", link.customer))
    path = f"{_root(house)}{PREFERENCES_PATH}/{target}"
    return f'<p><a href="{escape(path)}">{escape(texts.to_preferences)}</a></p>'


def _root(house: House) -> str:
    return house.settings.url or ""


def _path(kind: str, request: Request) -> str:
    return escape(f"{_root(house_of(request))}{kind}/{request.path_params['link']}")


def _page(language: str, title: str, body: str, status: int = HTTPStatus.OK) -> Response:
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta name="robots" content="noindex"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style>"
    )
    main = f"<main><h1>{escape(title)}</h1>{body}</main>"
    text = f'<!doctype html><html lang="{language}"><head>{head}</head><body>{main}</body></html>'
    return HTMLResponse(text, int(status))
