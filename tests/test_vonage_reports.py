"""Reports of Vonage and replies: signed by a token or by a hash, and believed only then."""

import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest

from cij.service.problems import Problem
from cij.service.providers import vonage
from cij.service.providers.as_it_came import Report
from tests.service_bed import served, shop_project

SECRET = "signature-secret-of-vonage-" * 3
KEY = "thank:1:mail:0"
FORM = "application/x-www-form-urlencoded"
# As the documents of the SMS API show it.
RECEIPT = {
    "msisdn": "34600000001", "to": "Shop", "network-code": "21407", "messageId": "0A0000001234567B",
    "price": "0.03330000", "status": "delivered", "scts": "2603020900", "err-code": "0",
    "api-key": "abcd1234", "client-ref": KEY, "message-timestamp": "2026-03-02 09:00:00",
}  # fmt: skip
REPLY = {
    "msisdn": "34600000001", "to": "34910000000", "messageId": "0A0000000123ABCD1", "text": "Yes = & please",
    "type": "text", "keyword": "YES", "api-key": "abcd1234", "message-timestamp": "2026-03-02 09:00:00",
}  # fmt: skip
# As those of the Messages API do.
MESSAGE = {
    "channel": "sms", "message_uuid": "aaaaaaaa-bbbb", "to": "34910000000", "from": "34600000001",
    "timestamp": "2026-03-02T09:00:00Z", "text": "Yes", "message_type": "text",
}  # fmt: skip


def token(body: bytes, secret: str = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    claims = {
        "iat": int(time.time()), "jti": "c5ba8f24", "iss": "Vonage", "api_key": "abcd1234",
        "payload_hash": hashlib.sha256(body).hexdigest(), **changes,
    }  # fmt: skip
    return jwt.encode(claims, secret, algorithm)


def by_token(found: Any, **changes: Any) -> Report:
    body = json.dumps(found).encode()
    head = {"content-type": "application/json", "authorization": f"Bearer {token(body, **changes)}"}
    return Report(body, head, "", SECRET)


def hashed(found: dict[str, str], secret: str = SECRET, digest: str = "sha256") -> dict[str, str]:
    given = {**found, "timestamp": "1772442000", "nonce": "aaaaaaaa-bbbb"}
    said = "".join(
        f"&{name}={given[name].replace('&', '_').replace('=', '_')}" for name in sorted(given)
    )
    sig = hmac.new(secret.encode(), said.encode(), digest).hexdigest()
    return {**given, "sig": sig.upper()}


def by_hash(found: dict[str, str], **more: str) -> Report:
    body = urlencode(hashed(found, **more)).encode()
    return Report(body, {"content-type": FORM}, "", SECRET)


def row(event: str, id: str, key: str | None = KEY, **fields: str) -> dict[str, Any]:
    return {
        "event": event, "id": f"vonage {id}", "customer": "+34600000001", "channel": "sms",
        "message_key": key, "fields": fields, "at": "2026-03-02T09:00:00Z",
    }  # fmt: skip


@pytest.mark.parametrize("signed", [by_token, by_hash])
def test_what_reports_become(signed: Any) -> None:
    def told(**changes: str) -> list[Any]:
        return vonage.rows_of(signed({**RECEIPT, **changes}))

    id = RECEIPT["messageId"]
    assert told() == [row("delivered", f"{id} delivered")]
    gone = {"status": "failed", "err-code": "9"}
    assert told(**gone) == [row("bounced", f"{id} bounced", reason="error 9")]
    for passing in ({"status": "failed", "err-code": "2"}, {"status": "expired"}, {"status": "buffered"}):  # fmt: skip
        assert told(**passing) == []
    # A key that was cut is no key: then the number says who it was.
    assert told(**{"client-ref": "k" * 100})[0]["message_key"] is None
    assert told(messageId="") == [] and told(msisdn="") == []
    [reply] = vonage.rows_of(signed(REPLY))
    assert reply == row("replied", REPLY["messageId"], None, text="Yes = & please")
    assert "at" not in told(**{"message-timestamp": "yesterday"})[0]


def test_replies_of_the_messages_api_and_hashes_in_json() -> None:
    assert vonage.rows_of(by_token(MESSAGE)) == [row("replied", "aaaaaaaa-bbbb", None, text="Yes")]
    body = json.dumps(hashed(RECEIPT, digest="sha512")).encode()
    assert len(vonage.rows_of(Report(body, {"content-type": "application/json"}, "", SECRET))) == 1


def refused(report: Report) -> None:
    with pytest.raises(Problem) as problem:
        vonage.rows_of(report)
    assert problem.value.status in (400, 403)


def test_other_tokens_are_not_believed() -> None:
    for changes in (
        {"secret": "guess-that-is-as-long-as-" * 3},
        {"payload_hash": hashlib.sha256(b"{}").hexdigest()},
        {"payload_hash": None},
        {"exp": 5},
        {"iat": int(time.time()) + 3600},
        {"algorithm": "HS512"},
        {"secret": "", "algorithm": "none"},
    ):
        refused(by_token(RECEIPT, **changes))
    # Without its secret nothing is proven, not even by one who knows that there is none.
    body = json.dumps(RECEIPT).encode()
    refused(Report(body, {"authorization": "Bearer x.y.z"}, "", SECRET))
    refused(Report(body, {"authorization": "Basic eDp5"}, "", SECRET))


def test_other_hashes_are_not_believed() -> None:
    refused(by_hash(RECEIPT, secret="guess"))
    refused(by_hash(RECEIPT, digest="md5"))
    changed = hashed(RECEIPT) | {"status": "failed", "err-code": "9"}
    refused(Report(urlencode(changed).encode(), {"content-type": FORM}, "", SECRET))
    unsigned = Report(urlencode(RECEIPT).encode(), {"content-type": FORM}, "", SECRET)
    refused(unsigned)
    refused(Report(urlencode(hashed(RECEIPT, secret="")).encode(), {"content-type": FORM}, "", ""))
    refused(Report(b"&".join([b"a=1"] * 200), {"content-type": FORM}, "", SECRET))
    refused(Report(b"[]", {}, "", SECRET))


@pytest.mark.slow
def test_a_report_about_nobody_is_put_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VONAGE_SIGNATURE", SECRET)
    more = '[service.callbacks]\nvonage_signature_env = "VONAGE_SIGNATURE"\n'
    with served(shop_project(tmp_path / "shop", more)) as bed:
        given = by_token(RECEIPT)
        for head, status in ((given.headers, 200), ({"authorization": "Bearer x"}, 403)):
            answer = bed.http.post("/v1/callbacks/vonage", content=given.body, headers=dict(head))
            assert answer.status_code == status, answer.text
        # The shop knows no numbers.
        reason = 'there is no customer \\"+34600000001\\"'
        bed.settled(
            lambda: reason in json.dumps(bed.ask("quarantine", action="list")), "it is there"
        )
