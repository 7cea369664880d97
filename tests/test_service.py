"""The HTTP service: its keys, its doors for events, and the commands that talk to it."""

import gzip
import json
import stat
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from segment.analytics.client import Client as SegmentClient

from cij.app.project import open_project
from cij.app.service_keys import add_key, read_keys, revoke_key
from cij.app.service_table import split_address
from cij.cli.exits import Exit
from cij.runtime.clock import LiveClock
from cij.service.access import Limiter
from cij.service.event_rows import Row, snake
from tests.conftest import Cij
from tests.odd_values import DATES, INSTANTS, NUMBERS, TEXTS
from tests.service_bed import Bed, served, shop_project


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    with served(shop_project(tmp_path_factory.mktemp("service") / "shop")) as found:
        yield found


def purchase(bed: Bed, id: str) -> dict[str, Any]:
    """Return the purchase with an id, when the run has taken it in."""
    bed.settled(lambda: any(e["id"] == id for e in bed.events("purchase")), f"{id} is there")
    [event] = [e for e in bed.events("purchase") if e["id"] == id]
    return event


def customer(bed: Bed, person: str) -> str:
    return str(bed.ask("timeline", person=person)["customer"])


# --- keys -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_only_a_key_of_the_right_role_opens_a_door(bed: Bed) -> None:
    http = bed.http
    for path, body in (("/v1/events/purchase", "{}"), ("/v1/batch", "{}"), ("/api/v1/status", "")):
        assert http.post(path, content=body).status_code == 401
        assert http.post(path, content=body, auth=("guess", "")).status_code in (401, 429)
    for path in ("/healthz", "/readyz"):
        assert http.get(path).json() == {"status": "ok"}
    assert bed.post("/api/v1/status", {}).status_code == 403
    assert bed.post("/api/v1/order", {}, "read").status_code == 403
    assert bed.post("/v1/events/purchase", {}, "read").status_code == 403
    assert bed.post("/api/v1/nothing", {}, "read").status_code == 404
    bearer = {"authorization": f"Bearer {bed.keys['read']}"}
    found = http.get("/metrics", headers=bearer)
    assert found.status_code == 200 and "cij_steps_total" in found.text
    assert http.get("/metrics", auth=(bed.keys["write"], "")).status_code == 403


def test_answers_are_not_kept_and_run_no_script(bed: Bed) -> None:
    for answer in (bed.http.get("/healthz"), bed.http.get("/nowhere"), bed.post("/v1/track", b"{")):
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "server" not in answer.headers


def test_a_revoked_key_ends_at_once_and_its_hash_alone_is_kept(bed: Bed) -> None:
    project, now = open_project(bed.folder), LiveClock().now()
    secret = add_key(project, "old shop", "write", now)
    file = bed.folder / ".cij" / "keys.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and secret not in file.read_text()

    def sent() -> int:
        body = json.dumps({"customer": "shop:1"})
        return bed.http.post("/v1/events/page", content=body, auth=(secret, "")).status_code

    assert sent() == 200
    revoke_key(project, "old shop", now)
    assert sent() in (401, 429)
    assert not next(k for k in read_keys(bed.folder) if k.name == "old shop").is_valid(now)


def test_the_command_for_keys(tmp_path: Path, cij: Cij) -> None:
    folder = shop_project(tmp_path / "p")
    at = ("--project", folder)
    assert "there is no key yet" in cij("key", "list", *at).out
    secret = cij("key", "add", "shop", *at).out.strip()
    assert secret.startswith("cij_write_") and secret not in cij("key", "list", "--json", *at).out
    assert cij("key", "add", "shop", *at).code == Exit.USAGE
    later = cij("key", "revoke", "shop", "--at", "2999-01-01 10:00", *at)
    assert later.code == Exit.OK and "2999-01-01 10:00" in later.out
    [row] = json.loads(cij("key", "list", "--json", *at).out)["keys"]
    assert row["is_valid"] and row["ends_at"] == "2999-01-01T09:00:00Z"
    assert "is not valid any more" in cij("key", "revoke", "shop", *at).out
    assert cij("key", "revoke", "nothing", *at).code == Exit.USAGE
    (folder / ".cij" / "keys.json").write_text("no keys")
    assert cij("key", "list", *at).code == Exit.CONFIG


