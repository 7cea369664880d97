"""Mailgun: `POST /v3/DOMAIN/messages.mime`. It takes the mail as we built it, and offers no key against a second one."""

from hashlib import sha256
from urllib.parse import quote

from cij.runtime.delivery.channels.api_settings import ApiSettings
from cij.runtime.delivery.channels.providers.api_call import Answer, Call, Provider, basic
from cij.runtime.delivery.channels.transport import Prepared
from cij.runtime.delivery.provider_marks import CUSTOMER, KEY
from cij.runtime.errors import DeliveryError, PermanentDelivery

_ADDRESS = {"us": "https://api.mailgun.net", "eu": "https://api.eu.mailgun.net"}


def _address(settings: ApiSettings) -> str:
    return _ADDRESS[settings.options.get("region", "us")]


def _call(one: Prepared, settings: ApiSettings) -> Call:
    # Of the content, so no line of it is taken for the boundary.
    boundary = "cij" + sha256(one.content).hexdigest()
    fields = {"to": one.address, f"v:{CUSTOMER}": one.customer, f"v:{KEY}": one.key}
    parts = [
        _part(boundary, f'name="{name}"', value.encode("utf-8", "replace"))
        for name, value in fields.items()
    ]
    mail = 'name="message"; filename="mail.eml"\r\nContent-Type: message/rfc822'
    parts.append(_part(boundary, mail, one.content))
    headers = {
        "authorization": basic("api", settings.key),
        "content-type": f"multipart/form-data; boundary={boundary}",
    }
    path = f"/v3/{quote(settings.options['domain'])}/messages.mime"
    return Call(path, headers, b"".join(parts) + f"--{boundary}--\r\n".encode())


def _part(boundary: str, about: str, value: bytes) -> bytes:
    head = f"--{boundary}\r\nContent-Disposition: form-data; {about}\r\n\r\n"
    return head.encode() + value + b"\r\n"


def _id(answer: Answer, settings: ApiSettings) -> str | None:
    return answer.text("id") if answer.status == 200 else None


def _refusal(one: Prepared, answer: Answer) -> DeliveryError | None:
    text = answer.text("message")
    if answer.status in (401, 402, 403, 404):
        return DeliveryError(
            f"Mailgun does not accept the key or the domain: {text or answer.status}"
        )
    is_of_address = answer.status == 400 and text.lower().startswith(("to parameter", "'to'"))
    return PermanentDelivery(
        f"Mailgun refuses it: {text}", is_bounce=is_of_address, code=str(answer.status)
    )


MAILGUN = Provider(_address, _call, _id, _refusal)
