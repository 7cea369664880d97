"""Killed at any moment and started again: nothing is lost, doubled or half written.

CIJ_KILLS=500 kills more often.
"""

import asyncio
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import Envelope, Session

from tests.example import (
    add_people,
    by_recipient,
    copy_example,
    delivered,
    environment,
    inside,
    messages,
    replace,
    run_once,
)
from tests.mail_server import MailServer

KILLS = int(os.environ.get("CIJ_KILLS", "20"))
HOST = "127.0.0.1"


# Forks a run for each path it reads, with most imported: what is killed is the work and not the
# start of Python. DuckDB has threads, which do not survive a fork: each run imports it itself.
# The answer is the number of the process, and then its exit code.
NURSERY = """
import os, sys
import aiosmtplib, apscheduler.executors.debug, apscheduler.schedulers.base, markdown_it
import cij.app.compile, cij.app.project
from cij.cli.main import main
from cij.compiler.sql import intake, load, plan, unify
assert "duckdb" not in sys.modules
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.argv = ["cij", "run", line.rstrip(), "--once"]
        main()
    print(pid, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


class Nursery:
    """Makes runs that can be killed. `said` is where their standard error goes."""

    def __init__(self, said: Path) -> None:
        self.said = said
        with said.open("wb") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-c", NURSERY],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
                bufsize=1,
                env=environment(),
            )

    def run(self, project: Path, kill_after_s: float | None = None) -> int:
        """Run once and return the exit code: that of SIGKILL unless it was done before."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{project}\n")
        pid = int(self._process.stdout.readline())
        if kill_after_s is not None:
            time.sleep(kill_after_s)
            # It may be gone already.
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Nursery]:
    found = Nursery(tmp_path / "said.txt")
    yield found
    found.close()


def seconds_of_a_run(nursery: Nursery, project: Path) -> float:
    begin = time.monotonic()
    assert nursery.run(project) == 0, nursery.said.read_text()
    return time.monotonic() - begin


def kill_many_times(nursery: Nursery, project: Path, count: int, seed: int) -> int:
    """Kill `count` runs on the same folder at moments spread over the time of a run.

    There is always something to do, for people are added before each run; returns how many times.
    A run that was done before its moment does not count, and makes the next moments earlier.
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
    assert set(codes) <= {0, -signal.SIGKILL}, nursery.said.read_text()
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


class Mailbox:
    """A server's messages: how often it accepted which Message-ID. It takes its time."""

    def __init__(self) -> None:
        self.accepted: Counter[str] = Counter()

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        await asyncio.sleep(0.02)
        assert isinstance(envelope.content, bytes)
        self.accepted[message_from_bytes(envelope.content)["Message-ID"]] += 1
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    found = Mailbox()
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    controller = MailServer(found, hostname=HOST, port=port)
    controller.start()
    try:
        yield found, port
    finally:
        controller.stop()


# A message is in doubt only while a connection has it in its hands (S19).
CONNECTIONS = 2
# CI kills some runs that send mail; `CIJ_KILLS=50` and more kill that many.
MAIL_KILLS = KILLS if "CIJ_KILLS" in os.environ else 10


def through_server(project: Path, port: int) -> Path:
    """Have the project send by the server, on few connections so that kills find it at work."""
    replace(
        project / "cij.toml",
        'kind = "files"\nfolder = "outbox"\n',
        f'kind = "smtp"\nhost = "{HOST}"\nport = {port}\ntls = "none"\nconnections = {CONNECTIONS}\n',
    )
    return project


@pytest.mark.slow
def test_kills_have_no_message_sent_twice_and_tell_which_may_be_lost(
    tmp_path: Path, nursery: Nursery, mailbox: tuple[Mailbox, int]
) -> None:
    found, port = mailbox
    project = through_server(copy_example(tmp_path), port)
    kill_many_times(nursery, project, MAIL_KILLS, seed=2)
    code, out, said = inside("run", str(project), "--once", "--json")
    assert code == 0, said
    outcomes = delivered(json.loads(out))
    assert set(found.accepted.values()) == {1}, "the server got a message twice"
    uncertain = outcomes.get("uncertain", 0)
    assert uncertain <= MAIL_KILLS * CONNECTIONS, "more than the connections had taken is in doubt"
    assert outcomes.keys() <= {"delivered", "uncertain", "no_address"}
    assert outcomes["delivered"] <= len(found.accepted) <= outcomes["delivered"] + uncertain
    told = re.findall(r"(\d+) messages may have been sent when a run broke off", said)
    assert sum(map(int, told)) == uncertain