def test_a_limit_counts_each_name_alone_and_forgets_the_longest_silent() -> None:
    at = [0.0]
    limiter = Limiter(10.0, 20.0, lambda: at[0])
    assert limiter.wait_s("a", 500) == 0, "one large request passes"
    assert limiter.wait_s("a") == pytest.approx(48)
    assert limiter.wait_s("b") == 0
    at[0] = 48.1
    assert limiter.wait_s("a") == 0
    for n in range(20_000):
        limiter.wait_s(str(n))
    assert len(limiter._left) <= 10_000


AGAIN = {"idempotency-key": "again"}

# --- plain events -----------------------------------------------------------------------------


def test_a_plain_event_moves_its_customer(bed: Bed) -> None:
    event = {"customer": "ana@example.com", "id": "p-1", "fields": {"amount": 49.90}}
    answer = bed.post("/v1/events/purchase", event)
    assert answer.json() == {"accepted": 1, "ids": ["p-1"]}
    assert float(purchase(bed, "p-1")["amount"]) == 49.9
    bed.post("/v1/events/purchase", event)
    bed.settled(lambda: _thanked(bed) >= 1, "the mail is sent")
    assert len([e for e in bed.events("purchase") if e["id"] == "p-1"]) == 1
    two = [{"customer": "shop:1"}, {"customer": "shop:2"}]
    ids = bed.post("/v1/events/page", two, head=AGAIN).json()["ids"]
    assert ids == bed.post("/v1/events/page", two, head=AGAIN).json()["ids"]


def _thanked(bed: Bed) -> int:
    rows = bed.ask("status", "read")["messages"]
    return sum(r["count"] for r in rows if r["message"] == "thanks" and r["outcome"] == "delivered")


WRONG_BODIES: dict[str, tuple[bytes, dict[str, str], int]] = {
    "no JSON": (b"{", {}, 400),
    "no object": (b"5", {}, 400),
    "no event in a list": (b"[]", {}, 400),
    "bytes that are no text": (b"\xff\xfe", {}, 400),
    "deep": (b"[" * 5000 + b"]" * 5000, {}, 400),
    "large": (b" " * 500_001, {}, 413),
    "a small file that unpacks to a large one": (
        gzip.compress(b" " * 50_000_000),
        {"content-encoding": "gzip"},
        413,
    ),
    "half a packed body": (gzip.compress(b"{}")[:-9], {"content-encoding": "gzip"}, 400),
    "no packed body": (b"{}", {"content-encoding": "gzip"}, 400),
    "another coding": (b"{}", {"content-encoding": "br"}, 415),
}


def test_a_wrong_body_is_refused_and_nothing_is_kept(bed: Bed) -> None:
    for what, (body, headers, status) in WRONG_BODIES.items():
        answer = bed.post("/v1/events/page", body, head=headers)
        assert answer.status_code == status and answer.json()["error"], what
    unknown = bed.post("/v1/events/purchas", {})
    assert unknown.status_code == 404 and "did you mean `purchase`" in unknown.text
    assert bed.http.get("/v1/events/purchase").status_code == 405


def test_no_client_can_give_an_order(bed: Bed) -> None:
    lines = [
        {"control": "stop", "journey": "thank"},
        {"suppress": "add", "address": "ana@example.com", "reason": "x"},
        {"event": "page", "customer": "shop:1", "control": "stop", "journey": "thank"},
        {"event": "page", "customer": "shop:1", "id": "u-1", "fields": {"name": "home"}},
    ]
    text = "\n".join([*map(json.dumps, lines), "no JSON", ""])
    assert bed.post("/v1/upload", text.encode()).json() == {"accepted": 5}
    bed.settled(lambda: any(e["id"] == "u-1" for e in bed.events("page")), "the event is there")
    [state] = [s for s in bed.ask("status", "read")["states"] or [{"state": "live"}]]
    assert state["state"] == "live"
    assert bed.ask("suppression", suppress="list")["entries"] == []
    assert bed.post("/v1/track", {"control": "stop", "userId": "1"}).status_code == 200
    aside = bed.ask("quarantine", action="list")
    assert {"the line is not one JSON object", "the name of the event is missing"} <= {
        row["reason"] for row in aside["events"]
    }


