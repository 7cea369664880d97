"""Actions as signed webhooks, against a real HTTP server that answers well, badly, late or never."""

import json
import logging
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from cij.cli.exits import Exit
from cij.compiler.sql import query
from cij.runtime import delivery
from cij.runtime.delivery import WebhookSettings, open_transport
from cij.runtime.delivery.channels import ActionTransport, Outcome
from cij.runtime.delivery.channels.webhook import outcome_of_answer
from cij.runtime.delivery.settling import ATTEMPTS_MAX, BACKOFF, PAUSE
from cij.runtime.runner import Runner, step
from tests.calling import NOW, TASKS, TOML, Rows, project, run
from tests.conftest import Cij
from tests.receiver import HOST, SECRET, Receiver, prepared, serving, way


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with serving(Receiver()) as found:
        yield found


@pytest.fixture
def dead_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        return int(free.getsockname()[1])


def one(receiver: Receiver, **settings: Any) -> Outcome:
    (outcome,) = way(receiver.url, **settings).deliver([prepared()])
    return outcome


# --- what is sent -----------------------------------------------------------------------------


def test_a_call_is_signed_by_standard_webhooks(receiver: Receiver) -> None:
    assert one(receiver).status == "delivered"
    headers, body = receiver.got[0]
    # This also refuses a timestamp that is not about now.
    assert Webhook(SECRET).verify(body, headers) == json.loads(body)
    assert headers["content-type"] == "application/json"
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(SECRET).verify(body + b" ", headers)


def test_a_call_has_one_key_at_every_attempt_and_calls_have_different_ones(
    receiver: Receiver,
) -> None:
    for number in (1, 1, 2):
        way(receiver.url).deliver([prepared(number)])
    ids = [headers["webhook-id"] for headers, _ in receiver.got]
    assert ids[0] == ids[1] != ids[2]
    assert [headers["idempotency-key"] for headers, _ in receiver.got] == ids
    assert all(re.fullmatch(r"cij_[0-9a-f]{40}", id) for id in ids)


@pytest.mark.slow
def test_the_body_says_what_is_to_be_done_and_for_whom(receiver: Receiver, tmp_path: Path) -> None:
    run(project(tmp_path, TASKS), way(receiver.url)).world.engine.close()
    bodies = sorted((json.loads(b) for _, b in receiver.got), key=lambda b: b["data"]["key"])
    assert len(bodies) == 2
    assert bodies[0]["type"] == "create_task"
    assert bodies[0]["timestamp"] == "2026-03-02T09:00:00Z"
    data = bodies[0]["data"]
    assert data["key"] == "calls:1:task:0"
    assert (data["journey"], data["step"]) == ("calls", "task")
    assert data["parameters"]["subject"] == "Call"
    assert data["customer"]


def test_many_calls_are_under_way_at_once(receiver: Receiver) -> None:
    together, lock = threading.Barrier(4, timeout=5), threading.Lock()
    count = 0

    def before() -> None:
        nonlocal count
        with lock:
            count += 1
            is_first = count == 1
        if not is_first:
            together.wait()

    receiver.before = before
    outcomes = way(receiver.url, connections=4).deliver([prepared(n) for n in range(9)])
    assert [o.status for o in outcomes] == ["delivered"] * 9


# --- what the answers mean --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (200, "delivered"),
        (202, "delivered"),
        (204, "delivered"),
        (400, "failed"),
        (401, "failed"),
        (404, "failed"),
        (409, "failed"),
        (410, "failed"),
        (422, "failed"),
        (408, "retry"),
        (425, "retry"),
        (429, "retry"),
        (500, "retry"),
        (503, "retry"),
    ],
)
def test_a_status_means_done_never_or_later(code: int, status: str, receiver: Receiver) -> None:
    receiver.always = (code, {}, b"")
    outcome = one(receiver)
    assert outcome.status == status
    if status != "delivered":
        assert (outcome.reason or "").startswith(f"{HOST}:{receiver.port} answered {code} ")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "120"}, 120.0),
        ({"retry-after": "99999999999"}, 86_400.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({}, None),
        (
            {
                "retry-after": "Mon, 02 Mar 2026 10:05:00 GMT",
                "date": "Mon, 02 Mar 2026 10:00:00 GMT",
            },
            300.0,
        ),
    ],
)
def test_the_receiver_says_when_to_come_again(
    headers: dict[str, str], seconds: float | None, receiver: Receiver
) -> None:
    # A server would put its own date in front of ours.
    response = httpx.Response(503, headers=headers)
    found = outcome_of_answer("key", response, b"", WebhookSettings(receiver.url, SECRET))
    assert found.retry_after_s == seconds


