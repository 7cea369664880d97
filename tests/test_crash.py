"""Killed at any moment and started again: nothing is lost, doubled or half written.

CIJ_KILLS=500 kills more often.
"""

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope, Session

from tests.example import copy_example, delivered, messages, replace, run_once, start, status

KILLS = int(os.environ.get("CIJ_KILLS", "50"))
HOST = "127.0.0.1"


def kill_many_times(project: Path, count: int, seed: int) -> Counter[int]:
    """Run on the same folder again and again, killed at moments spread over the time of a run.

    Returns how often which exit code came.
    """
    moments = random.Random(seed)
    longest = _seconds_of_a_run(project)
    codes: Counter[int] = Counter()
    for _ in range(count):
        process = start("run", project, "--once")
        try:
            process.communicate(timeout=moments.uniform(0, longest))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        codes[process.returncode] += 1
    return codes


def _seconds_of_a_run(project: Path) -> float:
    """Measure on another copy, so that the first kills meet a project that never ran."""
    other = copy_example(project.parent / "measured")
    begin = time.monotonic()
    run_once(other)
    return time.monotonic() - begin


def without_dates(files: dict[str, bytes]) -> dict[str, bytes]:
    """Leave out the header that says when: it differs from run to run."""
    found = {}
    for name, content in files.items():
        lines = content.split(b"\r\n")
        dates = [line for line in lines if line.startswith(b"Date: ")]
        assert len(dates) == 1
        found[name] = b"\r\n".join(line for line in lines if line not in dates)
    return found


@pytest.mark.slow
def test_kills_leave_the_same_files_as_one_quiet_run(tmp_path: Path) -> None:
    quiet = copy_example(tmp_path / "quiet")
    run_once(quiet)
    project = copy_example(tmp_path / "killed")
    codes = kill_many_times(project, KILLS, seed=1)
    assert set(codes) <= {0, -signal.SIGKILL} and codes[-signal.SIGKILL] > KILLS // 3, codes
    report = run_once(project)
    assert without_dates(messages(project)) == without_dates(messages(quiet))
    assert report["messages"] == status(quiet)["messages"]
    assert report["ended"] == [] and report["entries"] == status(quiet)["entries"]
    files = [path for path in project.rglob("*") if path.is_file()]
    assert not [p for p in files if p.suffix in (".tmp", ".part") or p.stat().st_size == 0]
    assert len(messages(project)) == len([p for p in files if "outbox" in p.parts])


# --- against a mail server --------------------------------------------------------------------


class Mailbox:
    """A server's messages: how often it accepted which Message-ID."""

    def __init__(self) -> None:
        self.accepted: Counter[str] = Counter()

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.accepted[message_from_bytes(envelope.content)["Message-ID"]] += 1
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    found = Mailbox()
    controller = Controller(found, hostname=HOST, port=0)
    controller.start()
    try:
        yield found, controller.server.sockets[0].getsockname()[1]
    finally:
        controller.stop()


def through_server(project: Path, port: int) -> Path:
    """Have the project send by the server, on one connection so that kills find it at work."""
    replace(
        project / "cij.toml",
        'kind = "files"\nfolder = "outbox"\n',
        f'kind = "smtp"\nhost = "{HOST}"\nport = {port}\ntls = "none"\nconnections = 1\n',
    )
    return project
