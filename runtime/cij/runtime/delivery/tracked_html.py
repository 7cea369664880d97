"""The links of a finished mail, turned into those of the service, and the image that records an opening.

Only links in `<a>` and `<area>` to hosts that the author wrote or the project lists are turned. A link whose
host comes from data stays as it is: the project would lend its name to any address.
"""

import re
from collections.abc import Callable, Collection
from html import escape, unescape
from urllib.parse import parse_qsl, quote, urlencode

# What is no link is found first, and left alone: comments, scripts and styles. A tag ends at the next `<`
# at the latest: else each of many that are not closed would be read to the end of the mail.
_PIECE = re.compile(
    r"<!--.*?(?:-->|\Z)|<(?P<raw>script|style|title|textarea)\b.*?(?:</(?P=raw)|\Z)"
    r"""|<(?:a|area)\b(?:"[^"]*"|'[^']*'|[^'"<>])*>""",
    re.IGNORECASE | re.DOTALL,
)
_IS_LINK = re.compile(r"<(?:a|area)\b", re.IGNORECASE)
# Any attribute, so that `href` within the value of another one is not taken for it.
_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]+)(\s*=\s*)("[^"]*"|'[^']*'|[^\s>]+)""")
_TARGET = re.compile(r"(https?)://([a-z0-9.-]+(?::\d+)?)(?=[/?#]|$)([!-~]*)", re.IGNORECASE)
_END = re.compile(r"</body\s*>", re.IGNORECASE)
# Of what an address may hold, all that has a meaning in it, and what is quoted already.
_KEPT = "%:/?#[]@!$&'()*+,;=~"
_TARGET_MAX = 1500

# The target, its number among those of the mail, and how many there are -> the address in its place.
MakeLink = Callable[[str, int, int], str]


def turned(html: str, hosts: Collection[str], make: MakeLink) -> str:
    """Return `html` with each link to one of `hosts` replaced by what `make` returns.

    The same target has the same number everywhere.
    """
    targets = list(dict.fromkeys(_targets(html, hosts)))
    numbers = {target: n for n, target in enumerate(targets)}

    def attribute(found: re.Match[str]) -> str:
        name, sign, value = found.groups()
        target = _target(value, hosts) if name.lower() == "href" else None
        if target is None:
            return found.group()
        made = make(target, numbers[target], len(targets))
        return f'{name}{sign}"{escape(made, quote=True)}"'

    def piece(found: re.Match[str]) -> str:
        text = found.group()
        return _ATTRIBUTE.sub(attribute, text) if _IS_LINK.match(text) else text

    return _PIECE.sub(piece, html)


def with_image(html: str, source: str) -> str:
    """Return `html` with an image of one pixel at its end."""
    image = f'<img src="{escape(source, quote=True)}" width="1" height="1" alt="">'
    ends = [*_END.finditer(html)]
    if not ends:
        return f"{html.rstrip()}\n{image}\n"
    at = ends[-1].start()
    return f"{html[:at]}{image}{html[at:]}"


def with_query(target: str, extra: str) -> str:
    """Return an address with more parameters. Its own ones and its fragment stay, and its own win."""
    if not extra:
        return target
    head, mark, fragment = target.partition("#")
    path, _, query = head.partition("?")
    there = {name for name, _ in parse_qsl(query, keep_blank_values=True)}
    added = [pair for pair in parse_qsl(extra) if pair[0] not in there]
    parts = filter(None, (query.rstrip("&"), urlencode(added)))
    return f"{path}{'?' if query or added else ''}{'&'.join(parts)}{mark}{fragment}"


def _targets(html: str, hosts: Collection[str]) -> list[str]:
    tags = (found.group() for found in _PIECE.finditer(html) if _IS_LINK.match(found.group()))
    pairs = (pair for tag in tags for pair in _ATTRIBUTE.findall(tag))
    found = (_target(value, hosts) for name, _, value in pairs if name.lower() == "href")
    return [target for target in found if target is not None]


def _target(value: str, hosts: Collection[str]) -> str | None:
    """Return the address of an attribute; None where it is none that may be turned."""
    text = quote(unescape(value.strip("\"'")).strip(), safe=_KEPT)
    found = _TARGET.fullmatch(text)
    if found is None or found.group(2).lower() not in hosts or len(text) > _TARGET_MAX:
        return None
    return text
