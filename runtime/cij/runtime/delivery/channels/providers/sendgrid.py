"""SendGrid: `POST /v3/mail/send`. It takes a mail with 202, and offers no key against a second one."""

from typing import Any

from cij.runtime.delivery.address import named_mailbox
from cij.runtime.delivery.channels.api_settings import ApiSettings
from cij.runtime.delivery.channels.providers.api_call import Answer, Call, Provider, as_json, said
from cij.runtime.delivery.channels.transport import Prepared
from cij.runtime.delivery.mail import extra_headers, page
from cij.runtime.delivery.provider_marks import CUSTOMER, KEY
from cij.runtime.errors import DeliveryError, PermanentDelivery, SenderRefused

_ADDRESS = {"global": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"}


def _address(settings: ApiSettings) -> str:
    return _ADDRESS[settings.options.get("region", "global")]


def _call(one: Prepared, settings: ApiSettings) -> Call:
    mail = one.mail
    assert mail is not None, "only mails go to SendGrid"
    content = [{"type": "text/plain", "value": mail.text or " "}]
    if mail.html is not None:
        content.append({"type": "text/html", "value": page(mail.html, mail.locale)})
    person = {
        "to": [{"email": one.address}],
        "custom_args": {CUSTOMER: one.customer, KEY: one.key},
    }
    body = {
        "personalizations": [person],
        "from": _named(mail.sender),
        "reply_to": _named(mail.reply_to) if mail.reply_to else None,
        "subject": mail.subject,
        "content": content,
        "headers": dict(extra_headers(mail)),
    }
    headers = {"authorization": f"Bearer {settings.key}", "content-type": "application/json"}
    return Call("/v3/mail/send", headers, as_json(body))


def _named(sender: str) -> dict[str, str]:
    name, address = named_mailbox(sender)
    return {"email": address, "name": name} if name else {"email": address}


def _id(answer: Answer, settings: ApiSettings) -> str | None:
    return answer.headers.get("x-message-id", "") if answer.status in (200, 202) else None


def _refusal(one: Prepared, answer: Answer) -> DeliveryError | None:
    first = _first(answer)
    field, text = said(first.get("field")), said(first.get("message"))
    if answer.status == 403 and (field.startswith("from") or "sender identity" in text.lower()):
        return SenderRefused(f"SendGrid refuses the sender: {text}")
    if answer.status in (401, 403):
        return DeliveryError(f"SendGrid does not accept the key: {text or answer.status}")
    is_of_address = field.startswith("personalizations") and field.endswith("email")
    # The code is that of the field: refusals of all messages alike name the same one.
    code = f"{answer.status} {field}".strip()
    return PermanentDelivery(f"SendGrid refuses it: {text}", is_bounce=is_of_address, code=code)


def _first(answer: Answer) -> dict[str, Any]:
    errors = answer.body.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    return first if isinstance(first, dict) else {}


SENDGRID = Provider(_address, _call, _id, _refusal)
