"""A full disk in the middle of a write leaves what a restart would leave."""

import errno
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cij.runtime.delivery import FileSettings, RowSettings, open_transport
from cij.runtime.delivery.channels import Outcome
from cij.runtime.delivery.handover import Handover
from cij.runtime.delivery.ledger import Ledger
from cij.runtime.errors import DeliveryError
from cij.runtime.inbox import hand_in
from tests.attack.outbox_bed import NOW
from tests.receiver import prepared

Disk = Callable[[int | None], None]


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """Return a function that leaves so many bytes on the disk; None is room for all."""
    left: list[int | None] = [None]
    write = os.write

    def limited(descriptor: int, data: bytes) -> int:
        room = left[0]
        if room is None:
            return write(descriptor, data)
        if room == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        # As the system does: a part is written, and the next call fails.
        count = write(descriptor, bytes(data[:room]))
        left[0] = room - count
        return count

    monkeypatch.setattr("cij.runtime.private_files.os.write", limited)
    yield lambda room: left.__setitem__(0, room)


def test_a_row_of_an_action_is_one_line_once(tmp_path: Path, disk: Disk) -> None:
    way = open_transport(RowSettings(tmp_path, fsync=False))
    calls = [prepared(n) for n in range(9)]
    assert {o.status for o in way.deliver(calls[:3])} == {"delivered"}
    for room in (0, 1, 60, 200):
        disk(room)
        assert {o.status for o in way.deliver(calls)} == {"later"}
    disk(None)
    assert {o.status for o in way.deliver(calls)} == {"delivered"}
    (file,) = tmp_path.rglob("*.jsonl")
    keys = [json.loads(line)["data"]["key"] for line in file.read_text().splitlines()]
    assert keys == [one.key for one in calls]


def test_a_handover_that_could_not_be_noted_hides_no_other(tmp_path: Path, disk: Disk) -> None:
    import asyncio

    handover = Handover(tmp_path / "handover.jsonl")
    handover.begin(["a", "b"])
    disk(5)
    with pytest.raises(DeliveryError, match="nothing is sent unnoted"):
        asyncio.run(handover.take("a"))
    disk(7)
    handover.hear(Outcome("a", "unsent"))
    disk(None)
    asyncio.run(handover.take("b"))
    handover.close()
    left = handover.left()
    assert left is not None and left.taken == {"b"} and not left.heard


def test_the_ledger_has_whole_lines(tmp_path: Path, disk: Disk) -> None:
    ledger = Ledger(tmp_path / "ledger")
    ledger.note("s", 1, (), NOW)
    disk(20)
    with pytest.raises(DeliveryError):
        ledger.note("s", 2, (), NOW)
    disk(None)
    ledger.note("s", 2, (), NOW)
    ledger.close()
    lines = (tmp_path / "ledger").read_text().splitlines()
    assert [json.loads(line)["handed"] for line in lines] == [1, 2]


def test_what_cannot_be_handed_in_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("cij.runtime.private_files.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        hand_in(tmp_path, [{"event": "visit", "customer": "ana"}])
    assert not list((tmp_path / ".cij" / "inbox").iterdir())


def test_a_message_that_could_not_be_written_leaves_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("cij.runtime.delivery.channels.files.os.fsync", full)
    way = open_transport(FileSettings(tmp_path, fsync=True))
    (outcome,) = way.deliver([prepared()])
    assert outcome.status == "unsent"
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
