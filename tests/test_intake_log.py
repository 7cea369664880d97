"""The log of events: what is answered is on the disk, and what a crash leaves is taken in once."""

import json
import threading
from concurrent.futures import Future
from pathlib import Path

import pytest

from cij.app.json_log import without_addresses
from cij.runtime import intake_log, whole_lines
from cij.runtime.calls import Calls, TooBusy
from cij.runtime.inbox import folder_of
from cij.runtime.intake_log import IntakeLog, folder_of_log, recover
from cij.runtime.wakeable_stop import WakeableStop


def lines(root: Path) -> list[str]:
    files = sorted((root / folder_of()).glob("*.jsonl"), key=lambda file: file.stat().st_mtime_ns)
    return [line for file in files for line in file.read_text().splitlines()]


def test_many_threads_share_syncs_and_lose_nothing(tmp_path: Path) -> None:
    synced: list[int] = []
    log = IntakeLog(tmp_path, lambda: synced.append(1))

    def send(n: int) -> None:
        for i in range(50):
            log.append(f"{n} {i}\n".encode()).result(10)

    threads = [threading.Thread(target=send, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        log.hand_over()
    for thread in threads:
        thread.join()
    last = [log.append(f"last {n}\n".encode()) for n in range(5)]
    log.close()
    assert [future.result(0) for future in last] == [None] * 5
    assert sorted(lines(tmp_path)) == sorted(
        [f"{n} {i}" for n in range(8) for i in range(50)] + [f"last {n}" for n in range(5)]
    )
    assert not [*(tmp_path / folder_of_log()).iterdir()] and 0 < len(synced) <= 405


def test_a_crash_leaves_whole_lines(tmp_path: Path) -> None:
    folder = tmp_path / folder_of_log()
    folder.mkdir(parents=True)
    (folder / "a.log").write_bytes(b'{"event": "one"}\n{"event": "tw')
    (folder / "b.log").write_bytes(b'{"event')
    assert recover(tmp_path) == 2 and recover(tmp_path) == 0
    assert lines(tmp_path) == ['{"event": "one"}']


def test_a_write_that_fails_is_said_and_the_next_one_succeeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, real, faults = IntakeLog(tmp_path, lambda: None), whole_lines.append, [True]

    def fails_once(file: object, data: bytes, *, is_synced: bool) -> None:
        if faults and data == b"two\n":
            raise OSError(28, "No space left on device", faults.pop())
        real(file, data, is_synced=is_synced)  # type: ignore[arg-type]

    monkeypatch.setattr(intake_log, "append", fails_once)
    log.append(b"one\n").result(10)
    with pytest.raises(OSError, match="No space"):
        log.append(b"two\n").result(10)
    log.append(b"two\n").result(10)
    log.close()
    assert sorted(lines(tmp_path)) == ["one", "two"]


def test_what_waits_for_the_disk_is_bounded(tmp_path: Path) -> None:
    log = IntakeLog(tmp_path, lambda: None)
    with pytest.raises(OSError, match="too slow"):
        log.append(b" " * 64_000_001).result(10)
    log.append(b"one\n").result(10)
    log.close()
    with pytest.raises(OSError, match="about to end"):
        log.append(b"two\n").result(10)


def test_questions_are_answered_once_or_refused() -> None:
    calls, woken = Calls(lambda: woken.append(1)), list[int]()

    class World:
        class calendar:
            forget = staticmethod(lambda: None)

    kept: Future[str] = calls.ask(lambda world, now: "x")
    broken = calls.ask(lambda world, now: 1 // 0)
    left = calls.ask(lambda world, now: "never")
    left.cancel()
    assert not calls.do_all(World, None) and woken == [1, 1, 1]  # type: ignore[arg-type]
    assert kept.result(0) == "x" and isinstance(broken.exception(0), ZeroDivisionError)
    calls.ask(lambda world, now: "y", is_change=True)
    assert calls.do_all(World, None)  # type: ignore[arg-type]
    waiting = calls.ask(lambda world, now: "z")
    calls.close()
    assert isinstance(waiting.exception(0), TooBusy)
    with pytest.raises(TooBusy):
        calls.ask(lambda world, now: "z")


def test_a_run_is_woken_and_stopped() -> None:
    stopped = WakeableStop()
    stopped.wake()
    assert not stopped.wait(10), "it was woken before"
    assert not stopped.wait(0.01) and not stopped.pause(0.01)
    stopped.set()
    assert stopped.wait(10) and stopped.wait(10) and stopped.pause(10)


def test_log_lines_have_no_address() -> None:
    text = (
        "550 <ana@example.com>: no such user; +34 600 000 001 and c0123456789abcde, 12 of 3456789"
    )
    assert without_addresses(text) == (
        "550 <[address]>: no such user; [address] and c0123456789abcde, 12 of 3456789"
    )
    assert json.dumps(without_addresses("ñandú@exämple.es")) == '"[address]"'
