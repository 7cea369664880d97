"""Web Push (RFC 8030): a POST to the push service of the customer's browser, with VAPID (RFC 8292).

The address is the subscription as a browser gives it, in JSON. It comes from outside, so only the push services of
browsers are called. A message with the same topic takes the place of one that waits.
"""

import base64
import json
from datetime import UTC
from functools import lru_cache
from hashlib import sha256
from urllib.parse import SplitResult, urlsplit

from cij.runtime.clock import LiveClock
from cij.runtime.delivery.channels.api_settings import ApiSettings
from cij.runtime.delivery.channels.providers.api_call import Answer, Call, Provider, as_json
from cij.runtime.delivery.channels.providers.push_encryption import (
    PLAIN_BYTES_MAX,
    Browser,
    encrypted,
    point_of,
    private_key,
    unpacked,
)
from cij.runtime.delivery.channels.providers.web_token import signed
from cij.runtime.delivery.channels.transport import Prepared
from cij.runtime.errors import DeliveryError, PermanentDelivery

# Chrome and others; Firefox; Safari; Edge. A name with a dot in front stands for all below it.
_SERVICES = (
    "fcm.googleapis.com",
    ".push.services.mozilla.com",
    ".push.apple.com",
    ".notify.windows.com",
)
# A token holds for a day at most (RFC 8292, 2).
_WINDOW_S, _LIFE_S = 21_600, 43_200


def _address(settings: ApiSettings) -> str:
    return "https://updates.push.services.mozilla.com"


def _call(one: Prepared, settings: ApiSettings) -> Call:
    endpoint, browser = _subscription(one.address, settings)
    plain = as_json({"title": one.title, "body": one.text, "cij_key": one.key})
    if len(plain) > PLAIN_BYTES_MAX:
        raise PermanentDelivery(
            f"it is longer than the {PLAIN_BYTES_MAX} bytes that push services take"
        )
    try:
        content = encrypted(plain, browser)
    except ValueError as error:
        raise PermanentDelivery("the key of the subscription is none", is_bounce=True) from error
    same = sha256((one.id or one.key).encode("utf-8", "replace")).digest()[:24]
    headers = {
        "authorization": _authorization(settings, f"{endpoint.scheme}://{endpoint.netloc}"),
        "content-encoding": "aes128gcm",
        "content-type": "application/octet-stream",
        "ttl": settings.options["ttl"],
        "topic": base64.urlsafe_b64encode(same).decode(),
    }
    path = endpoint.path + (f"?{endpoint.query}" if endpoint.query else "")
    # A proxy of one's own takes the messages to all services.
    url = None if settings.url else f"{endpoint.scheme}://{endpoint.netloc}{path}"
    return Call(path, headers, content, url=url)


def _subscription(address: str, settings: ApiSettings) -> tuple[SplitResult, Browser]:
    """Return the address and the keys of a subscription. Raises: PermanentDelivery."""
    try:
        found = json.loads(address)
        endpoint = urlsplit(found["endpoint"])
        keys = found["keys"]
        browser = Browser(unpacked(keys["p256dh"], 65), unpacked(keys["auth"], 16))
        is_https = endpoint.scheme == "https" and endpoint.port in (None, 443)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _no_subscription() from error
    if not is_https:
        raise _no_subscription()
    host = (endpoint.hostname or "").lower()
    if endpoint.username is not None or not _is_service(host, settings):
        raise PermanentDelivery("the address is at no push service of a browser", code="no service")
    return endpoint, browser


def _no_subscription() -> PermanentDelivery:
    return PermanentDelivery("the address is no subscription of a browser", is_bounce=True)


def _is_service(host: str, settings: ApiSettings) -> bool:
    known = (*_SERVICES, *filter(None, settings.options.get("hosts", "").split(" ")))
    return any(host.endswith(name) if name.startswith(".") else host == name for name in known)


def _authorization(settings: ApiSettings, audience: str) -> str:
    now = int(LiveClock().now().replace(tzinfo=UTC).timestamp())
    return _signed(settings.key, settings.options["contact"], audience, now // _WINDOW_S)


@lru_cache(maxsize=64)
def _signed(key: str, contact: str, audience: str, window: int) -> str:
    """Return the header for one push service, for some hours. Raises: ConfigError."""
    found, pem = private_key(key)
    claims = {"aud": audience, "exp": window * _WINDOW_S + _LIFE_S, "sub": contact}
    public = base64.urlsafe_b64encode(point_of(found)).decode().rstrip("=")
    return f"vapid t={signed(claims, pem, 'ES256')}, k={public}"


def _id(answer: Answer, settings: ApiSettings) -> str | None:
    return answer.headers.get("location", "") if answer.status in (200, 201, 202) else None


def _refusal(one: Prepared, answer: Answer) -> DeliveryError | None:
    text = answer.text("message") or answer.text("reason") or str(answer.status)
    if answer.status == 401:
        return DeliveryError(f"the push service does not accept the key: {text}")
    # 403: the browser has subscribed with another key than this one.
    is_gone = answer.status in (404, 410)
    return PermanentDelivery(
        f"the push service refuses it: {text}", is_bounce=is_gone, code=str(answer.status)
    )


def _check(settings: ApiSettings) -> None:
    _authorization(settings, _address(settings))


WEBPUSH = Provider(
    _address, _call, _id, _refusal, check=_check, called=lambda settings: "the push service"
)