@pytest.mark.parametrize(
    ("code", "body", "returned"),
    [
        (200, b'{"task_id": "T-1", "more": [1]}', {"task_id": "T-1", "more": [1]}),
        (201, b"", {}),
        (200, b"<html>", {}),
        (200, b"[1]", {}),
        (200, b"\xff\xfe", {}),
        (200, b"[" * 100_000, {}),
        (200, b'{"a": "' + b"x" * 100_000 + b'"}', {}),
        (202, b'{"task_id": "T-1"}', None),
    ],
)
def test_what_an_answer_returns(
    code: int, body: bytes, returned: dict[str, Any] | None, receiver: Receiver
) -> None:
    receiver.always = (code, {}, body)
    assert one(receiver).returned == returned


def test_no_redirect_is_followed(receiver: Receiver) -> None:
    with serving(Receiver()) as other:
        receiver.always = (307, {"location": other.url}, b"")
        outcome = one(receiver)
        assert other.got == []
    assert outcome.status == "later"
    assert f"to {HOST}; redirects are not followed" in (outcome.reason or "")


def test_an_answer_that_does_not_come_is_a_try_that_is_made_again(receiver: Receiver) -> None:
    released = threading.Event()
    receiver.before = lambda: (released.wait(5), None)[1]
    outcome = one(receiver, timeout_s=0.2)
    released.set()
    assert (outcome.status, outcome.reason) == (
        "retry",
        f"{HOST}:{receiver.port} did not answer in time",
    )


def test_a_connection_that_breaks_off_is_tried_again() -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]

        def hang_up() -> None:
            connection, _ = server.accept()
            connection.recv(65536)
            connection.close()

        threading.Thread(target=hang_up, daemon=True).start()
        (outcome,) = way(f"http://{HOST}:{port}/").deliver([prepared()])
    assert outcome.status == "retry"
    assert "broke off" in (outcome.reason or "")


def test_a_receiver_that_is_down_is_asked_once_and_the_rest_waits(dead_port: int) -> None:
    outcomes = way(f"http://{HOST}:{dead_port}/").deliver([prepared(n) for n in range(50)])
    assert len({o.key for o in outcomes}) == 50
    assert {o.status for o in outcomes} == {"later"}
    assert (outcomes[0].reason or "").startswith(f"cannot reach {HOST}:{dead_port}: ")


@pytest.mark.parametrize("code", [400, 500, 307])
def test_no_message_tells_what_is_private(code: int, receiver: Receiver) -> None:
    receiver.always = (code, {"location": "https://x.example/a?key=k"}, b"ana@example.com is bad")
    reason = one(receiver).reason or ""
    for private in ("ana@", "very-secret", "hidden", "key=k", SECRET[6:]):
        assert private not in reason
    assert len(reason) < 200
    assert SECRET not in repr(WebhookSettings(receiver.url, SECRET))


