"""`cij run` as a process that goes on: what comes in while it runs, who may look, how it stops.

No test asserts how long something takes: `eventually` waits for it, and gives up after a minute.
"""

import hashlib
import json
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cij.app.compile import compiled
from cij.app.open_store import open_store
from cij.app.transports import open_transports, senders
from cij.cli.exits import Exit
from cij.compiler.sql import query, row_locator, unify
from cij.compiler.sql.columns import column
from cij.runtime.activity import Course
from cij.runtime.clock import SimulatedClock
from cij.runtime.due import next_work
from cij.runtime.engine import open_copy, open_engine
from cij.runtime.runner import Runner, open_runner, step
from cij.runtime.simulate import simulate
from tests.example import (
    PATIENCE_S,
    cij,
    copy_example,
    delivered,
    eventually,
    messages,
    run_once,
    running,
    start,
    status,
)

ANA = "ana.garcia@example.com"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return copy_example(tmp_path)


def stopped(process: "subprocess.Popen[str]", number: int = signal.SIGTERM) -> str:
    """Stop a run, which has to end well; returns what it said."""
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    assert "Traceback" not in err and err.endswith("stopped\n"), err
    return out


def sent_to(project: Path, address: str) -> list[bytes]:
    return [m for m in messages(project).values() if f"To: {address}\r\n".encode() in m]


def key_of_message(project: Path, address: str) -> str:
    """Return the key of the one message to an address, from the store of a copy of the state."""
    engine = open_copy(project / ".cij" / "state.duckdb")
    statement = query("SELECT o.key FROM outbox AS o WHERE o.address = $address")
    [(key,)] = engine.rows(statement, {"address": address})
    engine.close()
    return str(key)


# --- what comes in ----------------------------------------------------------------------------


@pytest.mark.slow
def test_an_opened_message_is_thanked_while_the_run_goes_on(project: Path) -> None:
    run_once(project)
    key = key_of_message(project, ANA)
    with running(project) as process:
        done = cij("event", "opened", "--customer", ANA, "--message", key, "--project", project)
        assert done.stdout == "handed in 1 event\n", done.stderr
        eventually(lambda: len(sent_to(project, ANA)) == 2, "the thanks are sent")
        stopped(process)
    assert any(b"Subject: Gracias" in m for m in sent_to(project, ANA))
    assert len(messages(project)) == 12
    assert not list((project / ".cij" / "inbox").iterdir())


@pytest.mark.slow
def test_a_changed_file_is_taken_in_while_the_run_goes_on(project: Path) -> None:
    orders = project / "data" / "orders.csv"
    with running(project) as process:
        with orders.open("a", encoding="utf-8") as file:
            file.write("O-2001,C-01,2099-01-01 10:00,20.00,LOYAL20\n")
            file.write("O-2002,C-01,2026-01-02 10:00,20.00,LOYAL20\n")
        rows = [{"source": "orders", "rows": 8, "bad": 0, "waiting": 0}]
        eventually(
            lambda: [s for s in status(project)["sources"] if s["source"] == "orders"] == rows,
            "the new orders are in",
        )
        stopped(process)
    assert len(messages(project)) == 11


_ROWS = query(
    "SELECT COUNT(*), COUNT(*) FILTER (p.customer_row = c.rowid), COUNT(DISTINCT c.rowid) "
    "FROM passage AS p JOIN customer AS c ON c.id = p.customer WHERE p.ended_at IS NULL"
)
_MARKED = query(
    "SELECT COUNT(*) FROM customer AS c WHERE {mark} = {right}",
    mark=column("c", row_locator.ID_HASH),
    right=row_locator.id_hash(column("c", "id")),
)


@pytest.mark.slow
def test_where_customers_are_is_noted_after_each_refresh(project: Path) -> None:
    """Also of those who are inside since before, and nothing is noted while rows have no place."""
    shop = project / "data" / "shop_customers.csv"
    header, *lines = shop.read_text(encoding="utf-8").splitlines()
    for turn in (lines, lines[::-1] + [lines[0].replace("C-01", "C-99")]):
        shop.write_text("\n".join([header, *turn, ""]), encoding="utf-8")
        run_once(project)
        engine = open_engine(project / ".cij" / "state.duckdb")
        inside, noted, people = engine.rows(_ROWS)[0]
        assert inside == noted >= people > 3
        assert engine.rows(_MARKED) == engine.rows(unify.COUNT)
        engine.close()


@pytest.mark.slow
def test_a_source_that_breaks_leaves_the_run_going_on_the_old_data(project: Path) -> None:
    shop = project / "data" / "shop_customers.csv"
    good = shop.read_bytes()
    with running(project) as process:
        eventually(lambda: delivered(status(project)).get("delivered") == 11, "all mails are out")
        before = status(project)
        shop.write_bytes(b"")
        time.sleep(1)
        assert process.poll() is None
        found = status(project)
        assert {**found, "failed": []} == before
        assert [f["name"] for f in found["failed"]] == ["shop"]
        shop.write_bytes(good + b"C-99,New,One,new@example.com,en,,yes,2026-01-01\n")
        eventually(lambda: status(project)["profiles"] == 20, "the mended file is in")
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=PATIENCE_S)[1]
    assert process.returncode == 0
    assert said.count("shop_customers.csv is empty") == 1, said


