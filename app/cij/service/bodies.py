"""The bodies of requests: read up to a limit, unpacked up to the same limit, and parsed."""

import asyncio
import zlib
from http import HTTPStatus
from typing import Any

from starlette.requests import ClientDisconnect, Request

from cij.runtime.outside_json import read_json
from cij.service.problems import Problem

# A client that sends its body slower than this keeps a connection from others.
_PATIENCE_S = 30.0
# Of `zlib.decompressobj`: takes gzip and zlib alike.
_ANY_HEADER = zlib.MAX_WBITS | 32
_PACKED = ("gzip", "x-gzip", "deflate")


async def read_body(request: Request, limit: int) -> bytes:
    """Return the body, unpacked. Raises: Problem for one that is too large, too slow or broken."""
    try:
        async with asyncio.timeout(_PATIENCE_S):
            data = await _read(request, limit)
    except TimeoutError:
        raise Problem(HTTPStatus.REQUEST_TIMEOUT, "the body came too slowly") from None
    except ClientDisconnect:
        raise Problem(HTTPStatus.BAD_REQUEST, "the body broke off") from None
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding in _PACKED:
        return _unpacked(data, limit)
    if coding not in ("identity", ""):
        text = f"the coding of the body is not known; use {' or '.join(_PACKED)}, or none"
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, text)
    return data


async def _read(request: Request, limit: int) -> bytes:
    said = request.headers.get("content-length", "")
    if said.isdecimal() and (len(said) > 15 or int(said) > limit):
        raise _too_large(limit)
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > limit:
            raise _too_large(limit)
    return bytes(data)


def _unpacked(data: bytes, limit: int) -> bytes:
    # A few bytes can unpack to gigabytes, so it stops behind the limit.
    unpacking = zlib.decompressobj(_ANY_HEADER)
    try:
        found = unpacking.decompress(data, limit + 1)
    except zlib.error:
        raise Problem(HTTPStatus.BAD_REQUEST, "the body cannot be unpacked") from None
    if len(found) > limit:
        raise _too_large(limit)
    if not unpacking.eof:
        raise Problem(HTTPStatus.BAD_REQUEST, "the packed body breaks off")
    return found


def json_of(data: bytes) -> Any:
    """Return the value of a JSON body, numbers with all their digits. Raises: Problem."""
    try:
        return read_json(data.decode(), is_exact=True)
    except (ValueError, UnicodeDecodeError):
        raise Problem(HTTPStatus.BAD_REQUEST, "malformed JSON") from None


def _too_large(limit: int) -> Problem:
    text = f"the body is larger than {limit:,} bytes"
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text)
