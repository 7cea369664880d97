"""Killed at any moment and started again: nothing is lost, doubled or half written.

CIJ_KILLS=500 kills more often.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attack.killing import kill_runs
from tests.example import add_people, by_recipient, copy_example, messages, run_once
from tests.nursery import Nursery

KILLS = int(os.environ.get("CIJ_KILLS", "10"))
# CI kills this many runs that send by a mail server, and `CIJ_KILLS=500` that many.
MAIL_KILLS = max(KILLS, 50)


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    folder = tmp_path_factory.mktemp("nursery")
    with Nursery(folder / "said.txt", copy_example(folder)) as found:
        yield found


def seconds_of_a_run(nursery: Nursery, project: Path) -> float:
    begin = time.monotonic()
    assert nursery.run(project) == 0, nursery.said()
    return time.monotonic() - begin


def kill_many_times(nursery: Nursery, project: Path, count: int, seed: int) -> int:
    """Kill runs, each with some new people, until so many were killed; return how many there were.

    A run that is done before its moment makes the next moments earlier.
    """
    moments = random.Random(seed)
    longest = seconds_of_a_run(nursery, project)
    codes: Counter[int] = Counter()
    while codes[-signal.SIGKILL] < count:
        add_people(project, codes.total())
        code = nursery.run(project, longest * moments.uniform(0.05, 1.0))
        codes[code] += 1
        longest *= 0.9 if code == 0 else 1.0
        assert codes.total() < 4 * count + 20, codes
    assert set(codes) <= {0, -signal.SIGKILL}, nursery.said()
    return codes.total()


@pytest.mark.slow
def test_kills_leave_what_one_quiet_run_leaves(tmp_path: Path, nursery: Nursery) -> None:
    project = copy_example(tmp_path / "killed")
    rounds = kill_many_times(nursery, project, KILLS, seed=1)
    report = run_once(project)
    quiet = copy_example(tmp_path / "quiet")
    for round in range(rounds):
        add_people(quiet, round)
    expected = run_once(quiet)
    assert by_recipient(messages(project).values()) == by_recipient(messages(quiet).values())
    assert report["messages"] == expected["messages"]
    assert report["entries"] == expected["entries"]
    assert report["segments"] == expected["segments"]
    files = [path for path in project.rglob("*") if path.is_file()]
    assert not [p for p in files if p.suffix in (".tmp", ".part") or p.stat().st_size == 0]
    assert len(messages(project)) == len([p for p in files if "outbox" in p.parts])


@pytest.mark.slow
def test_a_first_run_that_is_killed_is_made_up_for_with_the_same_keys(
    tmp_path: Path, nursery: Nursery
) -> None:
    quiet = copy_example(tmp_path / "quiet")
    longest = seconds_of_a_run(nursery, quiet)
    project = copy_example(tmp_path / "killed")
    for share in (0.2, 0.4, 0.6, 0.8, 0.9):
        nursery.run(project, longest * share)
    assert nursery.run(project) == 0
    assert messages(project).keys() == messages(quiet).keys()


# --- against a mail server --------------------------------------------------------------------


@pytest.mark.slow
def test_kills_have_no_message_sent_twice_and_tell_which_may_be_lost(
    tmp_path: Path, nursery: Nursery
) -> None:
    found = kill_runs(tmp_path, nursery, MAIL_KILLS, seed=2)
    assert found.is_good and found.kills >= MAIL_KILLS, found.line()
