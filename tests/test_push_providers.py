"""Push messages by FCM, Apple and to browsers, against servers that answer as each of them documents."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cij.app.config import load_settings
from cij.runtime.delivery.channels import ApiSettings, Prepared, open_transport
from cij.runtime.delivery.channels.providers.push_encryption import Browser, encrypted, point_of
from cij.runtime.delivery.channels.transport import Outcome, Transport
from cij.runtime.errors import ConfigError
from tests.conftest import Cij
from tests.http2_bed import serving_http2
from tests.provider_bed import AT, Answer, serving
from tests.service_bed import TOML

_NONE: dict[str, str] = {}
TOKEN = "ya29.token-of-google"
CONTACT = "mailto:dev@shop.example"
ENDPOINT = "https://updates.push.services.mozilla.com/wpush/v2/"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")


def pem(key: Any) -> str:
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


@cache
def google() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def apple() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def browser() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


SECRET = b"0123456789abcdef"
# What the servers do, by the path or the end of a token.
PEOPLE = ("ana", "gone", "odd", "large", "key", "throttled", "outage", "broken", "hangs")


def subscription(who: str, **changes: Any) -> str:
    keys = {"p256dh": b64(point_of(browser())), "auth": b64(SECRET)}
    return json.dumps({"endpoint": ENDPOINT + who, "expirationTime": None, "keys": keys, **changes})


def address(name: str, who: str) -> str:
    if name == "webpush":
        return subscription(who)
    return f"{PEOPLE.index(who):064x}" if name == "apns" else f"token-{who}"


def message(name: str, who: str, n: int = 0) -> Prepared:
    key = f"welcome:{n}:push:0"
    to = address(name, who)
    return Prepared(key, "push", to, "", AT, b"", key, text="Grüße", title="Hi", customer="c1")


def _fcm_error(code: int, kind: str, text: str = "no") -> Answer:
    detail = {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": kind}
    error = {"code": code, "message": text, "status": "X", "details": [5, {}, detail]}
    return code, _NONE, {"error": error}


ANSWERS: dict[str, dict[str, Answer]] = {
    "fcm": {
        "ana": (200, _NONE, {"name": "projects/shop/messages/1"}),
        "gone": _fcm_error(404, "UNREGISTERED"),
        "odd": _fcm_error(400, "INVALID_ARGUMENT", "The registration token is not a valid FCM registration token"),
        "large": _fcm_error(400, "INVALID_ARGUMENT", "Android message is too big"),
        "key": (401, _NONE, {"error": {"message": "Request had invalid authentication credentials."}}),
    },
    "apns": {
        "ana": (200, {"apns-id": "A-1"}, ""),
        "gone": (410, _NONE, {"reason": "Unregistered", "timestamp": 1772442000}),
        "odd": (400, _NONE, {"reason": "BadDeviceToken"}),
        "large": (413, _NONE, {"reason": "PayloadTooLarge"}),
        "key": (403, _NONE, {"reason": "InvalidProviderToken"}),
    },
    "webpush": {
        "ana": (201, {"location": "https://updates.push.services.mozilla.com/m/1"}, ""),
        "gone": (410, _NONE, {"code": 410, "errno": 106, "message": "The subscription is gone"}),
        "odd": (404, _NONE, {"message": "No such subscription"}),
        "large": (413, _NONE, {"message": "Payload is too large"}),
        "key": (401, _NONE, {"message": "Invalid vapid key"}),
    },
}  # fmt: skip
_EACH: dict[str, Answer] = {
    "throttled": (429, {"retry-after": "7"}, {"reason": "TooManyRequests"}),
    "outage": (503, _NONE, {"reason": "Shutdown"}),
    "broken": (500, _NONE, {"reason": "InternalServerError"}),
}


@dataclass
class PushService:
    """What the server got: (path, headers, what was said). `signed_in` are the tokens that it gave."""

    name: str
    port: int = 0
    got: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    signed_in: list[dict[str, Any]] = field(default_factory=list)
    token_answer: Answer = (200, _NONE, {"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"})  # fmt: skip
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> Answer | None:
        """Return an answer; None to hang up after the message was taken."""
        with self.lock:
            if path == "/token":
                return self._token(body)
            who = getattr(self, f"_{self.name}")(path, headers, body)
        if who == "hangs":
            return None
        return ANSWERS[self.name].get(who) or _EACH[who]

    def _token(self, body: bytes) -> Answer:
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        here = f"http://127.0.0.1:{self.port}/token"
        said = jwt.decode(form["assertion"], google().public_key(), ["RS256"], audience=here)
        assert (said["iss"], said["exp"] - said["iat"]) == ("cij@shop.iam.example", 3600)
        self.signed_in.append(said)
        return self.token_answer

    def _fcm(self, path: str, headers: dict[str, str], body: bytes) -> str:
        assert path == "/v1/projects/shop/messages:send"
        assert headers["authorization"] == f"Bearer {TOKEN}"
        said = json.loads(body)["message"]
        self.got.append((path, headers, said))
        return str(said["token"]).removeprefix("token-")

    def _apns(self, path: str, headers: dict[str, str], body: bytes) -> str:
        scheme, _, token = headers["authorization"].partition(" ")
        said = jwt.decode(token, apple().public_key(), ["ES256"])
        assert (scheme, said["iss"]) == ("bearer", "TEAM000001")
        assert jwt.get_unverified_header(token)["kid"] == "KEY0000001"
        assert (headers["apns-topic"], headers["apns-push-type"]) == ("shop.app", "alert")
        self.got.append((path, headers, json.loads(body)))
        return PEOPLE[int(path.removeprefix("/3/device/"), 16)]

    def _webpush(self, path: str, headers: dict[str, str], body: bytes) -> str:
        scheme, _, rest = headers["authorization"].partition(" ")
        parts = dict(part.strip().split("=", 1) for part in rest.split(","))
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw(parts["k"]))
        origin = "https://updates.push.services.mozilla.com"
        said = jwt.decode(parts["t"], public, ["ES256"], audience=origin)
        assert (scheme, said["sub"], headers["ttl"]) == ("vapid", CONTACT, "60")
        assert headers["content-encoding"] == "aes128gcm" and len(headers["topic"]) == 32
        self.got.append((path, headers, json.loads(decrypted(body))))
        return path.removeprefix("/wpush/v2/")


def decrypted(body: bytes) -> bytes:
    """Read a message as the browser does: written after RFC 8188 and RFC 8291, apart from the product."""
    salt, size, length = body[:16], int.from_bytes(body[16:20]), body[20]
    theirs, rest = body[21 : 21 + length], body[21 + length :]
    assert size >= len(rest)
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs)
    shared = browser().exchange(ec.ECDH(), point)
    info = b"WebPush: info\x00" + point_of(browser()) + theirs
    secret = HKDF(hashes.SHA256(), 32, SECRET, info).derive(shared)
    key = HKDF(hashes.SHA256(), 16, salt, b"Content-Encoding: aes128gcm\x00").derive(secret)
    nonce = HKDF(hashes.SHA256(), 12, salt, b"Content-Encoding: nonce\x00").derive(secret)
    plain = AESGCM(key).decrypt(nonce, rest, None).rstrip(b"\x00")
    assert plain.endswith(b"\x02")
    return plain[:-1]


@contextmanager
def service(name: str) -> Iterator[PushService]:
    with (serving_http2 if name == "apns" else serving)(PushService(name)) as found:
        yield found


def account(port: int) -> dict[str, str]:
    here = f"http://127.0.0.1:{port}/token"
    return {"client_email": "cij@shop.iam.example", "private_key": pem(google()), "token_uri": here}


def settings(name: str, port: int, **more: Any) -> ApiSettings:
    key, options = {
        "fcm": (json.dumps(account(port)), {"project": "shop"}),
        "apns": (pem(apple()), {"key_id": "KEY0000001", "team": "TEAM000001", "topic": "shop.app"}),
        "webpush": (pem(apple()), {"contact": CONTACT, "ttl": "60"}),
    }[name]
    url = f"http://127.0.0.1:{port}"
    return ApiSettings(name, key, options, url, timeout_s=5.0, **more)


def sent(found: PushService, *batch: Prepared, transport: Transport | None = None) -> list[Outcome]:
    outcomes = (transport or open_transport(settings(found.name, found.port))).deliver(batch)
    by_key = {one.key: one for one in outcomes}
    return [by_key[one.key] for one in batch]


EACH = pytest.mark.parametrize("name", ["fcm", "apns", "webpush"])


@EACH
def test_a_push_message_arrives_as_it_was_written(name: str) -> None:
    with service(name) as found:
        one = message(name, "ana")
        [outcome] = sent(found, one)
    ids = {
        "fcm": "projects/shop/messages/1",
        "apns": "A-1",
        "webpush": "https://updates.push.services.mozilla.com/m/1",
    }
    assert outcome == Outcome(one.key, "delivered", provider_id=ids[name])
    [(_, _, said)] = found.got
    if name == "fcm":
        assert said["notification"] == {"title": "Hi", "body": "Grüße"}
        assert said["data"] == {"cij_key": one.key}
    elif name == "apns":
        assert said["aps"]["alert"] == {"title": "Hi", "body": "Grüße"}
        assert said["cij_key"] == one.key
    else:
        assert said == {"title": "Hi", "body": "Grüße", "cij_key": one.key}


@EACH
def test_a_device_that_is_gone_is_a_hard_bounce(name: str) -> None:
    with service(name) as found:
        people = ("ana", "gone", "odd", "large", "ana")
        batch = [message(name, who, n) for n, who in enumerate(people)]
        outcomes = sent(found, *batch)
    assert [one.status for one in outcomes] == ["delivered", *["failed"] * 3, "delivered"]
    assert [one.is_bounce for one in outcomes] == [False, True, True, False, False]
    assert all(one.code for one in outcomes[1:4])


@EACH
@pytest.mark.parametrize("why", ["throttled", "outage", "key"])
def test_a_push_service_that_takes_nothing_is_asked_once(name: str, why: str) -> None:
    with service(name) as found:
        batch = [message(name, why if n == 0 else "ana", n) for n in range(9)]
        outcomes = sent(found, *batch)
    assert {one.status for one in outcomes} == {"unsent"} and len(found.got) == 1
    assert ("key" in (outcomes[0].reason or "")) == (why == "key")
    if name != "fcm":
        nobody = sent(found, *batch)
        assert {one.status for one in nobody} == {"unsent"}


@EACH
@pytest.mark.parametrize("why", ["hangs", "broken"])
def test_what_a_push_service_did_not_confirm_is_uncertain(name: str, why: str) -> None:
    with service(name) as found:
        outcomes = sent(found, message(name, "ana"), message(name, why, 1), message(name, "ana", 2))
    first, lost, other = (one.status for one in outcomes)
    assert (first, lost) == ("delivered", "uncertain")
    # Messages by HTTP/2 share a connection, so one that breaks off leaves all of them open.
    shares = name == "apns" and why == "hangs"
    assert other == "delivered" or (shares and other == "uncertain")
    assert sum(said.get("cij_key") == "welcome:1:push:0" for _, _, said in found.got) <= 1


def test_a_token_of_google_is_used_for_its_time() -> None:
    with service("fcm") as found:
        transport = open_transport(settings("fcm", found.port))
        for n in range(3):
            assert (
                sent(found, message("fcm", "ana", n), transport=transport)[0].status == "delivered"
            )
        assert len(found.signed_in) == 1
        # After an answer that it is not valid, the next batch asks for a new one.
        assert sent(found, message("fcm", "key"), transport=transport)[0].status == "unsent"
        assert sent(found, message("fcm", "ana"), transport=transport)[0].status == "delivered"
        assert len(found.signed_in) == 2
        # One that ends soon is used once.
        found.token_answer = (200, _NONE, {"access_token": TOKEN, "expires_in": 299})
        brief = open_transport(settings("fcm", found.port))
        for n in range(2):
            assert sent(found, message("fcm", "ana", n), transport=brief)[0].status == "delivered"
        assert len(found.signed_in) == 4


@pytest.mark.parametrize(
    "answer",
    [
        (400, _NONE, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}),
        (200, _NONE, {"access_token": "bad\r\ntoken"}),
        (500, _NONE, "<html>"),
        (200, _NONE, {}),
    ],
)
def test_without_a_token_nothing_is_sent(answer: Answer) -> None:
    with service("fcm") as found:
        found.token_answer = answer
        outcomes = sent(found, *(message("fcm", "ana", n) for n in range(3)))
    assert {one.status for one in outcomes} == {"unsent"} and not found.got
    assert "gives no token" in (outcomes[0].reason or "")


def test_the_encryption_is_that_of_the_example_of_rfc_8291() -> None:
    private = raw("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")
    own = ec.derive_private_key(int.from_bytes(private), ec.SECP256R1())
    point = raw(
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    )
    theirs = Browser(point, raw("BTBZMqHH6r4Tts7J_aSIgg"))
    salt = raw("DGv6ra1nlYgDCS1FRnbzlw")
    found = encrypted(b"When I grow up, I want to be a watermelon", theirs, own, salt)
    assert b64(found) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tlz"
        "AC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


# An address of a browser -> whether it can never work; else it is of a service that nobody knows.
ODD_ADDRESSES = {
    "none": True,
    "[]": True,
    "5": True,
    "[" * 2000: True,
    subscription("ana", endpoint=7): True,
    subscription("ana", endpoint="https://[::1"): True,
    subscription("ana", endpoint="http://fcm.googleapis.com/x"): True,
    subscription("ana", endpoint="https://fcm.googleapis.com:8443/x"): True,
    subscription("ana", keys={"p256dh": "x", "auth": "y"}): True,
    subscription("ana", keys={"p256dh": b64(b"\4" + b"x" * 64), "auth": b64(SECRET)}): True,
    subscription("ana", endpoint="https://127.0.0.1/x"): False,
    subscription("ana", endpoint="https://169.254.169.254/latest"): False,
    subscription("ana", endpoint="https://fcm.googleapis.com.evil.example/x"): False,
    subscription("ana", endpoint="https://evilpush.apple.com.example/x"): False,
    subscription("ana", endpoint="https://u@fcm.googleapis.com/x"): False,
}


def test_only_push_services_of_browsers_are_called() -> None:
    with service("webpush") as found:
        whole = message("webpush", "ana")
        for n, (odd, is_bounce) in enumerate(ODD_ADDRESSES.items()):
            [one] = sent(found, replace(whole, key=f"k{n}", address=odd))
            assert (one.status, one.is_bounce) == ("failed", is_bounce), odd[:80]
        assert found.got == []
        [long] = sent(found, replace(whole, text="x" * 4000))
        assert long.status == "failed" and not long.is_bounce
        own = settings("webpush", found.port)
        more = replace(
            own, options={**own.options, "hosts": ".push.browser.example push.b.example"}
        )
        for host in ("push.b.example", "eu.push.browser.example"):
            other = replace(
                whole, address=subscription("", endpoint=f"https://{host}/wpush/v2/ana")
            )
            # The server of the test knows one origin alone, and hangs up for others.
            assert sent(found, other, transport=open_transport(more))[0].status == "uncertain"


def test_a_token_that_apple_cannot_have_given_is_not_asked_for() -> None:
    with service("apns") as found:
        for odd in ("../../x", "abc", "g" * 64, "0" * 64 + "/x"):
            [one] = sent(found, replace(message("apns", "ana"), address=odd))
            assert (one.status, one.is_bounce) == ("failed", True)
    assert found.got == []


PUSH = '[delivery.push]\nkey_env = "K"\n'
APNS = f'{PUSH}kind = "apns"\nkey_id = "KEY0000001"\nteam = "TEAM000001"\ntopic = "shop.app"\n'
WEBPUSH = f'{PUSH}kind = "webpush"\ncontact = "{CONTACT}"\n'
TABLES = {
    f'{PUSH}kind = "fcm"\n': "",
    f"{APNS}sandbox = true\n": "",
    f'{WEBPUSH}hosts = [".push.b.example"]\nttl_seconds = 60\n': "",
    f'{PUSH}kind = "apns"\n': "`key_id` is missing",
    APNS.replace("KEY0000001", "KEY"): "key_id",
    WEBPUSH.replace("mailto:", ""): "mailto:",
    f'{WEBPUSH}hosts = ["https://b.example"]\n': "is no host",
    '[delivery.push]\nkind = "twilio"\n': "can be files, fcm, apns or webpush",
}


def test_settings_of_push(tmp_path: Path) -> None:
    file = tmp_path / "cij.toml"
    for table, fault in TABLES.items():
        file.write_text(TOML + table)
        if fault:
            with pytest.raises(ConfigError) as error:
                load_settings(file)
            assert fault in str(error.value), table
        else:
            load_settings(file)


RAW = b64(apple().private_numbers().private_value.to_bytes(32))
# The table and the value of the variable -> what `cij doctor` says of it.
KEYS: list[tuple[str, str | None, str]] = [
    (f'{PUSH}kind = "fcm"\n', None, "the variable K is not set"),
    (f'{PUSH}kind = "fcm"\n', "SECRET", "K holds no service account"),
    (f'{PUSH}kind = "fcm"\n', '{"project_id": "x"}', "`client_email` is wrong"),
    (f'{PUSH}kind = "fcm"\n', json.dumps({**account(1), "project_id": "x", "private_key": "SECRET"}), "no private key for RS256"),
    (f'{PUSH}kind = "fcm"\n', json.dumps({**account(1), "project_id": "x", "token_uri": "http://x.example"}), "`token_uri` is wrong"),
    (f'{PUSH}kind = "fcm"\n', json.dumps({**account(1), "project_id": "x"}, indent=1), "127.0.0.1:1"),
    (APNS, "SECRET", "no private key for ES256"),
    (APNS, pem(google()), "no private key for ES256"),
    (APNS, pem(apple()), "127.0.0.1:1"),
    (APNS, pem(apple()).replace("\n", "\\n"), "127.0.0.1:1"),
    (WEBPUSH, "SECRET", "no private key of VAPID"),
    (WEBPUSH, pem(google()), "no private key of VAPID"),
    (WEBPUSH, RAW, "127.0.0.1:1"),
]  # fmt: skip


def test_doctor_looks_at_the_keys_and_shows_none(
    tmp_path: Path, cij: Cij, monkeypatch: pytest.MonkeyPatch
) -> None:
    for table, value, said in KEYS:
        monkeypatch.setenv("K", value or "")
        (tmp_path / "cij.toml").write_text(f'{TOML}{table}url = "http://127.0.0.1:1"\n')
        told = cij("doctor", tmp_path)
        [line] = [line for line in told.out.splitlines() if " push " in f" {line} "]
        assert said in line, line
        assert "SECRET" not in told.out + told.err and "PRIVATE" not in told.out
