"""Reports of mail providers become events of the customer, if they are signed or come with a key."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

from cij.cli.exits import Exit
from cij.runtime.delivery.provider_marks import MARKS
from cij.service.providers import KEYED, SIGNED
from tests.conftest import Cij
from tests.service_bed import Bed, served, shop_project

SECRET = "key-of-mailgun"
TABLE = '[service.callbacks]\nmailgun_key_env = "MAILGUN_KEY"\npostmark = true\n'


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAILGUN_KEY", SECRET)
        folder = shop_project(tmp_path_factory.mktemp("reports") / "shop", TABLE)
        with served(folder) as found:
            yield found


def mailgun(report: dict[str, Any], secret: str = SECRET) -> dict[str, Any]:
    """Return a report as Mailgun's documents show it, signed."""
    stamp, token = "1772442000", "a" * 50
    signed = hmac.new(secret.encode(), (stamp + token).encode(), hashlib.sha256).hexdigest()
    signature = {"timestamp": stamp, "token": token, "signature": signed}
    whole = {"id": "x", "timestamp": 1772442000.5, "recipient": "ana@example.com", **report}
    return {"signature": signature, "event-data": whole}


def sent(bed: Bed) -> dict[str, str]:
    """Send a mail, and return the headers by which it is known in reports."""
    if not any((bed.folder / "outbox").rglob("*.eml")):
        bed.post("/v1/events/purchase", {"customer": "shop:1"})
    bed.settled(lambda: any((bed.folder / "outbox").rglob("*.eml")), "the mail is there")
    [file] = (bed.folder / "outbox").rglob("*.eml")
    mail = message_from_bytes(file.read_bytes())
    marks = {k: mail[f"X-PM-Metadata-{k}"] for k in ("cij_customer", "cij_key")}
    assert str(marks) == str(marks | json.loads(mail["X-Mailgun-Variables"]))
    return marks


def told(bed: Bed, event: str, id: str) -> dict[str, Any]:
    bed.settled(lambda: any(e["id"] == id for e in bed.events(event)), f"{event} {id} is there")
    [found] = [e for e in bed.events(event) if e["id"] == id]
    return found


@pytest.mark.slow
def test_reports_of_mailgun(bed: Bed) -> None:
    marks, path = sent(bed), "/v1/callbacks/mailgun"

    def post(**report: Any) -> int:
        whole = mailgun({"user-variables": marks, **report})
        answer = bed.http.post(path, json=whole)
        assert answer.status_code == 200, answer.text
        return int(answer.json()["accepted"])

    assert post(event="opened", id="m-1") == 1
    assert post(event="opened", id="m-2", **{"client-info": {"bot": "apple"}}) == 1
    assert post(event="clicked", id="m-3", url="https://shop.example/?a=1") == 1
    assert post(event="failed", severity="temporary", id="m-4") == 0
    assert post(event="accepted", id="m-5") == 0 and post(event=5, id=[]) == 0
    assert told(bed, "opened_by_machine", "mailgun m-2")["sign"] == "apple"
    opened = told(bed, "opened", "mailgun m-1")
    assert opened["message_key"] == marks["cij_key"] and opened["channel"] == "email"
    assert str(opened["at"]) == "2026-03-02 09:00:00.500000"
    assert told(bed, "clicked", "mailgun m-3")["link"] == "https://shop.example/?a=1"
    status = {"message": "550 no such user"}
    post(event="failed", severity="permanent", id="m-6", **{"delivery-status": status})
    assert told(bed, "bounced", "mailgun m-6")["reason"] == "550 no such user"
    entries = bed.ask("suppression", suppress="list")["entries"]
    assert [e["address"] for e in entries] == ["ana@example.com"]
    wrongs: list[Any] = [
        mailgun({"event": "opened"}, "guess"),
        {"event-data": {}},
        {"signature": 5},
    ]
    for wrong in wrongs:
        assert bed.http.post(path, json=wrong).status_code == 406
    assert bed.http.post(path, json=[]).status_code == 400


def test_reports_of_postmark(bed: Bed) -> None:
    marks, path = sent(bed), "/v1/callbacks/postmark"

    def post(kind: str, **report: Any) -> int:
        whole = {"RecordType": kind, "MessageID": "p", "Metadata": marks, **report}
        answer = bed.post(path, whole)
        assert answer.status_code == 200, answer.text
        return int(answer.json()["accepted"])

    at = "2026-03-02T10:00:00.1234567Z"
    assert post("Open", ReceivedAt=at, Recipient="ana@example.com") == 1
    assert post("Click", ReceivedAt=at, OriginalLink="https://shop.example/") == 1
    assert post("Bounce", Type="SoftBounce", BouncedAt=at) == 0
    assert post("SubscriptionChange", SuppressSending=True, SuppressionReason="HardBounce") == 0
    assert post("Inbound") == 0
    opened = told(bed, "opened", f"postmark Open p {at}")
    assert opened["message_key"] == marks["cij_key"]
    assert told(bed, "clicked", f"postmark Click p {at}")["link"] == "https://shop.example/"
    # Without what the mail carried, the address says who it was.
    unmarked = {"Metadata": None, "BouncedAt": at, "Email": "bo@example.com", "MessageID": "q"}
    post("SpamComplaint", **unmarked)
    found = told(bed, "complained", f"postmark SpamComplaint q {at}")
    assert found["customer"] == bed.ask("timeline", person="shop:2")["customer"]
    assert bed.http.post(path, json={}).status_code == 401
    assert bed.http.post("/v1/callbacks/other", json={}).status_code == 404


def test_every_provider_has_its_headers() -> None:
    assert MARKS.keys() == SIGNED.keys() | KEYED.keys()


def test_a_secret_that_is_missing_is_named(tmp_path: Path, cij: Cij) -> None:
    folder = shop_project(tmp_path / "p", TABLE.replace("MAILGUN_KEY", "NOT_SET_KEY"))
    done = cij("serve", folder, "--http", "127.0.0.1:0")
    assert done.code == Exit.CONFIG and "NOT_SET_KEY is not set" in done.err
