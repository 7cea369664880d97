"""Postmark: `POST /email`. It answers with a code of its own, and offers no key against a second mail."""

from cij.runtime.delivery.channels.api_settings import ApiSettings
from cij.runtime.delivery.channels.providers.api_call import Answer, Call, Provider, as_json
from cij.runtime.delivery.channels.transport import Prepared
from cij.runtime.delivery.mail import extra_headers, page
from cij.runtime.delivery.provider_marks import CUSTOMER, KEY
from cij.runtime.errors import DeliveryError, PermanentDelivery, SenderRefused

# The sender is unknown, not confirmed, or of a domain that is not allowed; the stream does not take it.
_OF_SENDER = (400, 401, 412, 1235)
# The key, the account or what it may send.
_OF_ACCOUNT = (10, 405, 413, 1101)
# The address was inactive: it has bounced, complained or refused before.
_INACTIVE = 406
_INVALID = 300


def _address(settings: ApiSettings) -> str:
    return "https://api.postmarkapp.com"


def _call(one: Prepared, settings: ApiSettings) -> Call:
    mail = one.mail
    assert mail is not None, "only mails go to Postmark"
    body = {
        "From": mail.sender,
        "To": one.address,
        "ReplyTo": mail.reply_to,
        "Subject": mail.subject,
        "TextBody": mail.text,
        "HtmlBody": page(mail.html, mail.locale) if mail.html is not None else None,
        "Headers": [{"Name": name, "Value": value} for name, value in extra_headers(mail)],
        "Metadata": {CUSTOMER: one.customer, KEY: one.key},
        "MessageStream": settings.options.get("stream", "outbound"),
    }
    headers = {
        "x-postmark-server-token": settings.key,
        "content-type": "application/json",
        "accept": "application/json",
    }
    return Call("/email", headers, as_json(body))


def _id(answer: Answer, settings: ApiSettings) -> str | None:
    is_taken = answer.status == 200 and answer.body.get("ErrorCode", 0) == 0
    return answer.text("MessageID") if is_taken else None


def _refusal(one: Prepared, answer: Answer) -> DeliveryError | None:
    code, text = answer.body.get("ErrorCode"), answer.text("Message")
    if answer.status == 401 or code in _OF_ACCOUNT:
        return DeliveryError(f"Postmark does not accept the key or the account: {text or code}")
    if code in _OF_SENDER:
        return SenderRefused(f"Postmark refuses the sender: {text}")
    is_of_address = code == _INACTIVE or (code == _INVALID and "'To'" in text)
    return PermanentDelivery(
        f"Postmark refuses it: {text}", is_bounce=is_of_address, code=f"{answer.status} {code}"
    )


POSTMARK = Provider(_address, _call, _id, _refusal)
