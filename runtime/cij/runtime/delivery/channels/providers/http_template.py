"""Any HTTP API, by a template in `cij.toml`: headers and a body with placeholders, and where the id is.

    body = { to = "{to}", message = { text = "{text}", ref = "{id}" } }

A placeholder is filled inside a text of JSON or of a form, so no value can change what is around it.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from cij.runtime.delivery.channels.api_settings import ApiSettings
from cij.runtime.delivery.channels.providers.api_call import Answer, Call, Provider, as_json, said
from cij.runtime.delivery.channels.transport import Prepared
from cij.runtime.errors import DeliveryError, PermanentDelivery
from cij.runtime.template_words import PLACEHOLDER

_FORM = "application/x-www-form-urlencoded"
# Nothing of this account is taken: the key, what it may do, or the address of the API is wrong.
_OF_ACCOUNT = (401, 403, 404, 405)


def _address(settings: ApiSettings) -> str:
    return settings.url or ""


def _call(one: Prepared, settings: ApiSettings) -> Call:
    template = json.loads(settings.options["template"])
    values = _values(one, settings)
    is_form = template["format"] == "form"
    headers = {"content-type": _FORM if is_form else "application/json"}
    headers |= {
        name.lower(): _filled(text, values) or "" for name, text in template["headers"].items()
    }
    body = _each_filled(template["body"], values)
    content = urlencode(body, errors="replace").encode() if is_form else as_json(body)
    return Call("", headers, content)


def _values(one: Prepared, settings: ApiSettings) -> dict[str, str | None]:
    mail = one.mail
    found = {
        "key": settings.key,
        "key_base64": base64.b64encode(settings.key.encode()).decode(),
        # Names of journeys may have characters that no header takes.
        "id": quote(one.id or one.key, safe=":", errors="replace"),
        "to": one.address,
        "text": one.text if mail is None else mail.text,
        "customer": one.customer,
    }
    of_mail = {
        "from": mail.sender,
        "subject": mail.subject,
        "html": mail.html,
        "reply_to": mail.reply_to,
        "unsubscribe": mail.unsubscribe,
        "language": mail.locale,
    } if mail is not None else {}  # fmt: skip
    return {**found, **of_mail}


def _each_filled(part: Any, values: Mapping[str, str | None]) -> Any:
    """Return a part of the body with its texts filled. What has no value is left out."""
    if isinstance(part, dict):
        made = {name: _each_filled(inner, values) for name, inner in part.items()}
        return {name: inner for name, inner in made.items() if inner is not None}
    if isinstance(part, list):
        items = [_each_filled(inner, values) for inner in part]
        return [inner for inner in items if inner is not None]
    return _filled(part, values) if isinstance(part, str) else part


def _filled(text: str, values: Mapping[str, str | None]) -> str | None:
    """Return a text with its placeholders filled; None where it is one without a value."""
    if (whole := PLACEHOLDER.fullmatch(text)) is not None:
        return values[whole[1]]
    return PLACEHOLDER.sub(lambda found: values[found[1]] or "", text)


def _id(answer: Answer, settings: ApiSettings) -> str | None:
    if not 200 <= answer.status < 300:
        return None
    return _at(answer.body, json.loads(settings.options["template"])["id"])


def _at(body: Any, path: str) -> str:
    """Return the text or number at `messages.0.id`; empty where there is none."""
    for name in filter(None, path.split(".")):
        if isinstance(body, list) and name.isdecimal() and int(name) < len(body):
            body = body[int(name)]
        else:
            body = body.get(name) if isinstance(body, Mapping) else None
    return str(body) if isinstance(body, int) and not isinstance(body, bool) else said(body)


def _refusal(one: Prepared, answer: Answer) -> DeliveryError | None:
    if answer.status in _OF_ACCOUNT:
        return DeliveryError(f"the API does not accept the key or the address: {answer.status}")
    text = next(filter(None, (answer.text(name) for name in ("message", "error", "detail"))), "")
    return PermanentDelivery(
        f"the API refuses it: {text or answer.status}", code=str(answer.status)
    )


def _host(settings: ApiSettings) -> str:
    return urlsplit(settings.url or "").hostname or settings.provider


HTTP = Provider(_address, _call, _id, _refusal, called=_host)
