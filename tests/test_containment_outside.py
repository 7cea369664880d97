"""What fails at the edge stops nothing else (S28): files of the inbox, messages, channels, answers.

The rest of the boundaries is in `test_containment.py`; `docs/containment.md` lists them all.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from cij.app.open_store import open_store
from cij.app.project import open_project
from cij.cli.exits import Exit
from cij.compiler.program import Content, Message, Place
from cij.compiler.sql import query
from cij.runtime.delivery import compose, drain
from cij.runtime.delivery.channels import Outcome, Prepared
from cij.runtime.delivery.render import Rendered
from cij.runtime.engine import Engine, open_engine
from cij.runtime.store import prepare
from tests import calling
from tests.calling import Rows
from tests.example import copy_example, inside, messages, run_once, status
from tests.outbox import put
from tests.tiny import HEAD

NOW = datetime(2026, 3, 4, 9)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return copy_example(tmp_path / "loyalty")


def rows_of(project: Path, text: str) -> list[tuple[Any, ...]]:
    engine = open_store(open_project(project))
    try:
        return engine.rows(query(text))
    finally:
        engine.close()


# --- the inbox --------------------------------------------------------------------------------


def _put(project: Path, name: str, content: bytes) -> None:
    folder = project / ".cij" / "inbox"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def _visit(customer: str) -> bytes:
    return json.dumps({"event": "opened", "customer": customer, "channel": "email"}).encode()


DEEP = b"[" * 100_000
ODD_LINES = {
    "no JSON": b"{oops",
    "half a character": b'{"event": "opened", "customer": "\\ud800"}',
    "a key of half a character": b'{"event": "opened", "customer": "shop:C-01", "\\udfff": 1}',
    "a list as an event": b'{"event": ["x"], "customer": "shop:C-01"}',
    "a number without end": b'{"event": "opened", "customer": "shop:C-01", "at": 1e999999999999999999}',
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ODD_LINES)
def test_a_line_that_fails_stops_no_other(project: Path, name: str) -> None:
    _put(
        project, "a.jsonl", b"\n".join([_visit("shop:C-01"), ODD_LINES[name], _visit("shop:C-03")])
    )
    run_once(project, Exit.ASIDE)
    [aside] = status(project)["put_aside"]
    assert aside["count"] == 1 and aside["reason"] and "None" not in aside["reason"]
    assert len(rows_of(project, "SELECT e.seq FROM event_opened AS e")) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "content",
    [
        b'{"control": "pause", "journey": {"a": 1}, "drops_entries": '
        + DEEP
        + b"]" * 100_000
        + b"}",
        b'{"suppress": "add", "customer": {"b": 2}}',
        b'{"suppress": "add", "address": "\\ud800"}',
    ],
)
def test_a_file_that_fails_is_moved_aside_and_taken_when_it_is_mended(
    project: Path, content: bytes
) -> None:
    _put(project, "a.jsonl", content)
    _put(project, "b.jsonl", _visit("shop:C-01"))
    run_once(project, Exit.ASIDE)
    assert len(rows_of(project, "SELECT e.seq FROM event_opened AS e")) == 1
    found = status(project)
    assert found["failed"] or found["put_aside"]
    for file in (project / ".cij" / "inbox" / "refused").glob("*"):
        file.write_bytes(_visit("shop:C-03"))
        file.replace(project / ".cij" / "inbox" / file.name)
    run_once(project)
    assert status(project)["failed"] == []


# --- messages and answers ---------------------------------------------------------------------


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = open_engine(None)
    prepare(engine)
    yield engine
    engine.close()


CONTENT = Content(locale="en", subject="Hello", body="Hello", format="text")


def queue(engine: Engine, count: int) -> None:
    message = Message(
        name="hello",
        channel="email",
        topic="news",
        sender="shop@example.com",
        reply_to=None,
        fallback="en",
        locales=(CONTENT,),
        parameters=(),
        fields=(),
        place=Place(file="a.journey", line=1, column=1),
    )
    engine.append("content", {"hash": ["h"], "message": [message.model_dump_json()]})
    same: dict[str, Any] = {
        "journey": "j",
        "step": "s",
        "channel": "email",
        "message": "hello",
        "content": "h",
    }
    same |= {"outcome": "queued", "created_at": NOW}
    columns: dict[str, list[Any]] = {name: [value] * count for name, value in same.items()}
    columns |= {"turn": [0] * count, "attempts": [0] * count, "passage": [*range(count)]}
    columns["customer"] = [f"c{n}" for n in range(count)]
    columns["address"] = [f"c{n}@example.com" for n in range(count)]
    columns["parameters"] = [json.dumps({"n": n}) for n in range(count)]
    put(engine, columns)


def outcomes(engine: Engine) -> list[tuple[str, str]]:
    return [
        (outcome, reason or "")
        for outcome, reason in engine.rows(
            query("SELECT o.outcome, o.reason FROM outbox AS o ORDER BY o.customer")
        )
    ]


class Way(Rows):
    """A way out that breaks where `breaks_for` gets a message, and answers `outcome`."""

    def __init__(
        self, *, breaks_for: str = "-", is_idempotent: bool = True, **outcome: Any
    ) -> None:
        super().__init__()
        self.is_idempotent, self.breaks_for = is_idempotent, breaks_for
        self.outcome = {"status": "delivered", **outcome}

    def deliver(self, batch: Sequence[Prepared]) -> list[Any]:
        if any(self.breaks_for in one.address for one in batch):
            raise RuntimeError("the socket is odd")
        return [Outcome(one.key, **self.outcome) for one in batch]


def test_a_message_that_cannot_be_written_fails_alone(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wild(content: Content, values: dict[str, Any]) -> Rendered:
        if values["n"] == 1:
            raise RecursionError("a filter ran wild")
        return Rendered("s", "b", None)

    monkeypatch.setattr(compose, "render", wild)
    queue(engine, 3)
    drain(engine, {"email": Way()}, NOW)
    failed = ("failed", "it cannot be written: a filter ran wild")
    assert outcomes(engine) == [("delivered", ""), failed, ("delivered", "")]


FILES = """
message email broken {
  topic = service
  locale "en" {
    subject = "Hello"
    body = "Hello {{ email }}"
  }
}

