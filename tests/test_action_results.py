"""What comes back from actions: waits for it, conditions and messages that read it."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cij.app.compile import compiled
from cij.compiler.sql import query
from cij.runtime.delivery import Defaults, FileSettings, open_transport
from cij.runtime.delivery.channels import Outcome
from cij.runtime.engine import open_engine
from cij.runtime.runner import open_runner, step
from tests.calling import NOW, Rows, journey, project, run, said
from tests.conftest import Cij

CALL = """\
    call: do create_phone_call {
      subject = "Hello"
      phone = "+34600000001"
    }
"""
USE = "use std.actions\n\n"
TOPIC = "topic news {\n  channels = [email]\n  consent = none\n}\n\n"


def message(body: str) -> str:
    content = f'  locale "en" {{\n    subject = "Hello"\n    body = "{body}"\n  }}\n'
    return TOPIC + f"message email hello {{\n  topic = news\n{content}}}\n\n"


class Answering(Rows):
    """A way out whose receiver does at once what it is told, and says what came of it."""

    def __init__(self, **returned: Any) -> None:
        super().__init__()
        self._returned = returned

    def deliver(self, batch: Any) -> list[Outcome]:
        self.got += batch
        return [Outcome(one.key, "delivered", returned=self._returned) for one in batch]


_DONE = query('SELECT d.message_key, d.call_id, d.outcome FROM "event_create_phone_call.done" AS d')
_ENDED = query("SELECT DISTINCT p.outcome FROM passage AS p WHERE NOT p.ended_at IS NULL")
_QUARANTINE = query("SELECT q.reason FROM quarantine AS q")
WAIT = """\
    made: wait for done(call) up to 2 days {
      if call.outcome = "reached" {
        end reached
      } else {
        end other
      }
    }
