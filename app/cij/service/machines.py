"""The signs by which a request for a link of a mail is that of a machine, and not of the customer.

Mail programs load images before anybody reads a mail, and scanners open all links. Each row is a sign.
"""

import re
from collections.abc import Callable, Mapping

_Sign = Callable[[str, Mapping[str, str]], bool]

# How browsers say that they load a page which nobody has asked for yet.
_AHEAD = ("purpose", "sec-purpose", "x-purpose", "x-moz")


def _named(pattern: str) -> _Sign:
    found = re.compile(pattern, re.IGNORECASE)
    return lambda method, headers: bool(found.search(headers.get("user-agent", "")))


def _is_ahead(method: str, headers: Mapping[str, str]) -> bool:
    said = " ".join(headers.get(name, "") for name in _AHEAD).lower()
    return any(word in said for word in ("prefetch", "preview", "prerender"))


_SIGNS: dict[str, _Sign] = {
    # No mail program or browser of a person asks so.
    "head": lambda method, headers: method == "HEAD",
    "prefetch": _is_ahead,
    "no name": lambda method, headers: not headers.get("user-agent", "").strip(),
    # Apple Mail with privacy protection loads all images by a proxy that says this and nothing else.
    "apple privacy": _named(r"^\s*mozilla/5\.0\s*$"),
    "gmail proxy": _named(r"googleimageproxy|ggpht\.com"),
    "yahoo proxy": _named(r"yahoomailproxy|yahoocachesystem"),
    "scanner": _named(
        r"barracuda|mimecast|proofpoint|ironport|symantec|messagelabs|trend ?micro|sophos|fireeye|trellix|"
        r"cloudmark|zscaler|fortinet|bitdefender|kaspersky|virustotal|urlscan|safebrowsing|google-safety|"
        r"headlesschrome|phantomjs|puppeteer|playwright|selenium"
    ),
    "robot": _named(
        r"bot\b|\bbot|crawl|spider|slurp|preview|facebookexternalhit|whatsapp|embedly|appengine-google"
    ),
    # A library of a programming language.
    "program": _named(
        r"^(python|curl|wget|java/|go-http|okhttp|apache-httpclient|axios|node|undici|libwww|lwp|ruby|php|perl|"
        r"guzzle|winhttp|httpx|aiohttp|scrapy|postman)"
    ),
}


def sign_of(method: str, headers: Mapping[str, str]) -> str | None:
    """Return the first sign of a machine; None for what looks like a person. Names are in lower case."""
    return next((name for name, is_it in _SIGNS.items() if is_it(method, headers)), None)
