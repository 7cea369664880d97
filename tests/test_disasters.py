"""Disasters, drawn by seed: kills, full disks, torn logs, two runs at once, clocks that jump back.

Whatever happened, the next run ends with what one undisturbed run leaves: nothing lost, no key
twice, and what broke off said so in a clear message. `CIJ_DISASTERS=200` lets so many happen.
"""

import os
import random
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cij.app.compile import compiled_stories
from cij.app.open_store import open_store
from cij.app.project import open_project
from cij.compiler.program import Program
from cij.compiler.sql import query
from cij.runtime.deploy import deploy
from cij.runtime.engine import Engine, open_engine
from cij.runtime.refresh import take_in
from cij.runtime.store.keys import DOUBLE_MESSAGES
from cij.runtime.tick import tick
from tests.example import add_people, by_recipient, copy_example, messages, run_once
from tests.nursery import Nursery, kill
from tests.tiny import HEAD

ROUNDS = 3
DISASTERS = int(os.environ.get("CIJ_DISASTERS", "6"))
START = datetime(2026, 3, 2, 9)
DAY = timedelta(days=1)
JOURNEY = """
journey welcome {
  enter on visit
  steps {
    first: send email hello
    rest: wait 1 day
    second: send email hello
  }
}
"""
KINDS = ("kill", "torn log", "full disk", "two at once")


@pytest.fixture(scope="module")
def nurseries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Nursery, Nursery]]:
    folder = tmp_path_factory.mktemp("said")
    warm = copy_example(folder)
    with Nursery(folder / "one.txt", warm) as one, Nursery(folder / "two.txt", warm) as two:
        yield one, two


def strike(kind: str, project: Path, draw: random.Random, pair: tuple[Nursery, Nursery]) -> None:
    """Let one disaster happen to a run on the project."""
    one, two = pair
    if kind == "full disk":
        size = _state(project).stat().st_size if _state(project).exists() else 0
        one.start(project, room=size + draw.randrange(4_096, 400_000))
        assert one.end() in (0, 5, 6), one.said()
    elif kind == "two at once":
        one.start(project)
        time.sleep(draw.uniform(0, 0.3))
        two.start(project)
        codes = {one.end(), two.end()}
        assert codes <= {0, 5} and 0 in codes, one.said() + two.said()
    else:
        pid = one.start(project)
        time.sleep(draw.uniform(0.02, 1.2))
        kill(pid)
        assert one.end() in (0, -9), one.said()
        if kind == "torn log":
            _tear(project, draw)


def _state(project: Path) -> Path:
    return project / ".cij" / "state.duckdb"


def _tear(project: Path, draw: random.Random) -> None:
    """Cut off the end of the write-ahead log, as when the machine lost its power while writing."""
    log = _state(project).with_name("state.duckdb.wal")
    if log.exists():
        size = log.stat().st_size
        os.truncate(log, max(0, size - draw.randrange(1, 2_000)))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(-(-DISASTERS // ROUNDS)))
def test_after_any_disaster_the_next_run_makes_up_for_it(
    seed: int, tmp_path: Path, nurseries: tuple[Nursery, Nursery]
) -> None:
    draw = random.Random(seed)
    project, quiet = copy_example(tmp_path / "struck"), copy_example(tmp_path / "quiet")
    for round in range(ROUNDS):
        strike(KINDS[(seed + round) % len(KINDS)], project, draw, nurseries)
        for folder in (project, quiet):
            add_people(folder, round)
    report, expected = run_once(project), run_once(quiet)
    assert by_recipient(messages(project).values()) == by_recipient(messages(quiet).values())
    for part in ("messages", "entries", "segments"):
        assert report[part] == expected[part]
    _audit(project)
    said = "".join(n.said() for n in nurseries)
    assert "Traceback" not in said and "bug in cij" not in said, said


def _audit(project: Path) -> None:
    engine: Engine = open_store(open_project(project))
    try:
        assert engine.rows(DOUBLE_MESSAGES) == []
    finally:
        engine.close()


def test_a_clock_that_jumps_back_moves_nobody_twice(tmp_path: Path) -> None:
    world = deploy(open_engine(None), program_of(tmp_path), START)
    world.engine.append("customer", {"id": ["ana"], "zone": ["UTC"], "email": ["a@example.com"]})
    tick(world, START)
    row = {"event": "visit", "customer": "ana", "at": START + DAY, "id": "v"}
    take_in(world.engine, world.program, [row], START + DAY)
    tick(world, START + DAY)
    for at in (START, START + DAY / 2, START + DAY, START - 30 * DAY):
        assert tick(world, at).moves == 0
    assert tick(world, START + 3 * DAY).moves == 1
    assert tick(world, START).now == START + 3 * DAY
    sent = query("SELECT o.step, COUNT(*) FROM outbox AS o GROUP BY o.step ORDER BY o.step")
    assert world.engine.rows(sent) == [("first", 1), ("second", 1)]


def program_of(folder: Path) -> Program:
    (folder / "cij.toml").write_text('[project]\nname = "clock"\ntimezone = "UTC"\n')
    (folder / "a.journey").write_text(HEAD + JOURNEY)
    found, _ = compiled_stories(folder)
    return found
