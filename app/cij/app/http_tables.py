"""The tables of `cij.toml` for any HTTP API, declared by a template."""

import json
import math
from collections.abc import Iterator
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from cij.app.delivery_way import MailWay, Sender
from cij.app.provider_tables import ApiDelivery
from cij.compiler.naming import did_you_mean
from cij.compiler.wording import listed
from cij.runtime.template_words import (
    IN_HEADERS,
    OF_MAIL,
    OF_MESSAGE,
    PLACEHOLDER,
)

_DEPTH_MAX = 8


class HttpDelivery(ApiDelivery):
    """`[delivery.sms]` through any HTTP API: `POST url` with `headers` and a `body`, texts with placeholders.

    `id` is where the answer has the id of the message, such as `messages.0.id`. With `idempotent` the API takes a
    message with the same `{id}` once, so it may get one again that it did not confirm.
    """

    kind: Literal["http"]
    headers: dict[str, str] = Field(default_factory=dict)
    body: dict[str, Any]
    format: Literal["json", "form"] = "json"
    id: str = Field(default="", max_length=200)
    idempotent: bool = False

    @model_validator(mode="after")
    def _has_usable_template(self) -> Self:
        if self.url is None:
            raise ValueError("`url` is missing: the address to which messages are posted")
        texts = list(_texts(self.body, "body", is_flat=self.format == "form"))
        for name, text in self.headers.items():
            _check_header(name, text)
            _check(f"headers.{name}", text, IN_HEADERS)
        for where, text in texts:
            _check(where, text, self._known())
        used = {
            name
            for _, text in [*texts, *self.headers.items()]
            for name in PLACEHOLDER.findall(text)
        }
        if not used & {"key", "key_base64"}:
            raise ValueError(
                "`{key}` is in none of `headers` and `body`, so the API would not know you"
            )
        if "to" not in used:
            raise ValueError("`{to}` is not in `body`, so the API would not know the recipient")
        if self.idempotent and "id" not in used:
            raise ValueError("`idempotent` needs `{id}` in `headers` or `body`")
        return self

    def _known(self) -> tuple[str, ...]:
        return (*IN_HEADERS, *OF_MESSAGE)

    def options(self) -> dict[str, str]:
        """Return the template as one text."""
        found = {"headers": self.headers, "body": self.body, "format": self.format, "id": self.id}
        return {"template": json.dumps(found)}

    def knows_doubles(self) -> bool:
        """Tell whether the provider delivers a message once that it gets twice."""
        return self.idempotent


class HttpMailDelivery(HttpDelivery, MailWay):
    """`[delivery.email]` through any HTTP API."""

    sender: Sender = Field(alias="from")

    def _known(self) -> tuple[str, ...]:
        return (*IN_HEADERS, *OF_MESSAGE, *OF_MAIL)


def _texts(part: Any, where: str, *, is_flat: bool, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield the texts of a body with their places. Raises: ValueError for what JSON or a form cannot have."""
    if depth > _DEPTH_MAX:
        raise ValueError(f"`{where}` is nested too deeply")
    if isinstance(part, (dict, list)):
        if is_flat and depth:
            raise ValueError(
                f"`{where}` is a table or a list, and a form has only texts and numbers"
            )
        inner = part.items() if isinstance(part, dict) else enumerate(part)
        for name, each in inner:
            yield from _texts(each, f"{where}.{name}", is_flat=is_flat, depth=depth + 1)
    elif isinstance(part, str):
        yield where, part
    elif not isinstance(part, (bool, int, float)) or not math.isfinite(part):
        # Not a TypeError, which pydantic would not report as a mistake of this setting.
        raise ValueError(f"`{where}` is no text, number, list or table; write it in quotes")


def _check(where: str, text: str, known: tuple[str, ...]) -> None:
    for name in PLACEHOLDER.findall(text):
        if name not in known:
            hint = did_you_mean(name, list(known))
            what = f"`{where}` has no placeholder `{{{name}}}`"
            raise ValueError(
                f"{what}; {hint}" if hint else f"{what}: it can be {listed(known, limit=20)}"
            )


def _check_header(name: str, text: str) -> None:
    if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
        raise ValueError(f"`headers`: `{name[:60]}` is no name of a header")
    if not (text.isascii() and text.isprintable()):
        raise ValueError(f"`headers.{name}` has characters that a header cannot have")
    if name.lower() in ("host", "content-length", "transfer-encoding", "content-type"):
        raise ValueError(f"`headers.{name}` is set by `cij` itself")
