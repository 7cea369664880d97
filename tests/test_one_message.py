"""`any(opened(mail))`: the interactions with the message of one step of this passage."""

from pathlib import Path

import pytest

from cij.cli.exits import Exit
from tests.calling import MAIL, MAIL_TOML, journey, project
from tests.conftest import Cij

BODY = """
    first: send email hello
    second: send email hello
    wait 1 day
    if any(opened(second)) and not any(opened(first)) {
      end second_only
    }
    if count(opened(first) within last 2 days) >= 2 {
      end twice
    }
    if any(opened(first) where channel = "email") {
      end once
    }
"""
LOOP = """
    repeat up to 2 times every 1 day {
      mail: send email hello
    }
    if any(opened(mail)) {
      end seen
    }
"""
FRAGMENT = """
fragment greeting() {
  mail: send email hello
  wait 1 day
  if any(opened(mail)) {
    seen: send email hello
  }
}
"""


def played(cij: Cij, folder: Path, steps: str, *lines: str, more: str = "") -> str:
    told = "\n".join(f"  {line}" for line in lines)
    start = (
        '  clock 2026-03-02 10:00\n  given customer "ana" {\n    email = "ana@example.com"\n  }\n'
    )
    test = f'test "t" for calls {{\n{start}{told}\n}}\n'
    project(folder, MAIL + more + journey(steps) + test, MAIL_TOML)
    checked = cij("check", folder)
    assert checked.code == Exit.OK, checked.out
    return cij("test", folder).out


@pytest.mark.parametrize(
    ("events", "outcome"),
    [
        (["opened(second)"], "second_only"),
        (["opened(first)", "opened(first)"], "twice"),
        (["opened(first)", "opened(second)"], "once"),
        ([], "completed"),
    ],
)
def test_each_message_has_its_own(
    cij: Cij, tmp_path: Path, events: list[str], outcome: str
) -> None:
    lines = [f'event {event} by "ana"' for event in events]
    told = played(cij, tmp_path, BODY, *lines, "after 1 day", f'expect "ana" ended as {outcome}')
    assert "1 passed" in told, told


def test_any_turn_of_a_loop_counts(cij: Cij, tmp_path: Path) -> None:
    lines = 'event opened(mail) by "ana"', "after 2 days", 'expect "ana" ended as seen'
    told = played(cij, tmp_path, LOOP, *lines)
    assert "1 passed" in told, told


def test_in_a_fragment_it_is_the_message_of_this_use(cij: Cij, tmp_path: Path) -> None:
    lines = (
        "after 1 day",
        'event opened(`b.mail`) by "ana"',
        "after 1 day",
        'expect sent email hello to "ana"',
        'expect sent email hello to "ana"',
        'expect sent email hello to "ana"',
    )
    steps = "    a: run greeting()\n    b: run greeting()"
    told = played(cij, tmp_path, steps, *lines, more=FRAGMENT)
    assert "1 passed" in told, told
    # The first use asks for a message of its own, which nobody opened.
    once_more = played(cij, tmp_path, steps, *lines, lines[-1], more=FRAGMENT)
    assert "1 failed" in once_more, once_more


@pytest.mark.slow
def test_what_is_said_of_it(cij: Cij, tmp_path: Path) -> None:
    played(cij, tmp_path, BODY)
    told = cij("explain", "calls", tmp_path).out
    assert "any(opened(second)) and not any(opened(first))" in told
    assert "count(opened(first) within last 2 days) >= 2" in told
    cij("run", tmp_path, "--once")
    assert cij("why", "shop:1", "calls", "--project", tmp_path).code == Exit.OK
