"""A stored message and the values of one send: the locale, the subject, the text and the HTML."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from markdown_it import MarkdownIt

from cij.compiler.program import Content, Message
from cij.runtime.delivery.dialect import marked_text, unmark
from cij.runtime.delivery.html_places import filled, placed, unplaced, written_hosts
from cij.runtime.delivery.html_text import text_of
from cij.runtime.delivery.rendered_values import nested

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])

_NOT_IN_A_LINE = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")


@dataclass(frozen=True)
class Rendered:
    """What one customer gets. `html` is a fragment or a whole page, as it was written.

    `hosts` are those of web addresses that the author wrote, and no value.
    """

    subject: str
    text: str
    html: str | None
    hosts: frozenset[str] = frozenset()


def render(content: Content, values: Mapping[str, Any]) -> Rendered:
    """Fill the templates of `content`. Keys of `values` may be dotted or nested.

    Raises PermanentDelivery that names a value which is missing and has no default.
    """
    known = nested(values)
    subject = one_line(unmark(*marked_text(content.subject, known)))
    marked, printed = marked_text(content.body, known)
    if content.format == "text":
        return Rendered(subject, unmark(marked, printed), None)
    layout = _layout(marked, content.format)
    return Rendered(
        subject,
        unplaced(layout.text, printed),
        filled(layout.html, printed),
        layout.hosts,
    )


def one_line(text: str) -> str:
    """Return `text` with every run of line ends and control characters as one space."""
    return _NOT_IN_A_LINE.sub(" ", text).strip()


def choose_locale(message: Message, wanted: str | None) -> Content:
    """Return the content for `wanted`: itself, its language, a sister of it, or the fallback."""
    tag = _normal(wanted or message.fallback)
    base = tag.partition("-")[0]
    tests: tuple[Callable[[str], bool], ...] = (
        lambda locale: locale == tag,
        lambda locale: locale == base,
        lambda locale: locale.partition("-")[0] == base,
        lambda locale: locale == _normal(message.fallback),
    )
    for test in tests:
        for content in message.locales:
            if test(_normal(content.locale)):
                return content
    raise AssertionError(f"message {message.name} has no content for its fallback locale")


def _normal(locale: str) -> str:
    return locale.strip().replace("_", "-").lower()


@dataclass(frozen=True)
class _Layout:
    text: str
    html: str
    hosts: frozenset[str]


@lru_cache(maxsize=512)
def _layout(marked: str, form: str) -> _Layout:
    # Cached, for it depends on the branches that a template took and not on the values.
    html = str(_MARKDOWN.render(marked)) if form == "markdown" else marked
    hosts = written_hosts(html)
    html = placed(html)
    return _Layout(marked if form == "markdown" else text_of(html), html, hosts)
