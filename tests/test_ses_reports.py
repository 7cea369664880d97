"""Reports of Amazon SES, by SNS: believed with a signature by a certificate of AWS, and for one topic alone."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from cij.app.config import load_settings
from cij.cli.exits import Exit
from cij.runtime.delivery.provider_marks import marks_of
from cij.runtime.errors import ConfigError
from cij.service.problems import Problem
from cij.service.providers import ses
from cij.service.providers.as_it_came import Report
from cij.service.providers.fetching import fetched
from tests import sns_bed
from tests.conftest import Cij
from tests.service_bed import TOML, served, shop_project

KEY = "thank:1:mail:0"
TABLE = f'[service.callbacks]\nses_topic = "{sns_bed.TOPIC}"\n'
# What the headers of a mail tell SES, which hands them back as lists.
[(_, _TAGS)] = marks_of(["ses"], "shop:1", KEY)
MAIL = {
    "messageId": "0102", "timestamp": "2026-03-02T09:00:00.000Z", "destination": ["ana@example.com"],
    "tags": {n: [v] for n, _, v in (tag.partition("=") for tag in _TAGS.split(", "))} | {"ses:from-domain": ["shop.example"]},
}  # fmt: skip
AT = "2026-03-02T09:00:01.500Z"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15"


class Outside:
    """What is at addresses outside, and which were asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.is_down = False

    def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        if self.is_down:
            raise OSError("no way there")
        return sns_bed.certificate() if url == sns_bed.CERTIFICATE else b"<ConfirmResponse/>"


def told(body: bytes, fetch: Callable[[str], bytes] | None = None) -> list[dict[str, Any]]:
    return ses.rows_of(Report(body, {}, "", sns_bed.TOPIC, fetch or Outside()))


def report(kind: str, by: str = "eventType", mail: Any = MAIL, **details: Any) -> dict[str, Any]:
    return {by: kind, "mail": mail, kind.lower(): {"timestamp": AT, **details}}


BOUNCED = [{"emailAddress": "ana@example.com", "action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 unknown"}]  # fmt: skip
REPORTS: list[tuple[dict[str, Any], str | None, dict[str, Any]]] = [
    (report("Delivery", recipients=["ana@example.com"], smtpResponse="250 ok"), "delivered", {}),
    (report("Bounce", bounceType="Permanent", bouncedRecipients=BOUNCED), "bounced", {"reason": "smtp; 550 5.1.1 unknown"}),
    (report("Bounce", bounceType="Transient", bouncedRecipients=BOUNCED), None, {}),
    (report("Bounce", by="notificationType", bounceType="Permanent", bouncedRecipients=BOUNCED), "bounced", {"reason": "smtp; 550 5.1.1 unknown"}),
    (report("Complaint", complainedRecipients=[{"emailAddress": "ana@example.com"}], complaintFeedbackType="abuse"), "complained", {}),
    (report("Complaint", complainedRecipients=[{"emailAddress": "ana@example.com"}], complaintFeedbackType="not-spam"), None, {}),
    (report("Open", userAgent=SAFARI, ipAddress="192.0.2.1"), "opened", {}),
    (report("Open", userAgent="Mozilla/5.0"), "opened_by_machine", {"sign": "apple privacy"}),
    (report("Click", userAgent=SAFARI, link="https://shop.example/?a=1"), "clicked", {"link": "https://shop.example/?a=1"}),
    (report("Click", userAgent="curl/8", link="https://shop.example/"), "clicked_by_machine", {"sign": "program", "link": "https://shop.example/"}),
    (report("Subscription", newTopicPreferences={"unsubscribeAll": True}), "unsubscribed", {}),
    (report("Subscription", newTopicPreferences={"unsubscribeAll": False}), None, {}),
    (report("Send"), None, {}),
    (report("DeliveryDelay"), None, {}),
    ({"eventType": 5, "mail": [], "bounce": 5}, None, {}),
    ({"eventType": "Bounce", "mail": 5, "bounce": {"bounceType": "Permanent", "bouncedRecipients": 7}}, None, {}),
]  # fmt: skip


@pytest.mark.parametrize("n", range(len(REPORTS)))
def test_what_reports_become(n: int) -> None:
    given, event, fields = REPORTS[n]
    rows = told(sns_bed.signed(given))
    if event is None:
        assert rows == []
        return
    [row] = rows
    assert row == {
        "event": event, "id": "ses 22b80b92-fdea 0", "customer": "shop:1", "channel": "email",
        "message_key": KEY, "fields": fields, "at": "2026-03-02T09:00:01.500000Z",
    }  # fmt: skip


def test_without_tags_the_address_says_who_it_was() -> None:
    for tags in (None, {"cij_customer": ["%%%"]}, {"cij_customer": "shop:1"}, 5):
        given = report("Delivery", mail={**MAIL, "tags": tags}, recipients=["ana@example.com"])
        [row] = told(sns_bed.signed(given))
        assert (row["customer"], row["message_key"]) == ("ana@example.com", None)
    # A tag that SES would not take is left out.
    assert list(marks_of(["ses"], "", "k" * 300)) == []


def test_a_subscription_is_confirmed_once_it_is_proven() -> None:
    outside = Outside()
    assert told(sns_bed.signed("Confirm", "SubscriptionConfirmation"), outside) == []
    assert outside.asked == [sns_bed.CERTIFICATE, sns_bed.CONFIRM]
    assert told(sns_bed.signed("Bye", "UnsubscribeConfirmation"), outside) == []
    # The certificate is kept, and the end of a subscription is not undone.
    assert outside.asked[2:] == []


