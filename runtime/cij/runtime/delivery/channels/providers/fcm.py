"""Firebase Cloud Messaging: `POST /v1/projects/PROJECT/messages:send`. It offers no key against a second message.

It is called with a token for an hour, which Google gives for one that the key of a service account has signed.
"""

import json
from collections.abc import Mapping
from datetime import UTC
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode

from cij.runtime.clock import LiveClock
from cij.runtime.delivery.channels.api_settings import ApiSettings
from cij.runtime.delivery.channels.providers.api_call import Answer, Call, Provider, as_json, said
from cij.runtime.delivery.channels.providers.web_token import signed
from cij.runtime.delivery.channels.transport import Prepared
from cij.runtime.errors import DeliveryError, PermanentDelivery

_SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIFE_S = 3600
# The app was removed, or has another token now.
_GONE = "UNREGISTERED"
_NO_TOKEN = "registration token"


def _address(settings: ApiSettings) -> str:
    return "https://fcm.googleapis.com"


def _sign_in(settings: ApiSettings) -> Call:
    account = json.loads(settings.key)
    now = int(LiveClock().now().replace(tzinfo=UTC).timestamp())
    claims = {
        "iss": account["client_email"],
        "scope": _SCOPE,
        "aud": account["token_uri"],
        "iat": now,
        "exp": now + _LIFE_S,
    }
    form = {"grant_type": _GRANT, "assertion": signed(claims, account["private_key"], "RS256")}
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return Call("", headers, urlencode(form).encode(), url=account["token_uri"])


def _call(one: Prepared, settings: ApiSettings) -> Call:
    # A copy that is sent again by hand takes the place of the first one on the device.
    same = sha256((one.id or one.key).encode("utf-8", "replace")).hexdigest()[:32]
    message = {
        "token": one.address,
        "notification": {"title": one.title, "body": one.text},
        # By it an app can say which message was opened.
        "data": {"cij_key": one.key},
        "android": {"notification": {"tag": same}},
        "apns": {"headers": {"apns-collapse-id": same}},
    }
    headers = {"authorization": f"Bearer {settings.key}", "content-type": "application/json"}
    path = f"/v1/projects/{quote(settings.options['project'])}/messages:send"
    return Call(path, headers, as_json({"message": message}))


def _id(answer: Answer, settings: ApiSettings) -> str | None:
    return answer.text("name") if answer.status == 200 else None


def _refusal(one: Prepared, answer: Answer) -> DeliveryError | None:
    error = _table(answer.body.get("error"))
    text, code = said(error.get("message")), _code(error)
    is_gone = code == _GONE or (code == "INVALID_ARGUMENT" and _NO_TOKEN in text.lower())
    if not is_gone and answer.status in (401, 403, 404) and code != "SENDER_ID_MISMATCH":
        return DeliveryError(f"FCM does not accept the key or the project: {text or answer.status}")
    return PermanentDelivery(
        f"FCM refuses it: {text or code}", is_bounce=is_gone, code=f"{answer.status} {code}".strip()
    )


def _code(error: Mapping[str, Any]) -> str:
    """Return the code of FCM, which is more exact than that of Google's APIs."""
    details = error.get("details")
    codes = (
        (said(_table(each).get("errorCode")) for each in details or ())
        if isinstance(details, list)
        else ()
    )
    return next(filter(None, codes), "")


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


FCM = Provider(_address, _call, _id, _refusal, sign_in=_sign_in, check=_sign_in)
