"""Receivers of actions that are silent or answer with a bomb (S19, S28)."""

import gzip
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from cij.runtime.delivery.channels.gradual_batch import Batch
from tests.receiver import Receiver, prepared, serving, way


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with serving(Receiver()) as found:
        yield found


@pytest.mark.slow
def test_a_silent_receiver_is_left_alone_after_a_few_calls(receiver: Receiver) -> None:
    released = threading.Event()
    receiver.before = lambda: (released.wait(5), None)[1]
    transport = way(receiver.url, timeout_s=0.2, connections=4)
    start = time.monotonic()
    outcomes = transport.deliver([prepared(n) for n in range(200)])
    again = transport.deliver([prepared(n) for n in range(200)])
    took = time.monotonic() - start
    released.set()
    asked = [o for o in outcomes if o.status == "retry"]
    # The first alone, then four at once, and few more until three have told.
    assert 3 <= len(asked) <= 8
    assert {o.status for o in outcomes} == {"retry", "later"} and len(outcomes) == 200
    # After that one call at a time is made, until one is answered.
    assert sum(o.status == "retry" for o in again) == 1
    assert took < 3


def test_one_call_that_is_never_answered_stops_no_other(receiver: Receiver) -> None:
    released = threading.Event()
    receiver.before = lambda: None if len(receiver.got) != 2 else (released.wait(5), None)[1]
    transport = way(receiver.url, timeout_s=0.2, connections=1)
    outcomes = transport.deliver([prepared(n) for n in range(20)])
    released.set()
    assert sorted(o.status for o in outcomes) == ["delivered"] * 19 + ["retry"]


def test_a_compressed_answer_is_not_unpacked(receiver: Receiver) -> None:
    bomb = gzip.compress(gzip.compress(b"[" * 50_000_000))
    receiver.always = (200, {"content-encoding": "gzip, gzip"}, bomb)
    start = time.monotonic()
    (outcome,) = way(receiver.url).deliver([prepared()])
    assert (outcome.status, outcome.returned) == ("delivered", {})
    assert time.monotonic() - start < 1
    assert receiver.got[0][0]["accept-encoding"] == "identity"


def test_a_receiver_that_refuses_all_puts_the_brake_on(receiver: Receiver) -> None:
    receiver.always = (404, {}, b"")
    batch = Batch([prepared(n) for n in range(60)])
    outcomes = way(receiver.url, connections=4).default.deliver(batch)
    assert len(outcomes) == len(receiver.got) <= 30
    assert len(batch.recall()) == 60 - len(outcomes)


def test_an_answer_that_is_no_http_is_not_quoted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"secret of ana@example.com\r\n\r\n")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        (outcome,) = way(f"http://127.0.0.1:{server.getsockname()[1]}/").deliver([prepared()])
        thread.join(5)
    assert outcome.status == "retry" and "is no HTTP" in (outcome.reason or "")
    assert "secret" not in (outcome.reason or "") and "ana@" not in (outcome.reason or "")
