"""The rules for webhooks in cij.toml and the environment.

It loads no HTTP client, because every command reads cij.toml.
"""

import base64
import binascii
from urllib.parse import urlsplit

from cij.runtime.errors import ConfigError

_PREFIX = "whsec_"
# The length of a secret by Standard Webhooks.
_SECRET_BYTES_MIN, _SECRET_BYTES_MAX = 24, 64
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def check_secret(secret: str, name: str) -> None:
    """Raise ConfigError unless `secret`, the value of the variable `name`, fits Standard
    Webhooks."""
    try:
        text = secret.removeprefix(_PREFIX)
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not _SECRET_BYTES_MIN <= len(key) <= _SECRET_BYTES_MAX:
        raise ConfigError(
            f"the variable {name} holds no secret of Standard Webhooks: {_SECRET_BYTES_MIN} to "
            f"{_SECRET_BYTES_MAX} bytes as base64, with `{_PREFIX}` in front; make one with: "
            f'echo "{_PREFIX}$(head -c 32 /dev/urandom | base64)"'
        )


def fault_of_url(url: str, *, allows_http: bool) -> str | None:
    """Return what is wrong with a URL, as the end of a sentence; None where nothing is."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not a URL"
    if parts.scheme not in ("http", "https") or not host:
        return "is not a URL that begins with https://"
    # Calls within one machine need no encryption, and tests use them.
    if parts.scheme == "http" and host not in _LOOPBACK and not allows_http:
        return "sends without encryption; use https://, or set `allow_http = true` in a private network"
    return None