# --- Segment ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_public_client_works_with_another_host_alone(bed: Bed) -> None:
    failed: list[Any] = []
    client = SegmentClient(
        bed.keys["write"],
        host=bed.service.url,
        gzip=True,
        on_error=lambda error, items: failed.append(error),
    )
    extra = {"amount": 12.5, "Coupon Code": "not declared"}
    client.track("1", "Purchase", extra, message_id="s-1", anonymous_id="browser-1")
    client.track("1", "Purchase", extra, message_id="s-1")
    client.identify("1", {"email": "ana@example.com"})
    client.page("1", "Docs", "Python", {"url": "https://shop.example/docs"}, message_id="s-2")
    client.alias("browser-2", "2")
    client.flush()
    client.shutdown()
    assert failed == []
    event = purchase(bed, "s-1")
    assert event["customer"] == customer(bed, "shop:1") and float(event["amount"]) == 12.5
    bed.settled(lambda: any(e["id"] == "s-2" for e in bed.events("page")), "the page is there")
    [page] = [e for e in bed.events("page") if e["id"] == "s-2"]
    assert (page["name"], page["url"]) == ("Python", "https://shop.example/docs")


@pytest.mark.slow
def test_events_of_a_browser_wait_for_their_person(bed: Bed) -> None:
    early = {"anonymousId": "b-7", "event": "Purchase", "messageId": "b-early"}
    said = "2026-05-01T10:00:00Z"
    bed.post("/v1/track", {**early, "timestamp": said, "sentAt": said})
    bed.post("/v1/track", {"anonymousId": "b-8", "event": "Purchase", "messageId": "b-other"})
    bed.post("/v1/track", {"userId": "2", "event": "Purchase", "messageId": "b-mark"})
    purchase(bed, "b-mark")
    assert not [e for e in bed.events("purchase") if e["id"].startswith("b-e")]
    bed.post("/v1/identify", {"anonymousId": "b-7", "userId": "2"})
    event = purchase(bed, "b-early")
    assert event["customer"] == customer(bed, "shop:2")
    # The clock of the browser was far behind, and the event happened when it was sent.
    assert abs((LiveClock().now() - event["at"]).total_seconds()) < 60
    bed.post("/v1/track", {"anonymousId": "b-7", "event": "Purchase", "messageId": "b-late"})
    assert purchase(bed, "b-late")["customer"] == event["customer"]
    bed.post("/v1/alias", {"previousId": "b-8", "userId": "ana@example.com"})
    assert purchase(bed, "b-other")["customer"] == customer(bed, "shop:1")
    traits = {"context": {"traits": {"email": "bo@example.com"}}, "anonymousId": "b-9"}
    bed.post("/v1/track", {**traits, "event": "purchase", "messageId": "b-mail"})
    assert purchase(bed, "b-mail")["customer"] == event["customer"]


def test_answers_are_those_of_segment(bed: Bed) -> None:
    call = {"userId": "1", "event": "Purchase", "properties": {"amount": 1}}
    big = {**call, "properties": {"note": "x" * 32_001}}
    cases: list[tuple[str, Any, int]] = [
        ("/v1/track", call, 200),
        ("/v1/track", big, 400),
        ("/v1/track", b"{", 400),
        ("/v1/track", b"[]", 400),
        ("/v1/batch", {"batch": [{**call, "type": "track"}]}, 200),
        ("/v1/import", {"batch": [{**call, "type": "track"}]}, 200),
        ("/v1/batch", {"batch": [{**big, "type": "track"}]}, 400),
        ("/v1/batch", {"batch": [{**call, "type": "track", "pad": "x" * 500_000}]}, 400),
        ("/v1/batch", {"batch": "none"}, 400),
        ("/v1/batch", {"batch": [{**call, "type": "other"}]}, 200),
        ("/v1/group", {"userId": "1", "groupId": "g"}, 200),
        ("/v1/screen", {"userId": True, "anonymousId": [1], "context": 5, "traits": []}, 200),
    ]
    for path, body, status in cases:
        answer = bed.post(path, body)
        assert answer.status_code == status, (path, answer.text)
        assert answer.json()["success"] is (status == 200)
    by_body = {**call, "writeKey": bed.keys["write"]}
    assert bed.http.post("/v1/track", json=by_body).status_code == 200
    assert snake("Order Completed") == snake("orderCompleted") == "order_completed"


# --- CloudEvents ------------------------------------------------------------------------------


