"""Links that customers get in messages: each says who they are and what it is for, and is signed.

    KEY.PAYLOAD.SIGNATURE    in the path of the service

    .cij/signing_keys.json   the keys; the newest signs, the others still count

Links that measure opens and clicks (`tracking_links.py`) are signed by the same keys, with a context of their own.

Nobody can make a link for somebody else, or use one for another purpose.
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, get_args

from cij.runtime.errors import ConfigError
from cij.runtime.private_files import private_folder, write_private
from cij.runtime.state_folder import state_folder

_NAME = "signing_keys.json"
# Where the service answers them.
UNSUBSCRIBE_PATH, PREFERENCES_PATH = "/c/unsubscribe", "/c/preferences"
CONFIRM_PATH = "/c/confirm"
Purpose = Literal["unsubscribe", "preferences", "confirm"]
_PATHS: dict[Purpose, str] = {
    "unsubscribe": UNSUBSCRIBE_PATH,
    "preferences": PREFERENCES_PATH,
    "confirm": CONFIRM_PATH,
}
# After a longer time the customer may not remember what it was. All other links stay valid.
CONFIRM_WITHIN = timedelta(days=7)
# With a new one each year, links of these years stay valid.
_KEPT = 5
# As strong as nobody can guess, and short enough for a line of a mail.
_SIGNATURE_BYTES = 16
_CONTEXT = b"cij link 1\0"


def keys_file() -> Path:
    """Return the path of the keys that sign links, from the project folder."""
    return state_folder() / _NAME


@dataclass(frozen=True, slots=True)
class Link:
    """What a link is for. `until` is the instant after which it is not valid; None for never."""

    purpose: Purpose
    customer: str
    topic: str = ""
    channel: str = ""
    message_key: str = ""
    until: datetime | None = None


class Links:
    """Signs and reads the links of one project. Keys are made when the first link is."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._stamp: tuple[int, int] | None = None
        self._keys: dict[str, bytes] = {}

    def sign(self, link: Link) -> str:
        """Return the text of a link. Raises: ConfigError where no key can be read or made."""
        return self.seal(_CONTEXT, _payload(link))

    def read(self, text: str, now: datetime) -> Link | None:
        """Return what a link is for; None where it is not signed by us, or is too old."""
        payload = self.unseal(_CONTEXT, text)
        link = None if payload is None else _link(payload)
        return link if link is None or link.until is None or now < link.until else None

    def seal(self, context: bytes, payload: bytes) -> str:
        """Return a payload with its signature, as a text for a path. Raises: ConfigError.

        What is signed in one context counts in no other.
        """
        keys = self._current() or self._first()
        id = next(reversed(keys))
        return f"{id}.{_text(payload)}.{_text(_signature(keys[id], context, payload))}"

    def unseal(self, context: bytes, text: str) -> bytes | None:
        """Return the payload of a text that we signed in this context; None for every other text."""
        id, _, rest = text.partition(".")
        packed, _, signature = rest.partition(".")
        key = self._current().get(id)
        try:
            payload, signed = _bytes(packed), _bytes(signature)
        except (ValueError, binascii.Error):
            return None
        if key is None or not hmac.compare_digest(signed, _signature(key, context, payload)):
            return None
        return payload

    def _current(self) -> dict[str, bytes]:
        path = self._root / keys_file()
        try:
            found = path.stat()
            stamp = found.st_mtime_ns, found.st_ino
            if stamp != self._stamp:
                self._keys, self._stamp = _read(path), stamp
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"{path} cannot be read: {error}") from error
        return self._keys

    def _first(self) -> dict[str, bytes]:
        rotate(self._root)
        return self._current()


@dataclass(frozen=True, slots=True)
class PublicLinks:
    """Makes the links of messages. `root` is the address by which customers reach the service."""

    root: str
    links: Links

    def url(
        self, kind: Purpose, customer: str, topic: str, channel: str, key: str, at: datetime
    ) -> str:
        """Return the web address for a customer, in a message that was queued `at`."""
        if kind == "preferences":
            link = Link(kind, customer)
        else:
            until = at + CONFIRM_WITHIN if kind == "confirm" else None
            link = Link(kind, customer, topic, channel, key, until)
        return f"{self.root}{_PATHS[kind]}/{self.links.sign(link)}"


def rotate(root: Path) -> int:
    """Begin to sign with a new key, and return how many older ones still count.

    Raises: ConfigError where the file cannot be read or written.
    """
    path = root / keys_file()
    try:
        kept = list(_read(path).items())[-_KEPT:] if path.exists() else []
        new = secrets.token_hex(3), secrets.token_bytes(32)
        rows = [{"id": id, "secret": secret.hex()} for id, secret in [*kept, new]]
        private_folder(root, state_folder())
        write_private(path, json.dumps({"version": 1, "keys": rows}).encode())
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} cannot be used: {error}") from error
    return len(kept)


def _read(path: Path) -> dict[str, bytes]:
    rows = json.loads(path.read_text(encoding="utf-8"))["keys"]
    return {str(row["id"]): bytes.fromhex(row["secret"]) for row in rows}


def _payload(link: Link) -> bytes:
    until = "" if link.until is None else link.until.isoformat(timespec="seconds")
    parts = [link.purpose, link.customer, link.topic, link.channel, link.message_key, until]
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _link(payload: bytes) -> Link | None:
    parts: list[Any] = json.loads(payload)
    if parts[0] not in get_args(Purpose):
        return None
    until = datetime.fromisoformat(parts[5]) if parts[5] else None
    return Link(parts[0], parts[1], parts[2], parts[3], parts[4], until)


def _signature(key: bytes, context: bytes, payload: bytes) -> bytes:
    return hmac.new(key, context + payload, hashlib.sha256).digest()[:_SIGNATURE_BYTES]


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
