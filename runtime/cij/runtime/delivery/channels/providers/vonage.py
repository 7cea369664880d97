"""Vonage: `POST /sms/json`, for text messages. It answers 200 with a status of its own for each part.

It offers no key against a second message.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from cij.runtime.delivery.channels.api_settings import ApiSettings
from cij.runtime.delivery.channels.providers.api_call import Answer, Call, Provider, said
from cij.runtime.delivery.channels.transport import Prepared
from cij.runtime.errors import DeliveryError, PermanentDelivery, SenderRefused

_TAKEN = "0"
# Too fast, or too many connections: it takes nothing for now.
_NOT_NOW = ("1", "10")
# The key or the account: wrong, suspended, without credit, not for this API, or with a wrong signature.
_OF_ACCOUNT = ("4", "8", "9", "11", "14")
_OF_SENDER = ("15",)
# The number is barred, or no longer in use.
_OF_ADDRESS = ("7", "33")
_INTERNAL = "5"
_CALLBACK_MAX = 100
# The alphabet of GSM 03.38 and its extension. Any other character halves how much one part holds.
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà^{}\\[~]|€"
)


def _address(settings: ApiSettings) -> str:
    return "https://rest.nexmo.com"


def _call(one: Prepared, settings: ApiSettings) -> Call:
    fields = {
        "api_key": settings.options["account"],
        "api_secret": settings.key,
        "from": settings.options["sender"],
        # It takes numbers without the sign in front.
        "to": one.address.removeprefix("+"),
        "text": one.text,
        # As `text`, characters beyond the alphabet of GSM would arrive as question marks.
        "type": "text" if _GSM.issuperset(one.text) else "unicode",
        # A report has the key if it is shorter than this; then it was not cut.
        "client-ref": one.key[:100],
        **_reports_to(settings),
    }
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return Call("/sms/json", headers, urlencode(fields, errors="replace").encode())


def _reports_to(settings: ApiSettings) -> dict[str, str]:
    # In place of the address in the settings of the account.
    url = settings.reports_to
    return {"callback": url} if url is not None and len(url) <= _CALLBACK_MAX else {}


def _first(answer: Answer) -> Mapping[str, Any]:
    """Return what it says of the first part; a long text has several."""
    parts = answer.body.get("messages")
    first = parts[0] if isinstance(parts, list) and parts else None
    return first if isinstance(first, Mapping) else {}


def _id(answer: Answer, settings: ApiSettings) -> str | None:
    first = _first(answer)
    is_taken = answer.status == 200 and first.get("status") == _TAKEN
    return said(first.get("message-id")) if is_taken else None


def _refusal(one: Prepared, answer: Answer) -> DeliveryError | None:
    first = _first(answer)
    code, text = said(first.get("status")), said(first.get("error-text"))
    if answer.status in (401, 403) or code in _OF_ACCOUNT:
        return DeliveryError(
            f"Vonage does not accept the account or the key: {text or answer.status}"
        )
    if code in _NOT_NOW:
        return DeliveryError(f"Vonage takes nothing for now: {text}")
    if code in _OF_SENDER:
        return SenderRefused(f"Vonage refuses the sender: {text}")
    if code in ("", _INTERNAL):
        # It does not say whether it has the message.
        return None
    return PermanentDelivery(
        f"Vonage refuses it: {text or code}", is_bounce=code in _OF_ADDRESS, code=code
    )


VONAGE = Provider(_address, _call, _id, _refusal, refuses_with_success=True)
