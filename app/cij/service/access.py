"""Who may do what: keys of requests, their roles, and how much they may send."""

import base64
import binascii
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from pathlib import Path

from starlette.requests import Request

from cij.app.service_keys import Key, Role, hash_of, keys_file, read_keys
from cij.runtime.errors import ConfigError
from cij.service.problems import Problem

# Requests without a valid key, of one address.
_GUESSES_PER_S, _GUESSES_AT_ONCE = 2.0, 20.0
_VISITS_PER_S, _VISITS_AT_ONCE = 20.0, 200.0
# The limit of opens and clicks of one copy of a message. Without it, anybody who has its links could fill the
# disk.
_REPEATS_PER_S, _REPEATS_AT_ONCE = 0.2, 30.0
# The addresses and keys that are remembered; the one that was longest silent is forgotten.
_REMEMBERED = 10_000


class Keyring:
    """The valid keys. The file is read again when it changes, so a revoked key ends at once."""

    def __init__(self, root: Path, now: Callable[[], datetime], own: Key) -> None:
        self._root, self._now, self._own = root, now, own
        self._stamp: tuple[int, ...] | None = None
        self._by_hash: dict[str, Key] = {}

    def key_of(self, secret: str) -> Key | None:
        """Return the valid key with this secret."""
        hash = hash_of(secret)
        if hash == self._own.hash:
            return self._own
        self._look()
        key = self._by_hash.get(hash)
        return key if key is not None and key.is_valid(self._now()) else None

    def _look(self) -> None:
        try:
            found = (self._root / keys_file()).stat()
            stamp: tuple[int, ...] | None = (found.st_mtime_ns, found.st_ino, found.st_size)
        except OSError:
            stamp = None
        if stamp != self._stamp:
            self._by_hash = {key.hash: key for key in self._read()}
            self._stamp = stamp

    def _read(self) -> tuple[Key, ...]:
        try:
            return read_keys(self._root)
        except ConfigError:
            # Nobody gets in with a file that cannot be read.
            return ()


@dataclass(slots=True)
class Limiter:
    """Lets `per_s` pieces a second through for each name, and `at_once` after a silence.

    A large request may pass the limit, and makes up for it by waiting.
    """

    per_s: float
    at_once: float
    clock_s: Callable[[], float]
    _left: "OrderedDict[str, tuple[float, float]]" = field(default_factory=OrderedDict)

    def wait_s(self, name: str, pieces: float = 1.0) -> float:
        """Take `pieces`, and return 0; or return the seconds after which to come again."""
        now = self.clock_s()
        left, since = self._left.pop(name, (self.at_once, now))
        left = min(self.at_once, left + (now - since) * self.per_s)
        is_free = left > 0
        self._left[name] = (left - pieces if is_free else left, now)
        if len(self._left) > _REMEMBERED:
            self._left.popitem(last=False)
        return 0.0 if is_free else max(-left / self.per_s, 1.0 / self.per_s)


@dataclass(slots=True)
class Access:
    """Finds the key of a request, and counts what it sends."""

    keyring: Keyring
    events: Limiter
    guesses: Limiter
    visits: Limiter
    repeats: Limiter

    def require(self, request: Request, role: Role, said: object = None) -> Key:
        """Return the key of a request. `said` is a key that the body names.

        Raises: Problem without a valid key, or with one that may not do it.
        """
        key = self._found(request, said)
        if not key.may(role):
            text = f"the key `{key.name}` has the role {key.role}, and this needs {role}"
            raise Problem(HTTPStatus.FORBIDDEN, text)
        return key

    def count(self, key: Key, events: int) -> None:
        """Count what a key sends. Raises: Problem for too much."""
        wait_s = self.events.wait_s(key.name, max(events, 1))
        if wait_s:
            raise _too_many(f"the key `{key.name}` sends too many events", wait_s)

    def count_visit(self, request: Request) -> None:
        """Count a visitor of a page, who needs no key. Raises: Problem for too many visits."""
        address = request.client.host if request.client else ""
        if wait_s := self.visits.wait_s(address):
            raise _too_many("too many visits", wait_s)

    def may_repeat(self, message_key: str) -> bool:
        """Count an open or a click of a message, and tell whether it may be kept."""
        return not self.repeats.wait_s(message_key)

    def _found(self, request: Request, said: object) -> Key:
        secrets = _secrets(request.headers.get("authorization", ""))
        if isinstance(said, str) and said:
            secrets.append(said)
        for secret in secrets:
            if (key := self.keyring.key_of(secret)) is not None:
                return key
        address = request.client.host if request.client else ""
        if wait_s := self.guesses.wait_s(address):
            raise _too_many("too many requests without a valid key", wait_s)
        text = "a valid key is needed; `cij key add` makes one" if secrets else "a key is needed"
        raise Problem(HTTPStatus.UNAUTHORIZED, text)


def guesses(clock_s: Callable[[], float]) -> Limiter:
    """Return the limiter of requests without a valid key."""
    return Limiter(_GUESSES_PER_S, _GUESSES_AT_ONCE, clock_s)


def visits(clock_s: Callable[[], float]) -> Limiter:
    """Return the limiter of visits of pages. Many people may be behind one address."""
    return Limiter(_VISITS_PER_S, _VISITS_AT_ONCE, clock_s)


def repeats(clock_s: Callable[[], float]) -> Limiter:
    """Return the limiter of opens and clicks of one copy of a message."""
    return Limiter(_REPEATS_PER_S, _REPEATS_AT_ONCE, clock_s)


def _too_many(text: str, wait_s: float) -> Problem:
    return Problem(HTTPStatus.TOO_MANY_REQUESTS, text, retry_after_s=math.ceil(wait_s))


def _secrets(header: str) -> list[str]:
    """Return the key of `Bearer KEY`, or of `Basic` with the key as the name (as Segment) or password."""
    kind, _, text = header.partition(" ")
    if kind.lower() == "bearer" and text.strip():
        return [text.strip()]
    if kind.lower() != "basic":
        return []
    try:
        name, _, password = base64.b64decode(text.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return []
    return [each for each in (name, password) if each]
