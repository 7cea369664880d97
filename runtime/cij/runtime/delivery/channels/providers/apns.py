"""Apple's push service: `POST /3/device/TOKEN` by HTTP/2. It offers no key against a second message.

A second copy takes the place of the first one on the device, by `apns-collapse-id`, but is shown again.
"""

import re
import uuid
from datetime import UTC
from functools import lru_cache
from hashlib import sha256
from importlib.util import find_spec

from cij.runtime.clock import LiveClock
from cij.runtime.delivery.channels.api_settings import ApiSettings
from cij.runtime.delivery.channels.providers.api_call import Answer, Call, Provider, as_json
from cij.runtime.delivery.channels.providers.web_token import NEEDS, signed
from cij.runtime.delivery.channels.transport import Prepared
from cij.runtime.errors import ConfigError, DeliveryError, PermanentDelivery

_ADDRESS = {False: "https://api.push.apple.com", True: "https://api.sandbox.push.apple.com"}
_TOKEN = re.compile(r"[0-9A-Fa-f]{64,200}")
# Apple takes no token that is older than an hour, and no new one within 20 minutes.
_WINDOW_S = 2400
# The device does not have the app any more, or the token is none.
_GONE = ("Unregistered", "BadDeviceToken", "ExpiredToken")
_OF_ACCOUNT = ("TopicDisallowed", "BadTopic", "MissingTopic", "BadPath", "MethodNotAllowed")


def _address(settings: ApiSettings) -> str:
    return _ADDRESS[settings.options.get("sandbox") == "yes"]


def _call(one: Prepared, settings: ApiSettings) -> Call:
    if not _TOKEN.fullmatch(one.address):
        raise PermanentDelivery("the address is no token of a device", is_bounce=True)
    # Of the message: it is the same when it is sent again.
    mark = sha256((one.id or one.key).encode("utf-8", "replace")).hexdigest()[:32]
    headers = {
        "authorization": f"bearer {_token(settings)}",
        "apns-topic": settings.options["topic"],
        "apns-push-type": "alert",
        "apns-id": str(uuid.UUID(mark)),
        "apns-collapse-id": mark,
        "content-type": "application/json",
    }
    alert = {"title": one.title, "body": one.text}
    body = {"aps": {"alert": alert, "sound": "default"}, "cij_key": one.key}
    return Call(f"/3/device/{one.address}", headers, as_json(body))


def _token(settings: ApiSettings) -> str:
    options = settings.options
    now = int(LiveClock().now().replace(tzinfo=UTC).timestamp())
    return _signed(settings.key, options["key_id"], options["team"], now // _WINDOW_S)


@lru_cache(maxsize=4)
def _signed(key: str, key_id: str, team: str, window: int) -> str:
    """Return the token of forty minutes. Raises: ConfigError."""
    return signed({"iss": team, "iat": window * _WINDOW_S}, key, "ES256", {"kid": key_id})


def _id(answer: Answer, settings: ApiSettings) -> str | None:
    return answer.headers.get("apns-id", "") if answer.status == 200 else None


def _refusal(one: Prepared, answer: Answer) -> DeliveryError | None:
    reason = answer.text("reason") or str(answer.status)
    if answer.status == 403 or reason in _OF_ACCOUNT:
        return DeliveryError(f"Apple does not accept the key, the team or the topic: {reason}")
    is_gone = answer.status == 410 or reason in _GONE
    code = f"{answer.status} {reason}"
    return PermanentDelivery(f"Apple refuses it: {reason}", is_bounce=is_gone, code=code)


def _check(settings: ApiSettings) -> None:
    if find_spec("h2") is None:
        raise ConfigError(NEEDS)
    _token(settings)


APNS = Provider(_address, _call, _id, _refusal, is_http2=True, check=_check)
