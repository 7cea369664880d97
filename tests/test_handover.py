"""After a crash only what a connection had in its hands is uncertain; the rest goes out (S19)."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from cij.compiler.program import Content, Message, Place
from cij.compiler.sql import query
from cij.runtime import delivery
from cij.runtime.delivery.channels import Outcome, Prepared
from cij.runtime.delivery.handover import Handover
from cij.runtime.engine import Engine, open_engine
from cij.runtime.errors import DeliveryError
from cij.runtime.store import prepare
from tests.outbox import put

NOW = datetime(2026, 3, 2, 10, 0)


class _Crash(BaseException):
    """What stands for a SIGKILL."""


class _Way:
    """Breaks off in the middle of a batch: the first was answered, the second only taken."""

    is_idempotent = False

    def __init__(self, path: Path) -> None:
        self.handover: Handover | None = Handover(path)

    def deliver(self, batch: Sequence[Prepared]) -> list[Outcome]:
        assert self.handover is not None
        asyncio.run(self.handover.take(batch[0].key))
        self.handover.hear(Outcome(batch[0].key, "delivered", provider_id="17"))
        asyncio.run(self.handover.take(batch[1].key))
        raise _Crash

    def close(self) -> None:
        if self.handover is not None:
            self.handover.close()


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = open_engine(None)
    prepare(engine)
    content = Content(locale="en", subject="Hi", body="Hi", format="text")
    message = Message(
        name="hello", channel="email", topic="transactional", sender="Shop <a@shop.example>",
        fallback="en", locales=(content,), parameters=(), fields=(),
        place=Place(file="a.journey", line=1, column=1),
    )  # fmt: skip
    engine.append("content", {"hash": ["h"], "message": [message.model_dump_json()]})
    count = 5
    columns: dict[str, list[object]] = {
        "passage": list(range(count)),
        "turn": [0] * count,
        "journey": ["j"] * count,
        "version": ["v"] * count,
        "step": ["mail"] * count,
        "customer": [f"c{i}" for i in range(count)],
        "channel": ["email"] * count,
        "topic": ["transactional"] * count,
        "message": ["hello"] * count,
        "content": ["h"] * count,
        "address": [f"c{i}@example.com" for i in range(count)],
        "created_at": [NOW] * count,
        "outcome": ["queued"] * count,
    }
    put(engine, columns)
    yield engine
    engine.close()


def _crash(engine: Engine, way: _Way) -> None:
    with pytest.raises(_Crash):
        delivery.drain(engine, {"email": way}, NOW)
    way.close()


def _outcomes(engine: Engine) -> list[str]:
    found = engine.rows(query("SELECT o.outcome FROM outbox AS o ORDER BY o.passage"))
    return [outcome for (outcome,) in found]


def test_one_message_for_each_connection_is_uncertain(engine: Engine, tmp_path: Path) -> None:
    _crash(engine, _Way(tmp_path / "handover.jsonl"))
    found = delivery.recover(engine, {"email": _Way(tmp_path / "handover.jsonl")}, NOW)
    assert found == delivery.Recovery(requeued=3, uncertain=1)
    assert sorted(_outcomes(engine)) == ["delivered", *["queued"] * 3, "uncertain"]


def test_a_torn_line_is_one_that_nobody_relied_on(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "handover.jsonl"
    _crash(engine, _Way(path))
    path.write_bytes(path.read_bytes()[:-9])
    found = delivery.recover(engine, {"email": _Way(path)}, NOW)
    # The second was not noted as taken in full, so its content had not left.
    assert found == delivery.Recovery(requeued=4, uncertain=0)


@pytest.mark.parametrize("text", [None, b"", b"{}\n", b'{"batch": "another"}\n', b"\xff\n"])
def test_a_file_of_another_batch_says_nothing(
    engine: Engine, tmp_path: Path, text: bytes | None
) -> None:
    path = tmp_path / "handover.jsonl"
    _crash(engine, _Way(path))
    path.unlink() if text is None else path.write_bytes(text)
    found = delivery.recover(engine, {"email": _Way(path)}, NOW)
    assert found == delivery.Recovery(requeued=0, uncertain=5)


def test_without_the_file_nothing_is_sent(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match="nothing is sent unnoted"):
        Handover(tmp_path / "no folder" / "handover.jsonl").begin(["a"])


class _Bug(_Way):
    """Breaks in the same place by a mistake of its own, which the drain contains."""

    def deliver(self, batch: Sequence[Prepared]) -> list[Outcome]:
        try:
            return super().deliver(batch)
        except _Crash as error:
            raise RuntimeError("a bug") from error


def test_a_channel_that_breaks_leaves_the_rest_queued(engine: Engine, tmp_path: Path) -> None:
    way = _Bug(tmp_path / "handover.jsonl")
    delivery.drain(engine, {"email": way}, NOW)
    way.close()
    assert sorted(_outcomes(engine)) == ["delivered", *["queued"] * 3, "uncertain"]
