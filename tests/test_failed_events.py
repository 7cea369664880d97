"""The event `failed`: a message or a call that did not come through ends a wait at once."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cij.app.compile import compile_path, compiled_stories
from cij.compiler.sql import query
from cij.runtime.delivery.channels import Outcome, Prepared
from cij.runtime.runner import step
from cij.runtime.story import StoryPlayer
from tests.calling import MAIL, NOW, journey, project, run, said

CALLS = "use std.actions\n\n" + journey(
    '    task: do create_task {\n      subject = "Call"\n    }',
    "    there: wait up to 2 days {\n      on done(task) {\n        end done_\n      }",
    '      on failed(task) {\n        if any(failed(task) where reason contains "410") {\n'
    "          end gone\n        }\n        end failed_\n      }\n    }",
)
STORY = """
test "a call that fails" for calls {
  clock 2026-03-02 10:00
  given customer "ana" {}
  expect "ana" waiting at there
  after 1 hour event failed(task) by "ana" {
    reason = "410 Gone"
  }
  expect "ana" ended as gone
}
"""
_ENDED = query("SELECT p.outcome, p.ended_at FROM passage AS p ORDER BY p.id")
_FAILED = query("SELECT f.reason, f.channel, f.message, f.journey FROM event_failed AS f")


class _Refuses:
    """A receiver that is gone for good."""

    is_idempotent = True

    def deliver(self, batch: Sequence[Prepared]) -> list[Any]:
        return [
            Outcome(one.key, "failed", reason="the receiver answered 410 Gone") for one in batch
        ]

    def close(self) -> None:
        pass


def test_a_call_that_fails_ends_the_wait_in_the_next_run(tmp_path: Path) -> None:
    runner = run(project(tmp_path / "p", CALLS), _Refuses())
    with closing(runner.world.engine) as engine:
        step(runner, NOW, with_refresh=False)
        assert engine.rows(_FAILED)[0] == (
            *("the receiver answered 410 Gone", "action", "create_task", "calls"),
        )
        assert set(engine.rows(_ENDED)) == {("gone", NOW)}


def test_a_story_may_let_a_call_fail(tmp_path: Path) -> None:
    program, [story] = compiled_stories(project(tmp_path / "p", CALLS + STORY))
    with closing(StoryPlayer(program)) as player:
        assert [f.found for f in player.play(story).failures] == []


def test_what_was_sent_can_be_counted_by_message_topic_and_journey(tmp_path: Path) -> None:
    asks = (
        'count(delivered within last 24 hours where channel = "email" and message = "hello" '
        'and topic = "service" and journey = "calls") = 1'
    )
    text = MAIL + journey(
        "    mail: send email hello",
        "    wait 1 hour",
        f"    if {asks} {{\n      end counted\n    }}",
        "    end missed",
    )
    story = STORY.partition("  expect")[0].replace("{}", '{\n    email = "ana@example.com"\n  }')
    story += '  after 1 hour\n  expect "ana" ended as counted\n}\n'
    program, [told] = compiled_stories(project(tmp_path / "p", text + story))
    with closing(StoryPlayer(program)) as player:
        assert [f.found for f in player.play(told).failures] == []


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ("    wait for failed(nothing) up to 1 day", "no send is called `nothing`"),
        (
            '    if points > 1 {\n      task: do create_task {\n        subject = "C"\n      }\n    }'
            + "\n    wait for failed(task) up to 1 day",
            "`task` is not called on every path to this wait",
        ),
    ],
)
def test_mistakes_name_the_step(steps: str, message: str) -> None:
    assert message in [text for _, text in said("use std.actions\n" + journey(steps))]


def test_nobody_else_may_declare_it(tmp_path: Path) -> None:
    text = "event failed {\n}\n" + journey("    wait 1 day")
    found = compile_path(project(tmp_path / "p", text)).errors
    assert [d.message for d in found] == [
        "`failed` is a built-in event: what customers do with messages"
    ]
