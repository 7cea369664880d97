"""The signature by which S3 knows who asks (AWS Signature Version 4), as headers of a GET."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

# The body of a GET is empty.
_NOTHING = hashlib.sha256(b"").hexdigest()
_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who asks. `token` is that of a session, or empty."""

    access_key: str
    secret_key: str
    token: str = ""


def signed_headers(
    url: str, credentials: Credentials, region: str, now: datetime, service: str = "s3"
) -> dict[str, str]:
    """Return the headers that sign a GET of a URL, whose path and query are escaped and in order."""
    parts = urlsplit(url)
    at = f"{now:%Y%m%dT%H%M%SZ}"
    headers = {"host": parts.netloc, "x-amz-content-sha256": _NOTHING, "x-amz-date": at}
    if credentials.token:
        headers["x-amz-security-token"] = credentials.token
    names = ";".join(headers)
    asked = _request(parts.path, parts.query, headers, names)
    scope = f"{at[:8]}/{region}/{service}/aws4_request"
    text = "\n".join((_ALGORITHM, at, scope, hashlib.sha256(asked.encode()).hexdigest()))
    key = f"AWS4{credentials.secret_key}".encode()
    for part in scope.split("/"):
        key = _mac(key, part)
    signature = _mac(key, text).hex()
    who = f"Credential={credentials.access_key}/{scope}"
    del headers["host"]
    return headers | {
        "authorization": f"{_ALGORITHM} {who}, SignedHeaders={names}, Signature={signature}"
    }


def _request(path: str, query: str, headers: Mapping[str, str], names: str) -> str:
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    return "\n".join(("GET", path or "/", query, lines, names, _NOTHING))


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
