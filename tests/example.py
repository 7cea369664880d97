"""The example `loyalty`, copied to a folder and run there by the command line, as people do."""

import io
import json
import os
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from cij.cli.failures import run
from cij.cli.main import cli

ROOT = Path(__file__).parents[1]
PORTIONS = ("grammar", "compiler", "runtime", "stdlib", "app")
# Importing the modules of runtime, compiler and so on from the tree, installed or not.
CIJ = (sys.executable, "-W", "error", "-c", "from cij.cli.main import main; main()")
TIMEOUT_S = 120

Done = subprocess.CompletedProcess[str]


def copy_example(folder: Path) -> Path:
    """Copy the example without what a run of it may have left, and return the copy."""
    leave = shutil.ignore_patterns(".cij", "outbox", "__pycache__")
    return Path(shutil.copytree(ROOT / "examples" / "loyalty", folder / "loyalty", ignore=leave))


def environment() -> dict[str, str]:
    """Return the environment of a process that imports from this tree."""
    path = os.pathsep.join(str(ROOT / portion) for portion in PORTIONS)
    return {**os.environ, "PYTHONPATH": path, "PYTHONUTF8": "1", "NO_COLOR": "1"}


def cij(*arguments: str | Path) -> Done:
    """Run the command line to its end."""
    return subprocess.run(
        [*CIJ, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
        timeout=TIMEOUT_S,
    )


def start(*arguments: str | Path) -> "subprocess.Popen[str]":
    """Start the command line; its output goes to two pipes."""
    return subprocess.Popen(
        [*CIJ, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )


def inside(*arguments: str) -> tuple[int, str, str]:
    """Run the command line in this process; returns the exit code and both outputs."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(cli, list(arguments))
    return int(code), out.getvalue(), err.getvalue()


def run_once(project: Path) -> dict[str, Any]:
    """`cij run --once`, which has to succeed; returns its report."""
    code, out, err = inside("run", str(project), "--once", "--json")
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def status(project: Path) -> dict[str, Any]:
    """`cij status`, without the instant at which it was asked."""
    code, out, err = inside("status", str(project), "--json")
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    del found["at"]
    return found


def messages(project: Path) -> dict[str, bytes]:
    """Return the delivered files by name: the hash of the message's key."""
    return {path.name: path.read_bytes() for path in (project / "outbox").rglob("*.eml")}


def replace(file: Path, old: str, new: str) -> None:
    """Replace a piece of a text file that stands in it once."""
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file.name}"
    file.write_text(text.replace(old, new), encoding="utf-8")


def delivered(report: dict[str, Any]) -> dict[str, int]:
    """Return the numbers of messages by outcome."""
    counts: dict[str, int] = {}
    for row in report["messages"]:
        counts[row["outcome"]] = counts.get(row["outcome"], 0) + row["count"]
    return counts
