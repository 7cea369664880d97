"""GET over the network: the answer as a stream, and each failure as one sentence.

An answer is written to a file as it comes, so a file of any size needs no memory.
"""

import http.client
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cij.runtime.errors import DataError

_SILENCE_S = 30.0
# A server that sends a byte now and then must not keep a run waiting for ever.
WHOLE_S = 3600.0
FILE_BYTES_MAX = 100 << 30
_CHUNK_BYTES = 1 << 20
_WORD_BYTES_MAX = 10_000
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_ENCRYPT = "sends without encryption; use https://, or set `allow_http = true` in a private network"
# What stores of objects say in the body of a refusal.
_CODE = re.compile(rb"<Code>([A-Za-z]{1,60})</Code>")
_MEANINGS = {
    401: "the server asks for a key that was not given or is not right",
    403: "the server refuses to give it",
    404: "there is no such file",
    410: "there is no such file any more",
    429: "the server asks for a pause",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A GET. `headers` go to this server only, whatever it redirects to."""

    url: str
    headers: Mapping[str, str]
    may_redirect: bool = False
    allows_http: bool = False


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows where that is allowed, and never from an encrypted connection to one that is not."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if not self._asked.may_redirect:
            return None
        fault = fault_of(newurl, allows_http=self._asked.allows_http)
        if fault or (req.full_url.startswith("https:") and not newurl.startswith("https:")):
            raise DataError("the server redirects to an address without encryption")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fault_of(url: str, *, allows_http: bool) -> str | None:
    """Return what is wrong with an address, as the end of a sentence; None where nothing is."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not a URL"
    if parts.scheme not in ("http", "https") or not host:
        return "is not a URL that begins with https://"
    if any(sign <= " " or sign > "~" for sign in url):
        return "has a character that no URL has; write it as % and its number"
    if parts.scheme == "http" and host not in _LOOPBACK and not allows_http:
        return _ENCRYPT
    return None


@contextmanager
def answer_to(asked: Asked) -> Iterator[http.client.HTTPResponse]:
    """Give the answer, of which nothing but the head was read. Raises DataError, also for what fails
    inside."""
    if fault := fault_of(asked.url, allows_http=asked.allows_http):
        raise DataError(f"its address {fault}")
    request = urllib.request.Request(asked.url)
    for name, value in asked.headers.items():
        request.add_unredirected_header(name, value)
    is_here = urlsplit(asked.url).hostname in _LOOPBACK
    proxies = [urllib.request.ProxyHandler({})] if is_here else []
    try:
        opener = urllib.request.build_opener(_Redirects(asked), *proxies)
        with opener.open(request, timeout=_SILENCE_S) as answer:
            yield answer
    except urllib.error.HTTPError as error:
        with error:
            raise DataError(_refusal(error)) from error
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
        raise DataError(f"the connection fails: {_cause(error)}") from error


def save(answer: http.client.HTTPResponse, file: Path) -> None:
    """Write the body of an answer to a file. Raises DataError where it is not whole."""
    end, written = time.monotonic() + WHOLE_S, 0
    with file.open("wb") as out:
        while chunk := answer.read(_CHUNK_BYTES):
            written += out.write(chunk)
            if written > FILE_BYTES_MAX:
                raise DataError(f"it has more than {FILE_BYTES_MAX:,} bytes")
            if time.monotonic() > end:
                raise DataError(f"it has not come in {WHOLE_S:g} s")
    wanted = answer.headers.get("content-length", "")
    if wanted.isdecimal() and written != int(wanted):
        raise DataError(f"the answer broke off after {written:,} of {int(wanted):,} bytes")


def _refusal(error: urllib.error.HTTPError) -> str:
    meaning = _MEANINGS.get(error.code)
    if meaning is None:
        meaning = "the server has a fault" if error.code >= 500 else "the server does not give it"
    try:
        found = _CODE.search(error.read(_WORD_BYTES_MAX))
    except (OSError, http.client.HTTPException):
        found = None
    return f"{meaning} ({error.code}{f' {found[1].decode()}' if found else ''})"


def _cause(error: Exception) -> str:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return f"no answer in {_SILENCE_S:g} s"
    text = (cause.strerror if isinstance(cause, OSError) else None) or str(cause)
    return (text.splitlines() or [""])[0][:200] or type(cause).__name__