def test_no_log_tells_the_url_or_the_secret(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    one(receiver)
    assert "very-secret" not in caplog.text and SECRET[6:] not in caplog.text


# --- the outbox -------------------------------------------------------------------------------

_STATE = query(
    "SELECT o.outcome, o.attempts, o.due_at, o.reason FROM outbox AS o ORDER BY o.key LIMIT 1"
)


def state(runner: Runner) -> tuple[Any, ...]:
    found: tuple[Any, ...] = runner.world.engine.rows(_STATE)[0]
    return found


@pytest.mark.slow
def test_a_call_is_tried_again_later_each_time_and_then_given_up(
    receiver: Receiver, tmp_path: Path
) -> None:
    receiver.always = (500, {}, b"")
    runner = run(project(tmp_path, TASKS), way(receiver.url))
    now = NOW
    for attempts, pause in enumerate(BACKOFF, 1):
        assert state(runner)[:3] == ("queued", attempts, now + pause)
        step(runner, now + pause - timedelta(seconds=1), with_refresh=False)
        assert state(runner)[1] == attempts
        now += pause
        step(runner, now, with_refresh=False)
    outcome, attempts, due_at, reason = state(runner)
    assert (outcome, attempts, due_at) == ("failed", ATTEMPTS_MAX, None)
    assert reason.startswith(f"gave up after {ATTEMPTS_MAX} attempts: ")
    assert len(receiver.got) == 2 * ATTEMPTS_MAX
    runner.world.engine.close()


@pytest.mark.slow
def test_retry_after_decides_when(receiver: Receiver, tmp_path: Path) -> None:
    receiver.always = (429, {"retry-after": "7"}, b"")
    runner = run(project(tmp_path, TASKS), way(receiver.url))
    assert state(runner)[:3] == ("queued", 1, NOW + timedelta(seconds=7))
    runner.world.engine.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    "value",
    [
        "soon",
        "-7",
        "1e999",
        "Mon, 1 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 1 Jan 2026 00:00:00 +99999999999999999999",
    ],
)
def test_a_retry_after_that_is_no_time_is_none(
    receiver: Receiver, tmp_path: Path, value: str
) -> None:
    receiver.always = (503, {"retry-after": value}, b"")
    runner = run(project(tmp_path, TASKS), way(receiver.url))
    assert state(runner)[:3] == ("queued", 1, NOW + BACKOFF[0])
    runner.world.engine.close()


@pytest.mark.slow
def test_a_refused_call_is_not_made_again(receiver: Receiver, tmp_path: Path) -> None:
    receiver.always = (422, {}, b"")
    runner = run(project(tmp_path, TASKS), way(receiver.url))
    assert state(runner)[0] == "failed"
    step(runner, NOW + timedelta(days=1), with_refresh=False)
    assert len(receiver.got) == 2
    runner.world.engine.close()


@pytest.mark.slow
def test_a_receiver_that_is_down_costs_no_attempt_and_keeps_nobody_else_waiting(
    dead_port: int, tmp_path: Path
) -> None:
    text = TASKS.replace(
        '    task: do create_task {\n      subject = "Call"\n    }',
        '    task: do create_task {\n      subject = "Call"\n    }\n'
        '    flow: do run_workflow {\n      workflow = "w"\n    }',
    )
    rows = Rows()
    down = open_transport(WebhookSettings(f"http://{HOST}:{dead_port}/", SECRET))
    runner = run(project(tmp_path, text), ActionTransport(rows, {"create_task": down}))
    assert {p.address for p in rows.got} == {"run_workflow"} and len(rows.got) == 2
    waiting = query(
        "SELECT DISTINCT o.outcome, o.attempts, o.due_at FROM outbox AS o "
        "WHERE o.message = 'create_task'"
    )
    assert runner.world.engine.rows(waiting) == [("queued", 0, NOW + PAUSE)]
    report = step(runner, NOW + PAUSE, with_refresh=False)
    assert list(report.delivery.receiver_errors) == ["create_task"]
    with serving(Receiver(), dead_port) as up:
        step(runner, NOW + PAUSE * 2, with_refresh=False)
        assert len(up.got) == 2
    assert runner.world.engine.rows(waiting) == [("delivered", 1, None)]
    runner.world.engine.close()


