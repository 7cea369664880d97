"""Makes runs that can be killed: each is a fork of one warm process, so that what is killed is the work.

The start of Python and of all that is imported, compiled and parsed takes longer than a run with few
customers. So the nursery makes a run of its own first, and forks from what that leaves in memory. Threads
do not survive a fork. So it forks only while it has a single one: the run has closed its store, and with
it the threads of DuckDB. Each fork opens the store itself, and gets threads of its own.
"""

import gc
import json
import os
import resource
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from tests.warm_process import WarmProcess

# How long the threads of the first run may take to end.
_PATIENCE_S = 10
_TASKS = Path("/proc/self/task")


class Nursery(WarmProcess):
    """`warm` are projects that it runs first; `said` is the file of all that its runs say."""

    def __init__(self, said: Path, *warm: Path) -> None:
        self._said = said
        with said.open("wb") as file:
            super().__init__("-m", "tests.nursery", stderr=file)
        for project in warm:
            self.warm_up(project)

    def warm_up(self, project: Path) -> None:
        """Run a project in the nursery itself, so that later runs of it need not begin at nothing."""
        self._order(project, is_fork=False)
        assert self._answer() == 0, self.said()

    def start(self, project: Path, room: int | None = None) -> int:
        """Start `cij run --once` and return the number of its process.

        `room` is how large a file may grow, in bytes: writing on fails as on a full disk.
        """
        self._order(project, is_fork=True, room=room)
        return self._answer()

    def end(self) -> int:
        """Wait for the end of the run that was started, and return its exit code."""
        return self._answer()

    def run(self, project: Path, kill_after_s: float | None = None) -> int:
        """Run once and return the exit code: that of SIGKILL unless it was done before."""
        number = self.start(project)
        if kill_after_s is not None:
            time.sleep(kill_after_s)
            kill(number)
        return self.end()

    def said(self) -> str:
        """Return what all runs wrote to standard error."""
        return self._said.read_text()

    def _order(self, project: Path, **how: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"path": str(project), **how}) + "\n")

    def _answer(self) -> int:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the nursery has ended: {self.said()}"
        return int(line)


def kill(number: int) -> None:
    """Kill a process, which may be gone already."""
    with suppress(ProcessLookupError):
        os.kill(number, signal.SIGKILL)


# --- in the nursery ---------------------------------------------------------------------------


def main() -> None:
    """Carry out orders; answer an exit code, or for a fork its number and then its exit code."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for line in sys.stdin:
        order = json.loads(line)
        if order["is_fork"]:
            _fork(order, answers)
        else:
            print(_warm_up(order["path"]), file=answers, flush=True)


def _fork(order: dict[str, Any], answers: TextIO) -> None:
    assert _threads() == 1, "a fork would lack threads that hold something"
    number = os.fork()
    if number == 0:
        _run(order)
    print(number, file=answers, flush=True)
    code = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
    print(code, file=answers, flush=True)


def _warm_up(project: str) -> int:
    import duckdb

    from cij.cli.failures import run
    from cij.cli.main import cli
    from cij.runtime.sources import standing_still

    # The tests write their files whole.
    standing_still.STILL_S = 0.0
    code = run(cli, ["run", project, "--once"])
    # The driver opens a store of its own when it is imported.
    duckdb.default_connection().close()
    end = time.monotonic() + _PATIENCE_S
    while _threads() > 1 and time.monotonic() < end:
        time.sleep(0.01)
    # A fork that collects garbage would copy all that is there.
    gc.collect()
    gc.freeze()
    return int(code)


def _threads() -> int:
    """Return the number of threads, also of those that Python does not know."""
    return len(os.listdir(_TASKS)) if _TASKS.exists() else 1


def _run(order: dict[str, Any]) -> None:
    from cij.cli.main import main as command

    if (room := order["room"]) is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    sys.argv = ["cij", "run", order["path"], "--once"]
    command()


if __name__ == "__main__":
    main()