# --- who may look, and how it stops -----------------------------------------------------------


@pytest.mark.slow
def test_status_answers_while_it_runs_and_after(project: Path) -> None:
    log = project / ".cij" / "state.duckdb.wal"
    with running(project) as process:
        # The first step writes more than 100 kB. While nothing is due, only its bookkeeping is left.
        eventually(lambda: not log.exists() or log.stat().st_size < 100_000, "the log is folded")
        done = cij("status", project)
        assert "these are the numbers of its last step" in done.stderr
        assert done.returncode == 0
        found = status(project)
        stopped(process)
    assert status(project) == found
    assert delivered(found) == {"delivered": 11, "no_address": 1}


@pytest.mark.slow
def test_a_run_waits_for_a_command_that_looks(project: Path) -> None:
    run_once(project)
    state = project / ".cij" / "state.duckdb"
    looking = [sys.executable, "-c", _LOOKS, str(state)]
    pipe = subprocess.PIPE
    with subprocess.Popen(looking, stdin=pipe, stdout=pipe, text=True) as look:
        assert look.stdout is not None and look.stdout.readline() == "has it\n"
        with start("run", "--once", project) as process:
            assert process.stderr is not None
            assert (
                process.stderr.readline()
                == "waiting for state.duckdb: another program has it open\n"
            )
            look.communicate("enough\n")
            out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0 and "nothing was due" in err, out + err


# It has the state until it is told to let go.
_LOOKS = """
import sys, duckdb
state = duckdb.connect(sys.argv[1])
print("has it", flush=True)
sys.stdin.readline()
state.close()
"""


@pytest.mark.slow
def test_a_second_run_says_that_another_one_has_the_state(project: Path) -> None:
    with running(project) as process:
        second = cij("run", project, "--once")
        assert second.returncode == Exit.STORE
        waiting, why = second.stderr.splitlines()
        assert waiting.startswith("waiting for state.duckdb")
        assert "another `cij run` or program has" in why
        copied = cij("simulate", project, "--days", "1")
        assert copied.returncode == Exit.STORE
        assert "another `cij run` or program has" in copied.stderr
        examined = json.loads(cij("doctor", project, "--json").stdout)
        state = next(f for f in examined["findings"] if f["what"] == "state")
        assert state["status"] == "warn" and "is in use" in state["detail"]
        stopped(process)
    assert len(messages(project)) == 11


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_it_cleanly(project: Path, number: int) -> None:
    with running(project) as process:
        assert "Where people are" in stopped(process, number)
    before, files = status(project), messages(project)
    report = run_once(project)
    del report["at"]
    assert report == before and messages(project) == files


# --- simulation -------------------------------------------------------------------------------


def contents(project: Path) -> dict[str, str]:
    """Return a hash of every file."""
    files = [p for p in sorted(project.rglob("*")) if p.is_file()]
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.mark.slow
def test_a_simulation_changes_no_file(project: Path) -> None:
    for _ in range(2):
        before = contents(project)
        done = cij("simulate", project, "--days", "30", "--json")
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert {c["what"] for c in found["days"]} >= {"sent", "ended"}
        assert contents(project) == before
        run_once(project)
    assert len(messages(project)) == 11


BEGIN = datetime(2026, 3, 2, 9, 0)
END = BEGIN + timedelta(days=30)


@pytest.mark.slow
def test_a_simulation_counts_what_a_run_of_the_same_time_does(tmp_path: Path) -> None:
    lived = opened(copy_example(tmp_path / "lived"))
    clock = SimulatedClock(BEGIN)
    step(lived, BEGIN, with_refresh=True)
    while (due := next_work(lived.world)) is not None and due <= END:
        clock.advance_to(max(due, clock.now()))
        step(lived, clock.now(), with_refresh=False)
    simulated = opened(copy_example(tmp_path / "simulated"))
    step(simulated, BEGIN, with_refresh=True)
    found = simulate(simulated.world, BEGIN, END, lambda _: None)
    assert totals(lived, "ended") == counted(found, "ended") != {}
    assert totals(lived, "sent") == counted(found, "sent") != {}
    assert len(messages(tmp_path / "lived" / "loyalty")) == 22
    for runner in (lived, simulated):
        runner.world.engine.close()


def opened(project: Path) -> Runner:
    opened, program = compiled(project)
    transports = open_transports(opened, program)
    engine = open_store(opened)
    return open_runner(engine, program, opened.root, transports, senders(opened, program), BEGIN)[0]


_TOTALS = {
    "ended": query("SELECT p.outcome, COUNT(*) FROM passage AS p GROUP BY p.outcome"),
    "sent": query(
        "SELECT CONCAT(o.message, ' (', o.outcome, ')'), COUNT(*) FROM outbox AS o GROUP BY 1"
    ),
}


def totals(runner: Runner, what: str) -> dict[Any, int]:
    return dict(runner.world.engine.rows(_TOTALS[what]))


def counted(found: Course, what: str) -> dict[Any, int]:
    counts: dict[Any, int] = {}
    for day in found.days:
        if day.what == what:
            counts[day.name] = counts.get(day.name, 0) + day.count
    return counts