def test_cloud_events_in_three_modes(bed: Bed) -> None:
    event: dict[str, Any] = {
        "specversion": "1.0",
        "type": "com.shop.purchase",
        "source": "/shop",
        "subject": "2",
        "time": "2026-05-01T10:00:00.000000000+02:00",
        "data": {"amount": "7.25"},
    }
    kinds = {"structured": "application/cloudevents+json"}
    kinds["batch"] = "application/cloudevents-batch+json"
    one = bed.post(
        "/v1/cloudevents", {**event, "id": "1"}, head={"content-type": kinds["structured"]}
    )
    assert one.json() == {"accepted": 1}
    many = [{**event, "id": n} for n in ("2", "3")]
    bed.post("/v1/cloudevents", many, head={"content-type": kinds["batch"]})
    head = {f"ce-{k}": v for k, v in event.items() if k != "data"} | {"ce-id": "%C3%A9"}
    assert bed.post("/v1/cloudevents", event["data"], head=head).status_code == 200
    for id in ("/shop 1", "/shop 2", "/shop 3", "/shop é"):
        found = purchase(bed, id)
        assert float(found["amount"]) == 7.25 and str(found["at"]) == "2026-05-01 08:00:00"
    wrongs: list[Any] = [event, {**event, "id": 5}, {**event, "id": "1", "specversion": "0"}, []]
    for wrong in wrongs:
        answer = bed.post("/v1/cloudevents", wrong, head={"content-type": kinds["structured"]})
        assert answer.status_code == 400
    assert bed.post("/v1/cloudevents", {}).status_code == 400


# --- odd values -------------------------------------------------------------------------------


@pytest.mark.slow
def test_no_value_is_a_bug_or_stops_another_event(bed: Bed) -> None:
    values: list[Any] = [*NUMBERS, *DATES, *INSTANTS, *TEXTS, None, True, 5, 1e400, [], {}, [[]]]
    lines: list[Row] = []
    for n, value in enumerate(values):
        call = {"userId": value, "anonymousId": value, "event": value, "messageId": value}
        lines += [{**call, "type": "track"}, {"type": value, "userId": "1", "previousId": value}]
        lines.append({"type": "track", "userId": "1", "event": "page", "messageId": f"odd-{n}"})
        lines[-1] |= {
            "timestamp": value,
            "sentAt": value,
            "properties": {"name": value, "x": value},
        }
    small = [line for line in lines if len(json.dumps(line)) < 30_000]
    for start in range(0, len(small), 100):
        batch = {"batch": small[start : start + 100], "sentAt": values[start % len(values)]}
        answer = bed.post("/v1/batch", batch)
        assert answer.status_code == 200, answer.text
    plain = [{"customer": v, "at": v, "id": v, "fields": {"name": v}, "channel": v} for v in values]
    fields = [{"customer": "shop:1", "fields": v, "origin": v, "shown": v} for v in values]
    for rows in (plain, fields):
        text = "\n".join(json.dumps({"event": "subscribed", **row}) for row in rows)
        assert bed.post("/v1/upload", text.encode()).status_code == 200
        for name in ("page", "subscribed"):
            assert bed.post(f"/v1/events/{name}", rows[:90]).status_code in (200, 413)
    for value in (None, True, 5, 1e400, [], {}, [[]], "\x00", "\ud800", "x" * 60_000):
        for question in ("why", "timeline", "order", "suppression", "quarantine", "consent"):
            asked: dict[str, Any] = {
                "person": value,
                "journey": value,
                "at": value,
                "control": value,
            }
            asked |= {"suppress": value, "action": value, "ids": value, "limit": value}
            answer = bed.post(f"/api/v1/{question}", asked, "operate")
            assert answer.status_code in (200, 400, 422), (question, value, answer.text)

    class Broken:
        def ask(self, *_: Any, **__: Any) -> None:
            raise ZeroDivisionError("what a request said")

    kept, bed.service.house.calls = bed.service.house.calls, Broken()  # type: ignore[assignment]
    broken = bed.post("/api/v1/status", {}, "read")
    bed.service.house.calls = kept
    assert broken.status_code == 500 and broken.json() == {"error": "this is a bug in cij"}
    assert broken.headers["cache-control"] == "no-store"
    bed.post("/v1/events/purchase", {"customer": "shop:1", "id": "after all"})
    assert purchase(bed, "after all")
    assert bed.ask("status", "read")["failed"] == []


