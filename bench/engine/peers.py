"""`python -m bench.engine peers [PEOPLE …]`: the same journey as one durable piece of work a person.

Enter, send, wait, branch on an open, send, end: on DBOS as one workflow a person (SQLite, waits of
1 ms, for it has no virtual time), on APScheduler as one job a person in an SQLite job store. Both
are left out, with the reason, where the package is missing: `pip install -e '.[bench]'` has them.
10,000 people take DBOS some minutes.
"""

import importlib.util
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bench.engine import steps

_DEFAULT = (1_000, 10_000)


def main(arguments: list[str]) -> None:
    """Measure and print milliseconds a person, and the ratios."""
    peers: dict[str, tuple[str, Callable[[int, Path], float]]] = {
        "DBOS": ("dbos", _dbos),
        "APScheduler": ("apscheduler", _apscheduler),
    }
    for people in [int(a) for a in arguments] or _DEFAULT:
        with tempfile.TemporaryDirectory() as name:
            mine = steps.ours(people, Path(name)).ticks_s
            print(f"{people:,} people")
            print(f"  {'cij':<14}{mine / people * 1000:>10.3f} ms a person")
            for label, (package, run) in peers.items():
                if not _is_there(package):
                    print(f"  {label:<14}left out: pip install -e '.[bench]' has what it needs")
                    continue
                spent = run(people, Path(name))
                ratio = spent / mine
                print(
                    f"  {label:<14}{spent / people * 1000:>10.3f} ms a person {ratio:>8.0f} times"
                )


def _is_there(package: str) -> bool:
    needed = (package, "sqlalchemy")
    return all(importlib.util.find_spec(name) is not None for name in needed)


class _Outbox:
    """A table of messages with a key, as a durable piece of work would write it."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("CREATE TABLE outbox (key TEXT PRIMARY KEY, parameters TEXT)")

    def send(self, person: int, step: str) -> None:
        with self._lock:
            self._database.execute(
                "INSERT OR IGNORE INTO outbox VALUES (?, '{}')", (f"{person}:{step}",)
            )

    def count(self) -> int:
        with self._lock:
            return int(self._database.execute("SELECT COUNT(*) FROM outbox").fetchone()[0])


def _has_opened(person: int) -> bool:
    return person % 10 < 4


def _dbos(people: int, folder: Path) -> float:
    from dbos import DBOS  # type: ignore[import-not-found, unused-ignore]

    outbox = _Outbox(folder / "dbos-outbox.sqlite")
    url = f"sqlite:///{folder / 'dbos.sqlite'}"
    DBOS(config={"name": "bench", "system_database_url": url, "log_level": "ERROR"})

    @DBOS.step()  # type: ignore[untyped-decorator, unused-ignore]
    def send(person: int, step: str) -> None:
        outbox.send(person, step)

    @DBOS.step()  # type: ignore[untyped-decorator, unused-ignore]
    def opened(person: int) -> bool:
        return _has_opened(person)

    @DBOS.workflow()  # type: ignore[untyped-decorator, unused-ignore]
    def journey(person: int) -> None:
        send(person, "first")
        DBOS.sleep(0.001)
        send(person, "thanks" if opened(person) else "nudge")

    DBOS.launch()
    start = time.perf_counter()
    for handle in [DBOS.start_workflow(journey, n) for n in range(people)]:
        handle.get_result()
    spent = time.perf_counter() - start
    DBOS.destroy()
    assert outbox.count() == 2 * people, "everybody is through"
    return spent


# Jobs of a store are found by name, so what they write to is not an argument.
_here: dict[str, Any] = {}


def leave(person: int) -> None:
    """What is left to do after the wait: the second half of the journey."""
    _here["outbox"].send(person, "thanks" if _has_opened(person) else "nudge")
    with _here["lock"]:
        _here["left"] -= 1
        if not _here["left"]:
            _here["done"].set()


def _apscheduler(people: int, folder: Path) -> float:
    from apscheduler.executors.pool import ThreadPoolExecutor
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
    from apscheduler.schedulers.background import BackgroundScheduler

    outbox = _Outbox(folder / "apscheduler-outbox.sqlite")
    done = threading.Event()
    _here.update(outbox=outbox, lock=threading.Lock(), left=people, done=done)
    scheduler = BackgroundScheduler(
        jobstores={"default": SQLAlchemyJobStore(f"sqlite:///{folder / 'jobs.sqlite'}")},
        executors={"default": ThreadPoolExecutor(10)},
        # Without this it drops most waits that are due at one instant.
        job_defaults={"misfire_grace_time": None, "max_instances": people},
    )
    scheduler.start(paused=True)
    start = time.perf_counter()
    due = datetime.now().astimezone() + timedelta(milliseconds=1)
    for person in range(people):
        outbox.send(person, "first")
        scheduler.add_job(leave, "date", run_date=due, args=(person,))
    scheduler.resume()
    assert done.wait(timeout=600 + people / 10), "everybody is through"
    spent = time.perf_counter() - start
    scheduler.shutdown()
    assert outbox.count() == 2 * people, "everybody is through"
    return spent