"""


@pytest.mark.slow
def test_what_is_done_at_once_is_gone_on_with_in_the_same_step(tmp_path: Path) -> None:
    text = USE + journey(CALL + WAIT)
    runner = run(project(tmp_path, text), Answering(call_id=42, outcome="reached", more=[1]))
    assert sorted(runner.world.engine.rows(_DONE)) == [
        ("calls:1:call:0", "42", "reached"),
        ("calls:2:call:0", "42", "reached"),
    ]
    assert runner.world.engine.rows(_ENDED) == [("reached",)]
    runner.world.engine.close()


@pytest.mark.slow
def test_a_result_that_does_not_fit_is_missing_and_told(tmp_path: Path) -> None:
    text = USE + journey(CALL + WAIT)
    runner = run(project(tmp_path, text), Answering(call_id={"a": 1}, outcome="reached"))
    assert {row[1:] for row in runner.world.engine.rows(_DONE)} == {(None, "reached")}
    reasons = {row[0] for row in runner.world.engine.rows(_QUARANTINE)}
    assert len(reasons) == 1 and "field call_id" in reasons.pop()
    assert runner.world.engine.rows(_ENDED) == [("reached",)]
    runner.world.engine.close()


def test_what_is_not_done_yet_is_waited_for(tmp_path: Path) -> None:
    runner = run(project(tmp_path, USE + journey(CALL + WAIT)), Rows())
    assert runner.world.engine.rows(_DONE) == runner.world.engine.rows(_ENDED) == []
    step(runner, NOW + timedelta(days=2), with_refresh=False)
    assert runner.world.engine.rows(_ENDED) == [("completed",)]
    runner.world.engine.close()


@pytest.mark.slow
def test_others_say_by_an_event_that_it_was_done(cij: Cij, tmp_path: Path) -> None:
    folder = project(tmp_path / "p", USE + journey(CALL + WAIT))
    cij("run", folder, "--once")
    (file,) = (folder / "outbox").rglob("*.jsonl")
    row = json.loads(file.read_text().splitlines()[0])
    key, customer = row["data"]["key"], row["data"]["customer"]
    answer = ("event", "create_phone_call.done", "--project", folder, "--customer", customer)
    alone = cij(*answer, "-f", "outcome=reached")
    assert alone.code == 2 and "name the call with `--message`" in alone.err
    done = cij(
        *answer, "--message", key, "-f", "outcome=reached",
    )  # fmt: skip
    assert done.code == 0, done.err
    left = json.loads(cij("run", folder, "--once", "--json").out)
    assert [(e["name"], e["count"]) for e in left["ended"]] == [("reached", 1)]


def test_a_message_reads_what_came_back(tmp_path: Path) -> None:
    text = message("It was {{ call.outcome | default: 'nothing' }}.")
    text = USE + text + journey(CALL, "    week: wait 1 day", "    hello: send email hello")
    opened, program = compiled(project(tmp_path, text))
    mail = open_transport(FileSettings(tmp_path / "mail"))
    channels = {"action": _Answers(), "email": mail}
    defaults = Defaults(sender="a@example.com")
    runner, _ = open_runner(open_engine(None), program, opened.root, channels, defaults, NOW)
    step(runner, NOW, with_refresh=True)
    step(runner, NOW + timedelta(days=1), with_refresh=False)
    (sent,) = (tmp_path / "mail").rglob("*.eml")
    assert "It was busy." in sent.read_text()
    runner.world.engine.close()


class _Answers(Answering):
    def __init__(self) -> None:
        super().__init__(outcome="busy")


def _do(label: str = "call", action: str = "create_phone_call") -> str:
    return CALL.replace("call: do", f"{label}: do").replace("create_phone_call", action)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (
            CALL + '    if call.result = "x" {\n      end a\n    }',
            ("CIJ202", "action `create_phone_call` returns no `result`"),
        ),
        (
            '    if call.outcome = "x" {\n      end a\n    }\n' + CALL,
            ("CIJ202", "`customer` has no field `call.outcome`"),
        ),
        (CALL + "    wait for done(cal) up to 1 day", ("CIJ303", "no `do` is called `cal`")),
        (
            "    wait for done(call) up to 1 day\n" + CALL,
            ("CIJ304", "`call` is not called on every path to this wait"),
        ),
        (CALL + "    wait for opened(call) up to 1 day", ("CIJ303", "no send is called `call`")),
        (
            CALL + '    wait for done(call) where points = "x" up to 1 day',
            ("CIJ207", "cannot compare an integer with text"),
        ),
        (_do("ordered"), ("CIJ303", "`ordered.call_id` would have two meanings")),
        (CALL + CALL, ("CIJ303", "two steps are called `call`")),
    ],
)
def test_a_mistake_about_results_is_reported_once(steps: str, expected: tuple[str, str]) -> None:
    assert said(USE + journey(steps)) == [expected]


@pytest.mark.parametrize(
    ("body", "steps", "expected"),
    [
        ("{{ call.outcome }}", CALL, ("CIJ602", "`call.outcome` has no value for some customers")),
        (
            "{{ call.result | default: 1 }}",
            CALL,
            ("CIJ601", "action `create_phone_call` returns no `result`"),
        ),
        (
            "{{ call.outcome | default: 1 }}",
            "    first: send email hello\n" + CALL,
            (
                "CIJ601",
                "`call.outcome` needs a step `call` that calls something before the send",
            ),
        ),
    ],
)
def test_a_mistake_in_a_placeholder_is_reported_once(
    body: str, steps: str, expected: tuple[str, str]
) -> None:
    text = USE + message(body) + journey(steps + "    last: send email hello")
    assert said(text) == [expected]


def test_a_result_of_either_branch_can_be_asked_for_behind_them() -> None:
    branches = (
        "    if points > 5 {\n" + CALL + "    } else {\n    task: do create_task {\n"
        '      subject = "x"\n    }\n    }\n'
        '    if call.outcome = "a" or task.outcome = "b" {\n      end a\n    }'
    )
    assert said(USE + journey(branches)) == []


def test_an_event_of_ones_own_may_be_called_done() -> None:
    own = "event done {\n}\n\n"
    assert said(own + journey("    wait for done up to 1 day")) == []


def test_a_test_says_what_came_back(cij: Cij, tmp_path: Path) -> None:
    text = (
        USE
        + journey(CALL + WAIT)
        + """
test "reached" for calls {
  clock 2026-03-02 10:00
  given customer "ana" {
    email = "ana@example.com"
  }
  after 1 hour event done(call) by "ana" {
    outcome = "reached"
  }
  expect "ana" ended as reached
}
"""
    )
    done = cij("test", project(tmp_path / "a", text), "-v")
    assert done.code == 0, done.out
    assert "event done(call)" in done.out
    wrong = text.replace("done(call) by", "done(cal) by")
    assert said(wrong) == [("CIJ804", "no `do` of `calls` is called `cal`")]
    assert said(text.replace('outcome = "reached"\n  }\n  expect', "outcome = 5\n  }\n  expect"))


def test_a_call_names_its_step_in_the_graph(cij: Cij, tmp_path: Path) -> None:
    out = cij("graph", project(tmp_path / "p", USE + journey(CALL + WAIT))).out
    assert "yes: done#40;call#41;" in out