journey greeting {
  enter from segment everybody
  steps {
    send email broken
  }
}

segment everybody {
  where email is known
}
"""


@pytest.mark.slow
def test_a_mended_template_sends_what_failed_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wild(content: Content, values: dict[str, Any]) -> Rendered:
        if "{{" in content.body:
            raise RecursionError("a filter ran wild")
        return Rendered(content.subject, content.body, None)

    monkeypatch.setattr(compose, "render", wild)
    folder = tmp_path
    (folder / "cij.toml").write_text(
        '[project]\nname = "x"\ntimezone = "UTC"\n\n[delivery.email]\nkind = "files"\n'
        'folder = "outbox"\nfrom = "A <a@example.com>"\n'
    )
    (folder / "people.csv").write_text("person,email\nana,ana@example.com\nbob,bob@example.com\n")
    (folder / "a.journey").write_text(HEAD + FILES)
    for tries in (1, 0):
        # Nothing has changed: the second run tries nothing again.
        said = inside("run", str(folder), "--once")[2]
        assert (
            said.count(" and 1 more failed: it cannot be written") == said.count("failed") == tries
        )
        assert [m["outcome"] for m in status(folder)["messages"]] == ["failed"]
    (folder / "a.journey").write_text(HEAD + FILES.replace("{{ email }}", "you"))
    run_once(folder)
    assert [(m["outcome"], m["count"]) for m in status(folder)["messages"]] == [("delivered", 2)]
    assert len(messages(folder)) == 2


@pytest.mark.parametrize("is_idempotent", [True, False])
def test_a_channel_that_breaks_ends_no_run(engine: Engine, is_idempotent: bool) -> None:
    queue(engine, 2)
    drain(engine, {"email": Way(breaks_for="c1", is_idempotent=is_idempotent)}, NOW)
    why = "the channel broke: the socket is odd"
    if is_idempotent:
        assert outcomes(engine) == [("delivered", ""), ("failed", why)]
    else:
        # Nobody knows which of them it had sent before it broke.
        assert outcomes(engine) == [("uncertain", why)] * 2


@pytest.mark.parametrize("status_", ["failed", "retry", "unsent", "later", "uncertain"])
def test_an_answer_of_odd_bytes_is_kept_as_text(engine: Engine, status_: str) -> None:
    queue(engine, 1)
    way = Way(status=status_, reason="550 Empf\udce4nger", provider_id="f\udcfc")
    drain(engine, {"email": way}, NOW)
    assert "Empf\\udce4nger" in outcomes(engine)[0][1]


CALL = """
journey calling {
  enter from segment everybody
  steps {
    call: do create_phone_call {
      subject = "Hello"
      phone = "+34600000001"
    }
    rest: wait 1 day
  }
}
"""


@pytest.mark.slow
@pytest.mark.parametrize("odd", ["\ud800", "x\x00y"])
def test_an_answer_that_fails_counts_as_done_without_a_result(tmp_path: Path, odd: str) -> None:
    class Odd(Rows):
        def deliver(self, batch: Sequence[Prepared]) -> list[Any]:
            given = [odd, "42"]
            return [
                Outcome(one.key, "delivered", returned={"call_id": given[n % 2]})
                for n, one in enumerate(batch)
            ]

    runner = calling.run(calling.project(tmp_path, "use std.actions\n\n" + CALL), Odd())
    rows = runner.world.engine.rows
    done = rows(query('SELECT d.call_id FROM "event_create_phone_call.done" AS d'))
    assert len(done) == 2 and ("42",) in done
    runner.world.engine.close()
