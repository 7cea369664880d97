"""Reports of SendGrid and Twilio: signed as they document it, and believed only then."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cij.cli.exits import Exit
from tests.conftest import Cij
from tests.service_bed import Bed, served, shop_project

URL, TOKEN = "https://events.shop.example", "token-of-twilio"
TABLE = f"""
[service]
url = "{URL}"
[service.callbacks]
sendgrid_key_env = "SENDGRID_PUBLIC"
twilio_token_env = "TWILIO_TOKEN"
"""
KEY = ec.generate_private_key(ec.SECP256R1())
MARKS = {"cij_customer": "shop:1", "cij_key": "thank:1:mail:0"}


def public(key: Any) -> str:
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENDGRID_PUBLIC", public(KEY))
        patch.setenv("TWILIO_TOKEN", TOKEN)
        folder = shop_project(tmp_path_factory.mktemp("signed") / "shop", TABLE)
        with served(folder) as found:
            yield found


def sendgrid(bed: Bed, events: Any, **changes: str) -> Any:
    """Post a report as SendGrid does; `changes` are headers in place of the right ones."""
    body = events if isinstance(events, bytes) else json.dumps(events, indent=1).encode()
    stamp = "1772442000"
    signed = KEY.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    headers = {"signature": base64.b64encode(signed).decode(), "timestamp": stamp, **changes}
    named: Any = {
        f"X-Twilio-Email-Event-Webhook-{name.title()}".encode(): value.encode()
        for name, value in headers.items()
    }
    return bed.http.post("/v1/callbacks/sendgrid", content=body, headers=named)


def twilio(
    bed: Bed, said: dict[str, str], *, marks: dict[str, str] = MARKS, token: str = TOKEN
) -> Any:
    """Post a report as Twilio does."""
    path = f"/v1/callbacks/twilio{'?' if marks else ''}{urlencode(marks)}"
    text = f"{URL}{path}" + "".join(name + said[name] for name in sorted(said))
    signed = base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest())
    return bed.http.post(path, data=said, headers={"X-Twilio-Signature": signed.decode()})


def test_reports_of_sendgrid(bed: Bed) -> None:
    about = {"email": "ana@example.com", "timestamp": 1772442000, **MARKS}
    report = [
        {**about, "event": "open", "sg_event_id": "1"},
        {**about, "event": "open", "sg_event_id": "2", "sg_machine_open": True},
        {**about, "event": "click", "sg_event_id": "3", "url": "https://shop.example/?a=ü"},
        {**about, "event": "bounce", "sg_event_id": "4", "type": "blocked", "reason": "busy"},
        {**about, "event": "processed", "sg_event_id": "5"},
        {"email": "bo@example.com", "timestamp": 1e400, "event": "bounce", "sg_event_id": "6", "reason": "550"},
        {"event": []}, 5, None,
    ]  # fmt: skip
    done = sendgrid(bed, json.dumps(report).replace("Infinity", "1e400").encode())
    assert done.status_code == 200 and done.json() == {"accepted": 4}
    bed.settled(lambda: bool(bed.events("bounced")), "they are taken in")
    [opened], [machine] = bed.events("opened"), bed.events("opened_by_machine")
    assert opened["message_key"] == MARKS["cij_key"] and str(opened["at"]) == "2026-03-02 09:00:00"
    assert machine["sign"] == "sendgrid" and opened["customer"] == machine["customer"]
    assert bed.events("clicked")[0]["link"] == "https://shop.example/?a=ü"
    assert bed.events("bounced")[0]["reason"] == "550"
    entries = bed.ask("suppression", suppress="list")["entries"]
    assert [e["address"] for e in entries] == ["bo@example.com"]
    # The same report again changes nothing.
    assert sendgrid(bed, report[:1]).status_code == 200
    for changes in (
        {"signature": "AAAA"},
        {"signature": "é"},
        {"signature": ""},
        {"timestamp": "1772442001"},
    ):
        assert sendgrid(bed, report[:1], **changes).status_code == 403, changes
    assert bed.http.post("/v1/callbacks/sendgrid", content=b"[]").status_code == 403
    assert sendgrid(bed, {"event": "open"}).status_code == 400 == sendgrid(bed, b"[").status_code
    bed.post("/v1/events/purchase", {"customer": "shop:1"})
    bed.settled(lambda: bool(bed.events("purchase")), "a later event is taken in")
    assert len(bed.events("opened")) == 1


def test_reports_of_twilio(bed: Bed) -> None:
    about = {"MessageSid": "SM1", "To": "+34600000001", "AccountSid": "AC1", "Odd": "ñ +&="}
    assert twilio(bed, {**about, "MessageStatus": "sent"}).json() == {"accepted": 0}
    assert twilio(bed, {**about, "MessageStatus": "undelivered", "ErrorCode": "30003"}).json() == {
        "accepted": 0
    }
    gone = {**about, "MessageStatus": "undelivered", "ErrorCode": "30006"}
    assert twilio(bed, gone).json() == twilio(bed, gone).json() == {"accepted": 1}
    reply = {
        "MessageSid": "SM2",
        "From": "ana@example.com",
        "SmsStatus": "received",
        "Body": "Yes ñ",
    }
    assert twilio(bed, reply, marks={}).json() == {"accepted": 1}
    stop = {**reply, "MessageSid": "SM3", "Body": "STOP", "OptOutType": "STOP"}
    assert twilio(bed, stop, marks={}).json() == {"accepted": 1}
    bed.settled(lambda: bool(bed.events("unsubscribed")), "they are taken in")
    [bounced] = [row for row in bed.events("bounced") if row["channel"] == "sms"]
    assert bounced["reason"] == "error 30006" and bounced["message_key"] == MARKS["cij_key"]
    assert [row["text"] for row in bed.events("replied")] == ["Yes ñ"]
    assert bed.events("unsubscribed")[0]["channel"] == "sms"
    # Neither the form nor the address can be changed, and a form has its bounds.
    path = "/v1/callbacks/twilio"
    assert twilio(bed, gone, token="guess").status_code == 403
    assert bed.http.post(path, data=gone).status_code == 403
    headers: Any = {b"X-Twilio-Signature": "é".encode()}
    assert (
        bed.http.post(f"{path}?cij_customer=shop:2", data=gone, headers=headers).status_code == 403
    )
    assert bed.http.post(path, content=b"a=1&" * 300).status_code == 400
    assert bed.http.post(path, content=b"\xff\xfe").status_code == 403


def test_a_key_that_proves_nothing_is_refused_before_anything_is_served(
    tmp_path: Path, cij: Cij, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shop_project(tmp_path / "p", TABLE)
    monkeypatch.setenv("TWILIO_TOKEN", TOKEN)
    wrong = public(rsa.generate_private_key(65537, 2048))
    for key in ("no key", "", wrong):
        monkeypatch.setenv("SENDGRID_PUBLIC", key)
        done = cij("serve", folder, "--http", "127.0.0.1:0")
        assert (
            done.code == Exit.CONFIG
            and "SENDGRID_PUBLIC" in done.err + "SENDGRID_PUBLIC" * bool(key)
        )
        assert not key or "sendgrid_key_env" in done.err
