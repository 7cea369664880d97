"""Mail servers that are slow, silent, wrong or hostile: nothing is lost, doubled or blocked (S19, S28)."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cij.compiler.sql import query
from cij.runtime.delivery import Defaults, release_failed
from cij.runtime.delivery.channels.brake import ALIKE_MAX
from cij.runtime.delivery.lanes import BRAKE_PAUSE
from cij.runtime.inbox import hand_in
from cij.runtime.report import report
from cij.runtime.runner import Runner, step
from tests.attack.hostile_smtp import Answer, HostileSmtp, serving
from tests.attack.outbox_bed import NOW, add, greeted, outcomes, smtp


def at_turn(number: int, do: Callable[[], object]) -> Callable[[str], Answer]:
    """Answer that the content is taken, and do something when it is the one with this number."""
    turns = iter(range(1, 10_000))

    def content(address: str) -> Answer:
        if next(turns) == number:
            do()
        return b"250 taken"

    return content


# --- orders and unsubscribes ------------------------------------------------------------------

_SLOW_S = 0.04


@pytest.mark.slow
@pytest.mark.parametrize("order", ["pause", "stop"])
def test_an_order_cuts_the_outbox_within_two_seconds(tmp_path: Path, order: str) -> None:
    server, mail_s = HostileSmtp(delay_s=0.2), 4 * 0.2
    ordered, taken = list[float](), list[float]()

    def give() -> None:
        hand_in(tmp_path, [{"control": order, "journey": "greeting"}])
        ordered.append(time.monotonic())

    content = at_turn(3, give)

    def timed(address: str) -> Answer:
        taken.append(time.monotonic())
        return content(address)

    server.content = timed
    with serving(server), greeted(80, {"email": smtp(server.port)}, tmp_path) as runner:
        step(runner, NOW, with_refresh=False)
        left = {"pause": "queued", "stop": "cancelled"}[order]
        assert outcomes(runner) == {"delivered": len(server.got), left: 80 - len(server.got)}
    # Without a look into the inbox the last would leave after 16 seconds. Mails under way are finished.
    assert taken[-1] - ordered[0] < 2 + mail_s


@pytest.mark.slow
@pytest.mark.parametrize(
    ("handed_in", "outcome"),
    [
        ({"suppress": "add", "customer": "c079"}, "suppressed"),
        ({"event": "unsubscribed", "customer": "c079", "id": "1"}, "no_consent"),
    ],
)
def test_who_wants_no_mail_gets_none_of_the_queue(
    tmp_path: Path, handed_in: dict[str, Any], outcome: str
) -> None:
    server = HostileSmtp(delay_s=_SLOW_S)
    server.content = at_turn(3, lambda: hand_in(tmp_path, [handed_in]))
    with serving(server), greeted(80, {"email": smtp(server.port)}, tmp_path) as runner:
        step(runner, NOW, with_refresh=False)
        assert outcomes(runner) == {"delivered": 79, outcome: 1}
    assert "c079@example.com" not in server.got


def test_stopping_takes_the_mails_in_flight(tmp_path: Path) -> None:
    server = HostileSmtp(delay_s=_SLOW_S)
    with serving(server), greeted(80, {"email": smtp(server.port)}, tmp_path) as runner:
        server.content = at_turn(3, runner.stopped.set)
        step(runner, NOW, with_refresh=False)
        assert outcomes(runner) == {"delivered": len(server.got), "queued": 80 - len(server.got)}
    assert len(server.got) < 45


# --- what one message or sender does to others ------------------------------------------------


def test_a_refused_sender_blocks_no_other(tmp_path: Path) -> None:
    asked: Counter[str] = Counter()

    def sender(address: str) -> Answer:
        asked[address] += 1
        return b"550 not you" if address.startswith("bad@") else b"250 ok"

    with (
        serving(HostileSmtp(sender=sender)) as server,
        greeted(20, {"email": smtp(server.port)}, tmp_path) as runner,
    ):
        add(runner, 8)
        found = step(runner, NOW, with_refresh=False).delivery
        assert found.counts == {"delivered": 20, "queued": 8}
        assert not found.channel_errors and "refuses the sender" in found.receiver_errors["other"]
        # Each connection may ask once before it hears of the refusal.
        assert asked["bad@other.example"] <= 4
        # It is asked again after a pause, and no attempt is counted.
        assert runner.dispatch.next_due(NOW) == NOW + timedelta(seconds=30)
        later = step(runner, NOW + timedelta(seconds=30), with_refresh=False).delivery
        assert later.counts == {"queued": 8}


def test_a_message_that_makes_the_server_hang_up_is_alone_in_doubt(tmp_path: Path) -> None:
    server = HostileSmtp(content=lambda a: None if a.startswith("bad") else b"250 taken")
    with serving(server), greeted(30, {"email": smtp(server.port)}, tmp_path) as runner:
        add(runner, 1, message="hello", name="hello")
        step(runner, NOW, with_refresh=False)
        assert outcomes(runner) == {"delivered": 30, "uncertain": 1}


@pytest.mark.slow
@pytest.mark.parametrize(
    "said",
    [
        b"hello there",
        b"250-never ends",
        b"299 taken, in a way",
        b"354 go on",
        b"9" * 200_000,
        b"\xff\xfe\x00",
        None,
    ],
)
def test_what_is_no_clean_answer_is_uncertain(tmp_path: Path, said: Answer) -> None:
    with (
        serving(HostileSmtp(content=lambda address: said)) as server,
        greeted(9, {"email": smtp(server.port, timeout_s=0.3)}, tmp_path) as runner,
    ):
        for minutes in range(3):
            step(runner, NOW + timedelta(minutes=minutes), with_refresh=False)
        # Four connections, and then one at a time until something is delivered.
        assert outcomes(runner) == {"uncertain": 6, "queued": 3}
    assert len(server.got) == len(set(server.got)) == 6


def test_a_server_that_says_too_much_is_not_believed(tmp_path: Path) -> None:
    def content(address: str) -> Answer:
        # The second answer would be taken for the one to the next command.
        return b"250 taken\r\n250 and the next as well\r\n550 not that"

    with (
        serving(HostileSmtp(content=content)) as server,
        greeted(6, {"email": smtp(server.port, connections=1)}, tmp_path) as runner,
    ):
        step(runner, NOW, with_refresh=False)
        assert outcomes(runner) == {"delivered": 6}
    assert len(set(server.got)) == 6


# --- the brake --------------------------------------------------------------------------------


def again(runner: Runner) -> Runner:
    """Return a runner as of a new start."""
    return Runner(runner.world, runner.root, runner.transports, Defaults(), runner.recheck)


@pytest.mark.slow
def test_a_provider_that_refuses_all_is_left_alone(tmp_path: Path) -> None:
    server = HostileSmtp(recipient=lambda address: b"554 5.7.1 your address is blocked")
    with serving(server), greeted(60, {"email": smtp(server.port)}, tmp_path) as runner:
        found = step(runner, NOW, with_refresh=False).delivery
        assert "refused alike" in found.channel_errors["email"]
        burnt = outcomes(runner)["failed"]
        assert ALIKE_MAX < burnt <= ALIKE_MAX + 4
        assert [f.kind for f in report(runner.world, NOW).failed] == ["channel"]
        # A restart knows it too, and after the pause one message shows that nothing has changed.
        runner = again(runner)
        step(runner, NOW + BRAKE_PAUSE / 2, with_refresh=False)
        assert outcomes(runner)["failed"] == burnt
        step(runner, NOW + BRAKE_PAUSE, with_refresh=False)
        assert outcomes(runner)["failed"] == burnt + 1
        server.recipient = lambda address: b"250 ok"
        step(runner, NOW + 3 * BRAKE_PAUSE, with_refresh=False)
        assert outcomes(runner) == {"failed": burnt + 1, "delivered": 60 - burnt - 1}
        assert not report(runner.world, NOW).failed
        assert release_failed(runner.world.engine, NOW) == burnt + 1
        step(runner, NOW + 3 * BRAKE_PAUSE, with_refresh=False)
        assert outcomes(runner) == {"delivered": 60}
    assert len(server.got) == len(set(server.got)) == 60


@pytest.mark.slow
def test_refusals_of_different_kinds_stop_nobody(tmp_path: Path) -> None:
    def recipient(address: str) -> Answer:
        number = int(address[1:4])
        return b"250 ok" if number % 5 == 0 else b"55%d no" % (number % 5)

    with (
        serving(HostileSmtp(recipient=recipient)) as server,
        greeted(100, {"email": smtp(server.port)}, tmp_path) as runner,
    ):
        step(runner, NOW, with_refresh=False)
        assert outcomes(runner) == {"delivered": 20, "failed": 80}


# --- a silent provider ------------------------------------------------------------------------


@pytest.mark.slow
def test_a_silent_server_holds_up_no_step(tmp_path: Path) -> None:
    server = HostileSmtp(delay_s=60)
    with serving(server), greeted(9, {"email": smtp(server.port)}, tmp_path) as runner:
        start = time.monotonic()
        for _ in range(3):
            step(runner, NOW, with_refresh=False, slice_s=0.1)
        assert time.monotonic() - start < 3
        assert runner.dispatch.is_busy
        hand_in(tmp_path, [{"control": "stop", "journey": "greeting"}])
        step(runner, NOW, with_refresh=False, slice_s=0.1)
        # Four are in the hands of connections, and nobody can call those back.
        assert outcomes(runner) == {"sending": 4, "cancelled": 5}
        server.close()
        runner.dispatch.finish(NOW)
        assert outcomes(runner) == {"delivered": 4, "cancelled": 5}


class _Silent:
    """A way that gives its answers when it is let go."""

    is_idempotent = True

    def __init__(self) -> None:
        self.go = threading.Event()

    def deliver(self, batch: Any) -> list[Any]:
        self.go.wait(10)
        return []

    def close(self) -> None:
        self.go.set()


@pytest.mark.slow
def test_channels_do_not_wait_for_one_another(tmp_path: Path) -> None:
    silent = _Silent()
    with (
        serving(HostileSmtp()) as server,
        greeted(5, {"sms": silent, "email": smtp(server.port)}, tmp_path) as runner,
    ):
        add(runner, 3, channel="sms", address="+34600000000")
        step(runner, NOW, with_refresh=False, slice_s=1)
        found = runner.world.engine.rows(
            query("SELECT o.channel, o.outcome, COUNT(*) FROM outbox AS o GROUP BY 1, 2")
        )
        assert sorted(found) == [("email", "delivered", 5), ("sms", "sending", 3)]
        silent.close()