@pytest.mark.slow
def test_a_call_that_a_crash_broke_off_is_made_again_with_its_key(
    receiver: Receiver, tmp_path: Path
) -> None:
    class Crash(BaseException):
        pass

    transport = way(receiver.url)

    class Dies:
        is_idempotent = True

        def deliver(self, batch: Any) -> list[Outcome]:
            transport.deliver(batch)
            raise Crash

        def close(self) -> None:
            pass

    runner = run(project(tmp_path, TASKS), _Down())
    runner = replace(runner, transports={"action": Dies()})
    with pytest.raises(Crash):
        step(runner, NOW + PAUSE, with_refresh=False)
    assert delivery.recover(runner.world.engine, {"action": transport}, NOW + PAUSE).requeued == 2
    runner = replace(runner, transports={"action": transport})
    step(runner, NOW + PAUSE, with_refresh=False)
    assert sorted(receiver.keys) == ["calls:1:task:0"] * 2 + ["calls:2:task:0"] * 2
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 2
    runner.world.engine.close()


class _Down:
    """A way on which nothing goes."""

    is_idempotent = True

    def deliver(self, batch: Any) -> list[Outcome]:
        return [Outcome(one.key, "later", "down") for one in batch]

    def close(self) -> None:
        pass


# --- the command line -------------------------------------------------------------------------


def toml(url: str, more: str = "") -> str:
    lines = ["", "[delivery.action]", 'kind = "webhook"', f'url = "{url}"', 'secret_env = "HOOK"']
    return TOML + "\n".join(lines) + f"\n{more}\n"


@pytest.mark.slow
def test_a_run_calls_the_webhook_of_cij_toml(
    cij: Cij, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", SECRET)
    done = cij("run", project(tmp_path, TASKS, toml(receiver.url)), "--once", "--json")
    assert done.code == 0
    assert [a["outcome"] for a in json.loads(done.out)["actions"]] == ["delivered"]
    headers, body = receiver.got[0]
    Webhook(SECRET).verify(body, headers)
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)


@pytest.mark.slow
def test_a_run_says_what_waits_and_what_failed(
    cij: Cij, receiver: Receiver, dead_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", SECRET)
    down = f"http://{HOST}:{dead_port}/"
    done = cij("run", project(tmp_path / "a", TASKS, toml(down)), "--once")
    assert done.code == Exit.DELIVERY
    assert f"cij: create_task waits: cannot reach {HOST}:{dead_port}: " in done.err
    receiver.always = (400, {}, b"ana@example.com")
    done = cij("run", project(tmp_path / "b", TASKS, toml(receiver.url)), "--once")
    assert done.code == Exit.DELIVERY
    assert f"failed: {HOST}:{receiver.port} answered 400 Bad Request" in done.err
    assert "ana@example.com" not in done.err


@pytest.mark.parametrize(
    ("secret", "url", "words"),
    [
        (None, "https://a.example/", "the variable HOOK is not set"),
        ("whsec_short", "https://a.example/", "the variable HOOK holds no secret of Standard"),
        ("no base64 at all!", "https://a.example/", "the variable HOOK holds no secret of Stand"),
        (SECRET, "http://a.example/", "the `url` sends without encryption"),
        (SECRET, "ftp://a.example/", "the `url` is not a URL that begins with https://"),
        (SECRET, "https://", "the `url` is not a URL that begins with https://"),
        (SECRET, "https://[", "the `url` is not a URL"),
        (SECRET, "https://a.example:99999/", "the `url` is not a URL"),
    ],
)
def test_a_webhook_that_cannot_work_is_told_before_anything_runs(
    secret: str | None, url: str, words: str, cij: Cij, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.delenv("HOOK", raising=False)
    if secret is not None:
        monkeypatch.setenv("HOOK", secret)
    folder = project(tmp_path, TASKS, toml(url))
    done = cij("run", folder, "--once")
    assert words in done.err
    assert done.code == Exit.CONFIG
    assert secret is None or secret not in done.err
    assert not (folder / ".cij").exists()


def test_http_without_tls_is_for_networks_of_ones_own(
    cij: Cij, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", SECRET)
    text = toml("http://crm.invalid/", "allow_http = true")
    assert "cannot reach crm.invalid" in cij("run", project(tmp_path, TASKS, text), "--once").err
