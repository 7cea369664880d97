"""Runs the command line in forks of one warm process, each with a memory limit of its own.

The start of Python and the imports take longer than most commands. A fork has both behind it, and is
still a process by itself: it may be killed, and what it takes is given back.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NoReturn

from tests.warm_process import WarmProcess

_TASKS = Path("/proc/self/task")


class Forking(WarmProcess):
    """`megabytes` is how much memory each command may take, `seconds` how much time."""

    def __init__(self, megabytes: int, seconds: int) -> None:
        self._limits = {"bytes": megabytes * 1_000_000, "seconds": seconds}
        super().__init__("-W", "error", "-m", "tests.forking")

    def run(self, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        """Run `cij` with arguments to its end. The exit code of a killed one is negative."""
        with tempfile.TemporaryDirectory() as folder:
            out, err = Path(folder) / "out", Path(folder) / "err"
            words = [str(argument) for argument in arguments]
            order = {"words": words, "out": str(out), "err": str(err), **self._limits}
            code = self._asked(order)
            return subprocess.CompletedProcess(words, code, out.read_text(), err.read_text())

    def _asked(self, order: dict[str, Any]) -> int:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        line = self._process.stdout.readline()
        assert line, "the process that forks has ended"
        return int(line)


# --- in the warm process ----------------------------------------------------------------------


def main() -> None:
    """Run each order in a fork, and answer its exit code."""
    _warm_up()
    for line in sys.stdin:
        assert _threads() == 1, "a fork would lack threads that hold something"
        number = os.fork()
        if number == 0:
            _carry_out(json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]), flush=True)


def _warm_up() -> None:
    from cij.cli.failures import run
    from cij.cli.main import cli

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "cij.toml").write_text('[project]\nname = "p"\ntimezone = "UTC"\n')
        (Path(folder) / "a.journey").write_text("segment a {\n  where x\n}\n")
        out = os.dup(1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        for words in (["check", folder], ["fmt", "--check", folder]):
            run(cli, words)
        sys.stdout.flush()
        os.dup2(out, 1)


def _threads() -> int:
    """Return the number of threads, also of those that Python does not know."""
    return len(os.listdir(_TASKS)) if _TASKS.exists() else 1


def _carry_out(order: dict[str, Any]) -> NoReturn:
    # Not on Windows, where this file is imported and its tests are skipped.
    import resource

    from cij.cli.failures import run
    from cij.cli.main import cli

    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(order[name], os.O_CREAT | os.O_WRONLY), number)
    resource.setrlimit(resource.RLIMIT_AS, (order["bytes"], order["bytes"]))
    signal.alarm(order["seconds"])
    code = 1
    try:
        code = int(run(cli, order["words"]))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
