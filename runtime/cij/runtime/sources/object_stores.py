"""Files over the network by their paths: `https://…`, `s3://bucket/key`, `az://container/name`.

A path becomes the address of a GET with the headers or the query that say who asks. Patterns are
compared with the names that the store lists.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import quote, urlencode

from cij.compiler.source_kinds import scheme_of
from cij.runtime.clock import LiveClock
from cij.runtime.errors import DataError
from cij.runtime.sources.aws_signature import Credentials, signed_headers
from cij.runtime.sources.web_answers import Asked, answer_to

_SIGNS = re.compile(r"[*?\[]")
_PATTERN = re.compile(r"\*\*/|\*\*|\*|\?|\[!?[^\]]+\]|.", re.DOTALL)
_PAGE_BYTES_MAX = 64 << 20
NAMES_MAX = 100_000
# S3 gives no more at once.
PAGE_NAMES = 1000
_REGION = "us-east-1"
# Escaped as the signature wants it.
_SAFE_IN_KEY = "/-_.~"


def asked_for(path: str, settings: Mapping[str, str]) -> Asked:
    """Return how a file is asked for. Raises DataError where a setting lacks."""
    scheme, _, rest = path.partition("://")
    allows_http = settings.get("allow_http") == "true"
    if scheme in ("http", "https"):
        token = settings.get("token")
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return Asked(path, headers, may_redirect=True, allows_http=allows_http)
    bucket, _, key = rest.partition("/")
    if not bucket or not key:
        raise DataError(f"a path is written {scheme}://{_CONTAINERS[scheme]}/name")
    return _signed(scheme, f"{bucket}/{quote(key, safe=_SAFE_IN_KEY)}", {}, settings)


_CONTAINERS = {"s3": "bucket", "az": "container"}


def _signed(
    scheme: str, place: str, query: Mapping[str, str], settings: Mapping[str, str]
) -> Asked:
    url = f"{_endpoint(scheme, settings)}/{place}"
    # In the order of their names, and a blank as %20, as the signature wants it.
    text = urlencode(sorted(query.items()), quote_via=quote, safe="-_.~")
    asked = Asked(url, {}, allows_http=settings.get("allow_http") == "true")
    if scheme == "az":
        text = "&".join(part for part in (text, settings.get("sas", "").lstrip("?")) if part)
        return replace(asked, url=f"{url}?{text}" if text else url)
    asked = replace(asked, url=f"{url}?{text}" if text else url)
    who = _credentials(settings)
    if who is None:
        return asked
    region = settings.get("region", _REGION)
    return replace(asked, headers=signed_headers(asked.url, who, region, LiveClock().now()))


def _endpoint(scheme: str, settings: Mapping[str, str]) -> str:
    if "endpoint" in settings:
        return settings["endpoint"].rstrip("/")
    if scheme == "s3":
        return f"https://s3.{settings.get('region', _REGION)}.amazonaws.com"
    if "account" not in settings:
        raise DataError("a path that begins with az:// needs the setting `account`")
    return f"https://{settings['account']}.blob.core.windows.net"


def _credentials(settings: Mapping[str, str]) -> Credentials | None:
    key, secret = settings.get("access_key"), settings.get("secret_key")
    if bool(key) != bool(secret):
        raise DataError("`access_key` and `secret_key` are set together, or neither")
    return Credentials(key, secret, settings.get("session_token", "")) if key and secret else None


# --- patterns ---------------------------------------------------------------------------------


def names_like(path: str, settings: Mapping[str, str]) -> list[str]:
    """Return the paths of all files that match a pattern, in order of their names. Raises DataError."""
    scheme = scheme_of(path)
    bucket, _, pattern = path.removeprefix(f"{scheme}://").partition("/")
    wanted = _expression(pattern)
    prefix = _SIGNS.split(pattern, maxsplit=1)[0]
    found = [key for key in _keys(scheme, bucket, prefix, settings) if wanted.fullmatch(key)]
    return [f"{scheme}://{bucket}/{key}" for key in sorted(found)]


def _keys(scheme: str, bucket: str, prefix: str, settings: Mapping[str, str]) -> Iterator[str]:
    """Yield the names in a bucket or container, page by page."""
    of_s3 = {"list-type": "2", "max-keys": str(PAGE_NAMES)}
    query = of_s3 if scheme == "s3" else {"restype": "container", "comp": "list"}
    query["prefix"] = prefix
    mark, names, count = "", (".//{*}Key" if scheme == "s3" else ".//{*}Blob/{*}Name"), 0
    while True:
        word = "continuation-token" if scheme == "s3" else "marker"
        page = _page(_signed(scheme, bucket, query | ({word: mark} if mark else {}), settings))
        for element in page.iterfind(names):
            count += 1
            yield element.text or ""
        if count > NAMES_MAX:
            raise DataError(
                f"more than {NAMES_MAX:,} names begin with {prefix}; write a longer one"
            )
        next_word = "NextContinuationToken" if scheme == "s3" else "NextMarker"
        mark = page.findtext(f".//{{*}}{next_word}") or ""
        if not mark:
            return


def _page(asked: Asked) -> ET.Element:
    with answer_to(asked) as answer:
        text = answer.read(_PAGE_BYTES_MAX)
    try:
        return ET.fromstring(text)
    except ET.ParseError as error:
        raise DataError("the store does not list its names as it should") from error


def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(_part(part[0]) for part in _PATTERN.finditer(pattern)), re.DOTALL)


def _part(sign: str) -> str:
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if sign in known:
        return known[sign]
    if len(sign) > 1:
        is_other, inner = sign.startswith("[!"), sign[1:-1].removeprefix("!")
        # All but `-`, which means from one sign to another.
        escaped = "".join(one if one == "-" else re.escape(one) for one in inner)
        return f"[{'^' * is_other}{escaped}]"
    return re.escape(sign)
