"""What each provider's module takes and gives: a call for a message, and what an answer means."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cij.runtime.delivery.channels.api_settings import ApiSettings
from cij.runtime.delivery.channels.transport import Prepared
from cij.runtime.errors import DeliveryError

# A sentence of a provider, shortened.
_SAID_MAX = 200


@dataclass(frozen=True, slots=True)
class Call:
    """One POST. `content` is its body. `url` is a whole address, in place of `path` at that of the provider."""

    path: str
    headers: Mapping[str, str]
    content: bytes
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider said. `body` is the JSON object of the answer, empty where there is none."""

    status: int
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    def text(self, name: str) -> str:
        """Return a text of the body in one line; empty where there is none."""
        return said(self.body.get(name))


@dataclass(frozen=True, slots=True)
class Provider:
    """`address` is that of the API. `refusal` says what an answer of 4xx means, None for nothing special.

    `id_of` is how the provider calls a message that it took; None where its answer does not take it. With
    `refuses_with_success` an answer of 2xx may be a refusal, too. `called` is its name in reasons.
    `sign_in` is the call that gets a token, with which `call` is then made in place of the key. `check` raises
    ConfigError for settings that no call can be made with. With `is_http2` it is spoken to by HTTP/2 alone.
    """

    address: Callable[[ApiSettings], str]
    call: Callable[[Prepared, ApiSettings], Call]
    id_of: Callable[[Answer, ApiSettings], str | None]
    refusal: Callable[[Prepared, Answer], DeliveryError | None]
    refuses_with_success: bool = False
    called: Callable[[ApiSettings], str] = lambda settings: settings.provider
    sign_in: Callable[[ApiSettings], Call] | None = None
    check: Callable[[ApiSettings], object] = lambda settings: None
    is_http2: bool = False


def basic(user: str, password: str) -> str:
    """Return the header of a name and a password."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def as_json(value: Mapping[str, Any]) -> bytes:
    """Return the body of a call; what has no value is left out. Half a character becomes a question mark."""
    given = {name: each for name, each in value.items() if each is not None}
    return json.dumps(given, ensure_ascii=False).encode("utf-8", "replace")


def said(value: object) -> str:
    """Return what a provider says, in one short line; empty for what is no text."""
    return " ".join(value.split())[:_SAID_MAX] if isinstance(value, str) else ""
