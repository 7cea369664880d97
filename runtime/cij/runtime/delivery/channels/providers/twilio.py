"""Twilio: `POST …/Messages.json`, for text messages. It offers no key against a second one."""

from urllib.parse import urlencode

from cij.runtime.delivery.channels.api_settings import ApiSettings
from cij.runtime.delivery.channels.providers.api_call import Answer, Call, Provider, basic
from cij.runtime.delivery.channels.transport import Prepared
from cij.runtime.delivery.provider_marks import CUSTOMER, KEY
from cij.runtime.errors import DeliveryError, PermanentDelivery, SenderRefused, TransientDelivery

_VERSION = "2010-04-01"
# The number of the recipient is none, cannot be reached, is no mobile one, or has said STOP.
_OF_ADDRESS = (21211, 21214, 21217, 21610, 21614)
_OF_SENDER = (21212, 21603, 21606, 21659, 21660, 21661, 21701, 21703)
# The queue of the sender is full.
_LATER = (21611, 14107)


def _address(settings: ApiSettings) -> str:
    return "https://api.twilio.com"


def _call(one: Prepared, settings: ApiSettings) -> Call:
    options = settings.options
    about = urlencode({CUSTOMER: one.customer, KEY: one.key}, errors="replace")
    fields = {
        "To": one.address,
        "From": options.get("sender"),
        "MessagingServiceSid": options.get("service"),
        "Body": one.text,
        "StatusCallback": f"{settings.reports_to}?{about}" if settings.reports_to else None,
    }
    headers = {
        "authorization": basic(options.get("user") or options["account"], settings.key),
        "content-type": "application/x-www-form-urlencoded",
    }
    given = {name: value for name, value in fields.items() if value is not None}
    path = f"/{_VERSION}/Accounts/{options['account']}/Messages.json"
    return Call(path, headers, urlencode(given, errors="replace").encode())


def _id(answer: Answer, settings: ApiSettings) -> str | None:
    return answer.text("sid") if answer.status in (200, 201) else None


def _refusal(one: Prepared, answer: Answer) -> DeliveryError | None:
    code, text = answer.body.get("code"), answer.text("message")
    if answer.status in (401, 403, 404):
        return DeliveryError(
            f"Twilio does not accept the account or the key: {text or answer.status}"
        )
    if code in _LATER:
        return TransientDelivery(f"Twilio asks to try later: {text}")
    if code in _OF_SENDER:
        return SenderRefused(f"Twilio refuses the sender: {text}")
    return PermanentDelivery(
        f"Twilio refuses it: {text}", is_bounce=code in _OF_ADDRESS, code=f"{answer.status} {code}"
    )


TWILIO = Provider(_address, _call, _id, _refusal)
