"""Printed values in HTML: what each may hold depends on the place that it is printed at.

    cijmark3x   in text, or in quotes       becomes text
    cijurl3x    at the start of a target    a web address, with a scheme that runs nothing
    cijpart3x   inside of a target          a part of an address
    cijscheme3x before a `:` that is there  a scheme that runs nothing
    cijwhole3x  a value without quotes      one word, or `""`
    cijbare3x   in a part of such a value   one word
    cijstyle3x  in CSS                      letters, digits and a few signs
    cijscript3x in a script                 the inside of a text of JavaScript
    cijinner3x  in HTML inside of an attribute   text, twice

The layout of a template is computed once, and the values are put in by the kinds of their marks.
"""

import re
from collections.abc import Callable, Sequence
from html import escape
from urllib.parse import quote

# No more values than this are ever printed, so a longer number is a word of the author.
MARK = re.compile(r"cijmark(\d{1,7})x")
_PLACED = re.compile(r"cij(mark|url|part|scheme|whole|bare|style|script|inner)(\d{1,7})x")

_RAW = re.compile(r"(<(script|style)\b[^>]*>)(.*?)(?=</\2|\Z)", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"""<[a-zA-Z](?:"[^"]*"|'[^']*'|[^'">])*>""")
_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]+)(\s*=\s*)("[^"]*"|'[^']*'|[^\s>]+)""")
_TARGETS = frozenset(
    [
        "href",
        "src",
        "action",
        "formaction",
        "background",
        "poster",
        "cite",
        "data",
        "longdesc",
        "lowsrc",
        "dynsrc",
        "ping",
        "srcset",
        "imagesrcset",
        "manifest",
        "xlink:href",
        "profile",
        "codebase",
        "classid",
        "usemap",
    ]
)
# What may come before an address in `content` of a refresh, in lists of `srcset`, and in `ping`.
_LEAD = r"""^["']?\s*|[,\s]\s*|url\s*=\s*["']?"""
_STARTS = re.compile(rf"({_LEAD})((?:cijmark\d{{1,7}}x)+)([^/?#\s\"']*:)?", re.IGNORECASE)
# Up to what ends it. Whatever has a name and a password before the host is left out.
_HOST = re.compile(r"https?://([a-z0-9.-]+(?::\d+)?)(?=[/?#\s\"'<>)]|&quot;|$)", re.IGNORECASE)
_SCHEMES = frozenset(["http", "https", "mailto", "tel", "cid"])


def placed(html: str) -> str:
    """Return a layout with the mark of each value turned into the kind of its place."""
    html = _RAW.sub(_in_raw, html)
    return _TAG.sub(lambda tag: _in_tag(tag.group()), html)


def written_hosts(html: str) -> frozenset[str]:
    """Return the hosts of web addresses in a layout that has no kinds of places yet.

    A host in which a value is printed is not the author's, and is left out.
    """
    found = (each.group(1).lower() for each in _HOST.finditer(html))
    return frozenset(host for host in found if not MARK.search(host))


def filled(layout: str, printed: Sequence[str]) -> str:
    """Put printed values into a layout, each as its place demands."""

    def value(found: re.Match[str]) -> str:
        place = int(found.group(2))
        return _KINDS[found.group(1)](printed[place]) if place < len(printed) else found.group()

    return _PLACED.sub(value, layout)


def unplaced(layout: str, printed: Sequence[str]) -> str:
    """Put printed values into the text that was made of a layout, as they are."""

    def value(found: re.Match[str]) -> str:
        place = int(found.group(2))
        return printed[place] if place < len(printed) else found.group()

    return _PLACED.sub(value, layout)


# --- the layout ---------------------------------------------------------------------------------


def _as(kind: str, html: str) -> str:
    return MARK.sub(rf"cij{kind}\1x", html)


def _in_raw(found: re.Match[str]) -> str:
    kind = "script" if found.group(2).lower() == "script" else "style"
    return found.group(1) + _as(kind, found.group(3))


def _in_tag(tag: str) -> str:
    # What is left after the attributes is a name, or stands between them.
    return _as_left(_ATTRIBUTE.sub(_in_attribute, tag))


def _in_attribute(found: re.Match[str]) -> str:
    name, sign, value = found.groups()
    kind = name.lower()
    is_quoted = value[0] in "\"'"
    if kind in _TARGETS or (kind == "content" and "url" in value.lower()):
        return name + sign + _as("part", _STARTS.sub(_at_start, value))
    if kind == "style":
        return name + sign + _as("style", value)
    if kind.startswith("on"):
        return name + sign + _as("script", value)
    if kind == "srcdoc":
        return name + sign + _as("inner", value)
    if is_quoted:
        # Kept from being taken for a name; `mark` is also the kind of what stands in quotes.
        return name + sign + _as("inquotes", value)
    return name + sign + (_as("whole", value) if MARK.fullmatch(value) else _as("bare", value))


def _at_start(found: re.Match[str]) -> str:
    lead, marks, rest = found.groups()
    if rest:
        return lead + _as("scheme", marks) + rest
    return lead + _as("url", marks)


def _as_left(tag: str) -> str:
    return _as("bare", tag).replace("cijinquotes", "cijmark")


# --- the values ---------------------------------------------------------------------------------


def _bare(value: str) -> str:
    # Without quotes a blank ends the value, and what follows would be attributes.
    return re.sub(r"[^\w.-]", lambda found: f"&#{ord(found.group())};", value)


def _whole(value: str) -> str:
    # An empty value would take the next attribute for itself.
    return _bare(value) or '""'


def _url(value: str) -> str:
    scheme = re.match(r"\s*([^/?#]*?):", value)
    is_safe = scheme is None or scheme.group(1).lower() in _SCHEMES
    return _part(value.strip()) if is_safe else "#"


def _scheme(value: str) -> str:
    return value if value.lower() in _SCHEMES else "#"


def _part(value: str) -> str:
    return escape(quote(value, safe="/:?#[]@!$&'()*+,;=%-._~"), quote=True)


def _style(value: str) -> str:
    # No sign that ends a value, begins an address or escapes.
    return re.sub(r"[^\w\s.,#%+-]", "", value)


def _script(value: str) -> str:
    return re.sub(r"[^a-zA-Z0-9 ]", lambda found: _escaped(found.group()), value)


def _escaped(sign: str) -> str:
    units = sign.encode("utf-16-be", "replace")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


_KINDS: dict[str, Callable[[str], str]] = {
    "mark": escape,
    "url": _url,
    "part": _part,
    "scheme": _scheme,
    "whole": _whole,
    "bare": _bare,
    "style": _style,
    "script": _script,
    "inner": lambda value: escape(escape(value)),
}
