"""The example `loyalty`, copied to a folder and run there by the command line, as people do."""

import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from cij.cli.failures import run
from cij.cli.main import cli
from cij.grammar import table_cache
from cij.grammar.private_folder import keep

ROOT = Path(__file__).parents[1]
PORTIONS = ("grammar", "compiler", "runtime", "stdlib", "app")
# Importing the modules of runtime, compiler and so on from the tree, installed or not.
CIJ = (sys.executable, "-W", "error", "-c", "from cij.cli.main import main; main()")
TIMEOUT_S = 120
PATIENCE_S = 60

Done = subprocess.CompletedProcess[str]


def copy_example(folder: Path) -> Path:
    """Copy the example without what a run of it may have left, and return the copy."""
    leave = shutil.ignore_patterns(".cij", "outbox", "__pycache__")
    return Path(shutil.copytree(ROOT / "examples" / "loyalty", folder / "loyalty", ignore=leave))


def keep_parse_table() -> None:
    """Put the parse table into the cache folder that is set, since building it takes seconds."""
    content = io.BytesIO()
    table_cache.table().save(content)
    keep(f"grammar-{table_cache.fingerprint()}.table", content.getvalue())


def environment() -> dict[str, str]:
    """Return the environment of a process that imports from this tree."""
    path = os.pathsep.join(str(ROOT / portion) for portion in PORTIONS)
    return {**os.environ, "PYTHONPATH": path, "PYTHONUTF8": "1", "NO_COLOR": "1"}


def cij(*arguments: str | Path) -> Done:
    """Run the command line to its end, in this process: starting Python takes a second."""
    return subprocess.CompletedProcess(arguments, *inside(*map(str, arguments)))


def cij_alone(*arguments: str | Path) -> Done:
    """Run the command line to its end, in a process of its own."""
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


def run_once(project: Path, expected: int = 0) -> dict[str, Any]:
    """`cij run --once`, which has to do everything; returns its report."""
    code, out, err = inside("run", str(project), "--once", "--json")
    assert code == expected, err
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


def eventually(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds."""
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, f"in {PATIENCE_S} s it did not come about that {what}"
        time.sleep(0.1)


@contextmanager
def running(project: Path) -> Iterator["subprocess.Popen[str]"]:
    """Give a `cij run` that has made its first deliveries; in the end it is not there any more."""
    process = start("run", project, "--poll", "0.2")
    try:
        eventually(lambda: len(messages(project)) == 11, "the first messages are there")
        yield process
    finally:
        process.kill()
        process.communicate()


def add_people(project: Path, round: int, count: int = 8) -> None:
    """Give the shop and the card system new people, all of whom are loyal and get a message."""
    with (project / "data" / "shop_customers.csv").open("a", encoding="utf-8") as shop:
        for n in range(count):
            shop.write(f"N-{round}-{n},Nia,New,{_address(round, n)},en,,yes,2026-01-01\n")
    with closing(sqlite3.connect(project / "data" / "loyalty.db")) as cards, cards:
        rows = [(f"K-{round}-{n}", _address(round, n), 2000 + n) for n in range(count)]
        cards.executemany(
            "INSERT INTO cards VALUES (?, 'NIA', ?, ?, '2026-02-01 08:00', NULL)", rows
        )


def _address(round: int, number: int) -> str:
    return f"new.{round}.{number}@example.com"


def by_recipient(contents: Iterable[bytes]) -> dict[str, tuple[str, str]]:
    """Return subject and text by recipient. Asserts that nobody has two messages."""
    found: dict[str, tuple[str, str]] = {}
    for content in contents:
        mail = message_from_bytes(content, policy=policy.default)
        assert mail["To"] not in found, f"{mail['To']} has two messages"
        body = mail.get_body(("plain",))
        assert body is not None
        found[mail["To"]] = (mail["Subject"], body.get_content())
    return found
