"""Locks that others hold, and do not let go: on the state, and on a source."""

import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from cij.cli.exits import Exit
from tests.example import add_people, by_recipient, copy_example, inside, messages, run_once

# It has the state until its input ends.
_HOLDS = """
import sys, duckdb
state = duckdb.connect(sys.argv[1])
print("has it", flush=True)
sys.stdin.read()
"""


@contextmanager
def _held(state: Path) -> Iterator[None]:
    holds = [sys.executable, "-c", _HOLDS, str(state)]
    pipe = subprocess.PIPE
    with subprocess.Popen(holds, stdin=pipe, stdout=pipe, text=True) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "has it\n"
        yield
        holder.communicate()


@pytest.mark.slow
def test_a_lock_on_the_state_stops_a_run_and_loses_nothing(tmp_path: Path) -> None:
    project = copy_example(tmp_path)
    run_once(project)
    event = ("event", "purchase", "shop:C-01", "amount=5", "--project", str(project))
    with _held(project / ".cij" / "state.duckdb"):
        add_people(project, 1)
        code, _, err = inside("run", str(project), "--once")
        assert code == Exit.STORE and "another `cij run` or program has" in err
        assert len(messages(project)) == 11
        code, _, err = inside(*event)
        assert code == Exit.OK, err
    run_once(project)
    assert len(messages(project)) == 19
    by_recipient(messages(project).values())
    code, out, err = inside("timeline", "shop:C-01", "--project", str(project))
    assert code == Exit.OK and "purchase amount = 5" in out, out + err


@pytest.mark.slow
def test_a_lock_on_a_source_stops_that_source_alone(tmp_path: Path) -> None:
    project = copy_example(tmp_path)
    run_once(project)
    add_people(project, 1)
    with closing(sqlite3.connect(project / "data" / "loyalty.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        code, out, err = inside("run", str(project), "--once")
        assert code == Exit.DATA and "data/loyalty.db is locked by another program" in err
        # The new customers of the shop are there; their cards are not.
        assert re.search(r"all customers +27\n", out)
        other.execute("ROLLBACK")
    run_once(project)
    assert len(messages(project)) == 19
    by_recipient(messages(project).values())