# --- what does not fit ------------------------------------------------------------------------


def test_what_does_not_fit_is_shown_retried_and_dropped(bed: Bed, cij: Cij) -> None:
    at = ("--project", bed.folder)
    bed.post("/v1/events/purchase", {"customer": "shop:1", "id": "q-1", "fields": {"amount": "?"}})
    for number in (float("inf"), float("nan")):
        bed.post("/v1/events/purchase", {"customer": "shop:1", "fields": {"amount": number}})
    bed.post("/v1/events/purchase", b'{"customer": "shop:1", "fields": {"amount": [1e400, NaN]}}')
    bed.post("/v1/track", {"userId": "1", "event": "Undeclared Thing", "messageId": "q-2"})

    def reasons() -> dict[str, str]:
        rows = json.loads(cij("quarantine", "list", "--json", *at).out)["events"]
        return {row["event"]["id"]: row["id"] for row in rows if "id" in row["event"]}

    bed.settled(lambda: {"q-1", "q-2"} <= reasons().keys(), "both are put aside")
    assert "there is no event Undeclared Thing" in cij("quarantine", "list", *at).out
    id = reasons()["q-1"]
    shown = json.loads(cij("quarantine", "show", id, *at).out)["events"][0]
    assert shown["event"]["fields"] == {"amount": "?"} and "is not an amount" in shown["reason"]
    again = cij("quarantine", "retry", id, *at)
    assert again.code == Exit.ASIDE and "still put aside: field amount" in again.err
    assert cij("quarantine", "drop", reasons()["q-1"], *at).out == "1 event dropped\n"
    assert "q-1" not in reasons()
    assert cij("quarantine", "drop", "0123456789", *at).code == Exit.USAGE
    assert cij("quarantine", "retry", *at).code == Exit.USAGE


@pytest.mark.slow
def test_a_retry_takes_in_what_fits_by_now(tmp_path: Path, cij: Cij) -> None:
    folder = shop_project(tmp_path / "p")
    (folder / ".cij" / "inbox").mkdir(parents=True)
    line = {"event": "visit", "customer": "shop:1", "id": "v-1", "fields": {"page": "home"}}
    (folder / ".cij" / "inbox" / "a.jsonl").write_text(json.dumps(line) + "\n")
    assert cij("run", folder, "--once").code == Exit.ASIDE
    text = (folder / "shop.journey").read_text()
    (folder / "shop.journey").write_text(
        text + "event visit {\n  fields {\n    page = text\n  }\n}\n"
    )
    assert cij("run", folder, "--once").code == Exit.OK
    done = cij("quarantine", "retry", "--all", "--project", folder)
    assert done.code == Exit.OK and done.out == "1 event taken in\n"
    assert "nothing is put aside" in cij("quarantine", "list", "--project", folder).out
    assert "visit page" in cij("timeline", "shop:1", "--project", folder).out


def test_the_tracking_plan_lists_what_can_be_sent(tmp_path: Path, cij: Cij) -> None:
    folder = shop_project(tmp_path / "p")
    plan = json.loads(cij("catalog", "events", folder, "--format", "json-schema").out)
    fields = plan["$defs"]["purchase"]["properties"]["fields"]["properties"]
    assert {"number", "string"} == set(fields["amount"]["anyOf"][0]["type"])
    assert "in EUR" in fields["amount"]["anyOf"][0]["description"]
    assert {"$ref": "#/$defs/page"} in plan["anyOf"] and "opened" in plan["$defs"]
    assert cij("catalog", "events", folder).code == Exit.USAGE
    assert cij("catalog", folder, "--format", "json-schema").code == Exit.USAGE


# --- commands beside the service --------------------------------------------------------------


