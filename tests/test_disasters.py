"""Disasters, drawn by seed: kills, full disks, torn logs, two runs at once, clocks that jump back.

Whatever happened, the next run ends with what one undisturbed run leaves: nothing lost, no key
twice, and what broke off said so in a clear message. `CIJ_DISASTERS=200` lets so many happen.
"""

import json
import os
import random
import subprocess
import sys
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
from tests.example import add_people, by_recipient, copy_example, environment, messages, run_once
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

# Forks a run for each line: what breaks off is the work and not the start of Python. The answer is
# the number of the process, and then its exit code. `room` is how large a file may grow, in bytes:
# writing on fails as it does when the disk is full.
NURSERY = """
import json, os, resource, signal, sys
import aiosmtplib, apscheduler.executors.debug, apscheduler.schedulers.base, markdown_it
import cij.app.compile, cij.app.project
from cij.cli.main import main
from cij.compiler.sql import intake, load, plan, unify
for line in sys.stdin:
    order = json.loads(line)
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if order["room"] is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (order["room"], order["room"]))
        sys.argv = ["cij", "run", order["path"], "--once"]
        main()
    print(pid, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


class Nursery:
    """Starts runs; `said` is what they wrote to standard error, one after the other."""

    def __init__(self, said: Path) -> None:
        self._file = said.open("w+b")
        self._process = subprocess.Popen(
            [sys.executable, "-c", NURSERY],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._file,
            text=True,
            bufsize=1,
            env=environment(),
        )

    def start(self, project: Path, room: int | None = None) -> int:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"path": str(project), "room": room}) + "\n")
        return int(self._process.stdout.readline())

    def end(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())

    def said(self) -> str:
        self._file.flush()
        self._file.seek(0)
        return self._file.read().decode()

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._file.close()


@pytest.fixture(scope="module")
def nurseries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Nursery, Nursery]]:
    folder = tmp_path_factory.mktemp("said")
    pair = Nursery(folder / "one.txt"), Nursery(folder / "two.txt")
    yield pair
    for nursery in pair:
        nursery.close()


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
        try:
            os.kill(pid, 9)
        except ProcessLookupError:
            pass
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
