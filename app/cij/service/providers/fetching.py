"""What is at an address outside, for reports that need it: few bytes, by HTTPS, without redirects."""

from collections.abc import Callable
from http.client import HTTPException
from typing import Any
from urllib.request import HTTPRedirectHandler, Request, build_opener

# Raises OSError.
Fetch = Callable[[str], bytes]

_BYTES_MAX = 65_536
_TIMEOUT_S = 5.0


class _NoRedirects(HTTPRedirectHandler):
    """An address that was checked leads to no other one."""

    def redirect_request(
        self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        return None


def fetched(url: str) -> bytes:
    """Return what is at a checked address. Raises: OSError."""
    request = Request(url, headers={"User-Agent": "cij"})
    try:
        with build_opener(_NoRedirects()).open(request, timeout=_TIMEOUT_S) as answer:
            found: bytes = answer.read(_BYTES_MAX + 1)
    except HTTPException as error:
        raise OSError(f"the answer cannot be read: {type(error).__name__}") from error
    if len(found) > _BYTES_MAX:
        raise OSError(f"the answer has more than {_BYTES_MAX} bytes")
    return found
