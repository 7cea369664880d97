"""A stored message and the values of one send: the locale, the subject, the text and the HTML."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Any
from urllib.parse import quote

from markdown_it import MarkdownIt

from cij.compiler.program import Content, Message
from cij.runtime.delivery.dialect import MARK, marked_text, unmark
from cij.runtime.delivery.html_text import text_of
from cij.runtime.delivery.rendered_values import nested

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])

# A mark in the target of a link, at its start or inside it, is escaped for its place.
_TARGET = re.compile(r"""(\b(?:href|src)\s*=\s*)("[^"]*"|'[^']*'|[^\s"'>]+)""", re.IGNORECASE)
_URL_MARK = re.compile(r"cij(mark|url|part|bare|whole)(\d+)x")
# A tag, and what stands in one: quoted values, and marks that no quotes protect.
_TAG = re.compile(r"""<[a-zA-Z](?:"[^"]*"|'[^']*'|[^'">])*>""")
_IN_TAG = re.compile(r"""("[^"]*"|'[^']*')|(=\s*)cijmark(\d+)x(?=[\s>])|cijmark(\d+)x""")
_SCHEMES = ("http", "https", "mailto", "tel", "cid")
_NOT_IN_A_LINE = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")


@dataclass(frozen=True)
class Rendered:
    """What one customer gets. `html` is a fragment or a whole page, as it was written."""

    subject: str
    text: str
    html: str | None


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
        _URL_MARK.sub(lambda m: printed[int(m.group(2))], layout.text),
        _URL_MARK.sub(lambda m: _IN_HTML[m.group(1)](printed[int(m.group(2))]), layout.html),
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


@lru_cache(maxsize=512)
def _layout(marked: str, form: str) -> _Layout:
    # Cached, for it depends on the branches that a template took and not on the values.
    html = str(_MARKDOWN.render(marked)) if form == "markdown" else marked
    html = _TARGET.sub(_with_url_marks, html)
    html = _TAG.sub(lambda tag: _IN_TAG.sub(_with_bare_marks, tag.group()), html)
    return _Layout(marked if form == "markdown" else text_of(html), html)


def _with_url_marks(target: re.Match[str]) -> str:
    value = re.sub(r"""^(["']?\s*)cijmark(\d+)x""", r"\1cijurl\2x", target.group(2))
    return target.group(1) + MARK.sub(r"cijpart\1x", value)


def _with_bare_marks(found: re.Match[str]) -> str:
    quoted, sign, whole, part = found.groups()
    if quoted is not None:
        return str(quoted)
    return f"{sign}cijwhole{whole}x" if whole is not None else f"cijbare{part}x"


def _bare(value: str) -> str:
    # Without quotes a blank ends the value, and what follows would be attributes.
    return re.sub(r"[^\w.-]", lambda found: f"&#{ord(found.group())};", value)


def _whole(value: str) -> str:
    # An empty value would take the next attribute for itself.
    return _bare(value) or '""'


def _url(value: str) -> str:
    # A value that is the whole target must not bring a scheme that runs something.
    scheme = re.match(r"\s*([^/?#]*?):", value)
    is_safe = scheme is None or scheme.group(1).lower() in _SCHEMES
    return _part(value.strip()) if is_safe else "#"


def _part(value: str) -> str:
    return escape(quote(value, safe="/:?#[]@!$&'()*+,;=%-._~"), quote=True)


_IN_HTML: dict[str, Callable[[str], str]] = {
    "mark": escape,
    "url": _url,
    "part": _part,
    "bare": _bare,
    "whole": _whole,
}