HOSTILE: dict[str, dict[str, Any]] = {
    "another topic": {"TopicArn": sns_bed.TOPIC + "x"},
    "another text": {"Message": "{}"},
    "another time": {"Timestamp": "2026-03-02T09:00:00.001Z"},
    "a subject that was not signed": {"Subject": "x"},
    "no signature": {"Signature": None},
    "no base64": {"Signature": "%"},
    "an unknown version": {"SignatureVersion": "3"},
    "an unknown kind": {"Type": "Order"},
    "a certificate of a bucket": {"SigningCertURL": "https://evil.s3.eu-west-1.amazonaws.com/SimpleNotificationService-0a0a0a0a0a0a0a0a0a0a0a0a.pem"},
    "of a name that begins so": {"SigningCertURL": sns_bed.CERTIFICATE.replace("amazonaws.com", "amazonaws.com.evil.example")},
    "behind a user": {"SigningCertURL": sns_bed.CERTIFICATE.replace("https://", "https://sns.eu-west-1.amazonaws.com@evil.example/")},
    "by http": {"SigningCertURL": sns_bed.CERTIFICATE.replace("https", "http")},
    "with a port": {"SigningCertURL": sns_bed.CERTIFICATE.replace(".com/", ".com:8443/")},
    "of another region": {"SigningCertURL": sns_bed.CERTIFICATE.replace("eu-west-1", "us-east-1")},
    "of another path": {"SigningCertURL": sns_bed.HOST + "/x/../evil.pem"},
    "of no address": {"SigningCertURL": "https://[::1"},
    "of a number": {"SigningCertURL": 5},
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_nothing_else_is_believed(what: str) -> None:
    outside = Outside()
    with pytest.raises(Problem) as problem:
        told(sns_bed.signed(report("Open"), **HOSTILE[what]), outside)
    assert problem.value.status == 403
    assert set(outside.asked) <= {sns_bed.CERTIFICATE}


@pytest.mark.parametrize("url", ["https://evil.example/?Action=ConfirmSubscription", sns_bed.HOST, sns_bed.CONFIRM + "x"])  # fmt: skip
def test_no_other_address_is_called_to_confirm(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who has a right signature still cannot have the service call any address."""
    wrong = (
        url if url != sns_bed.CONFIRM + "x" else sns_bed.CONFIRM.replace("123456789012", "9" * 12)
    )
    monkeypatch.setattr(sns_bed, "CONFIRM", wrong)
    outside = Outside()
    with pytest.raises(Problem):
        told(sns_bed.signed("x", "SubscriptionConfirmation"), outside)
    assert outside.asked in ([], [sns_bed.CERTIFICATE])


def test_sns_that_cannot_be_reached_is_asked_again() -> None:
    outside = Outside()
    outside.is_down = True
    for _ in range(2):
        with pytest.raises(Problem) as problem:
            told(sns_bed.signed(report("Open")), outside)
        assert problem.value.status == 503
    outside.is_down = False
    assert len(told(sns_bed.signed(report("Open", userAgent=SAFARI), version="1"), outside)) == 1
    with pytest.raises(Problem) as problem:
        told(sns_bed.signed(report("Open")), lambda url: b"-----BEGIN CERTIFICATE-----\nx")
    assert problem.value.status == 403


def test_only_a_little_is_fetched_and_no_redirect_followed() -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            size = 70_000 if self.path == "/large" else 5
            self.send_response(302 if self.path == "/moved" else 200)
            self.send_header("location", "/")
            self.send_header("content-length", str(size))
            self.end_headers()
            self.wfile.write(b"x" * size)

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    root = f"http://127.0.0.1:{server.server_port}"
    try:
        assert fetched(root + "/") == b"xxxxx"
        for path in ("/large", "/moved"):
            with pytest.raises(OSError):
                fetched(root + path)
    finally:
        server.shutdown()
        server.server_close()
    with pytest.raises(OSError):
        fetched(root + "/")


@pytest.mark.slow
def test_a_hard_bounce_puts_the_address_on_the_list(tmp_path: Path) -> None:
    with served(shop_project(tmp_path / "shop", TABLE)) as bed:
        bed.service.house.fetch = Outside()
        body = sns_bed.signed(report("Bounce", bounceType="Permanent", bouncedRecipients=BOUNCED))
        # As SNS posts it.
        head = {
            "content-type": "text/plain; charset=UTF-8",
            "x-amz-sns-message-type": "Notification",
        }
        for _ in range(2):
            answer = bed.http.post("/v1/callbacks/ses", content=body, headers=head)
            assert (answer.status_code, answer.json()) == (200, {"accepted": 1})
        bed.settled(lambda: len(bed.events("bounced")) == 1, "it is there once")
        entries = bed.ask("suppression", suppress="list")["entries"]
        assert [e["address"] for e in entries] == ["ana@example.com"]


def test_doctor_says_where_reports_come_in(
    tmp_path: Path, cij: Cij, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cij.toml"
    file.write_text(f'{TOML}{TABLE}sendgrid_key_env = "SENDGRID_PUBLIC"\n')
    monkeypatch.delenv("SENDGRID_PUBLIC", raising=False)
    told = cij("doctor", tmp_path).out
    assert "[service] has no `url`, so ses can be given no address" in told
    assert "the variable SENDGRID_PUBLIC is not set" in told
    file.write_text(f'{TOML}[service]\nurl = "https://e.shop.example"\n{TABLE}')
    assert "come to https://e.shop.example/v1/callbacks/ses" in cij("doctor", tmp_path).out


def test_the_topic_is_one(tmp_path: Path, cij: Cij) -> None:
    file = tmp_path / "cij.toml"
    file.write_text(f'{TOML}[service.callbacks]\nses_topic = "ses-reports"\n')
    with pytest.raises(ConfigError, match="ses_topic"):
        load_settings(file)
    assert cij("doctor", tmp_path).code == Exit.CONFIG