def test_commands_ask_the_service_that_has_the_store(bed: Bed, cij: Cij) -> None:
    at = ("--project", bed.folder)
    assert json.loads(cij("status", bed.folder, "--json").out)["profiles"] == 2
    bed.post("/v1/events/purchase", {"customer": "shop:1", "id": "c-1"})
    purchase(bed, "c-1")
    assert "entering" in cij("why", "shop:1", "thank", *at).out
    assert "purchase" in cij("timeline", "shop:1", *at).out
    assert cij("timeline", "nobody@example.com", *at).code == Exit.USAGE
    assert cij("why", "shop:1", "thunk", *at).code == Exit.USAGE
    paused = json.loads(cij("pause", "thank", "--json", *at).out)
    assert paused["state"] == "paused" and paused["changed"]
    assert json.loads(cij("resume", "thank", "--json", *at).out)["changed"]
    assert cij("suppression", "add", "x@example.com", "--reason", "r", *at).out == "added\n"
    assert "removed 1" in cij("suppression", "remove", "x@example.com", *at).out
    bed.settled(lambda: _thanked(bed) > 0, "a mail is sent")
    before = len(bed.events("opened"))
    done = cij("event", "opened", "shop:1", "--message", "mail", *at)
    assert done.code == Exit.OK, done.err
    bed.settled(lambda: len(bed.events("opened")) == before + 1, "the event is taken in")


@pytest.mark.slow
def test_no_command_follows_a_file_of_somebody_else(bed: Bed, cij: Cij, tmp_path: Path) -> None:
    folder = shop_project(tmp_path / "p")
    cij("run", folder, "--once")
    file = folder / ".cij" / "service.json"
    for url, mode in ((bed.service.url, 0o644), ("http://192.0.2.1:9", 0o600), ("5", 0o600)):
        file.write_text(json.dumps({"url": url, "token": "t"}))
        file.chmod(mode)
        began = time.monotonic()
        assert "nothing has happened" in cij("timeline", "shop:1", "--project", folder).out
        assert time.monotonic() - began < 30


# --- events on the disk -----------------------------------------------------------------------


@pytest.mark.slow
def test_a_disk_that_is_full_and_a_key_that_sends_too_much(tmp_path: Path) -> None:
    folder = shop_project(tmp_path / "p", "[service]\nper_key_per_second = 5\n")
    with served(folder) as bed:
        # A file in the place of the folder: nothing can be written there.
        place = folder / ".cij" / "intake"
        place.write_text("")
        one = {"customer": "shop:1", "id": "d-1"}
        refused = bed.post("/v1/events/page", one)
        assert refused.status_code == 503 and int(refused.headers["retry-after"]) > 0
        assert bed.post("/v1/track", {"userId": "1", "event": "page"}).status_code == 503
        assert bed.http.get("/readyz").status_code == 503
        place.unlink()
        assert bed.post("/v1/events/page", one).status_code == 200
        assert bed.http.get("/readyz").status_code == 200
        bed.settled(lambda: len(bed.events("page")) == 1, "the event is there")
        assert [stat.S_IMODE(p.stat().st_mode) for p in (folder / ".cij").glob("intake/*.log")] in (
            [],
            [0o600],
        )
        # Several at once, so that more than five a second arrive on a busy machine as well.
        with ThreadPoolExecutor(8) as clients:
            again = {"userId": "1", "event": "page"}
            answers = list(clients.map(lambda _: bed.post("/v1/track", again), range(60)))
        late = [answer for answer in answers if answer.status_code == 429]
        assert late and int(late[0].headers["retry-after"]) >= 1
        assert bed.post("/api/v1/status", {}, "read").status_code == 200
        guesses = [bed.http.post("/v1/track", content="{}").status_code for _ in range(30)]
        assert set(guesses) == {401, 429}
    assert not (folder / ".cij" / "service.json").exists()


def test_addresses_to_listen_on(cij: Cij, tmp_path: Path) -> None:
    assert split_address("[::1]:80") == ("::1", 80)
    assert split_address(":8080") == ("127.0.0.1", 8080)
    folder = shop_project(tmp_path / "p")
    with httpx.Client():
        for wrong in ("8080", "a:b", "127.0.0.1:99999", "192.0.2.1:80"):
            done = cij("serve", folder, "--http", wrong)
            assert done.code == Exit.CONFIG and wrong in done.err, done.err
    assert cij("run", folder, "--once", "--http", ":0").code == Exit.USAGE
    (folder / "cij.toml").write_text(
        (folder / "cij.toml").read_text() + '[service]\ntrusted_proxies = ["proxy"]\nlistn = "x"\n'
    )
    wrong_settings = cij("check", folder)
    assert "`proxy` is neither an address nor a network" in wrong_settings.err
    assert "did you mean `listen`" in wrong_settings.err
