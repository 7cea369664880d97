"""Kills a tick on PostgreSQL before each of its statements, and in and after each COMMIT.

    prepared database --copy--> killed tick --> the same tick again --> equal to a tick that nobody killed

`python -m tests.statement_kills` walks through all; `--points 5` through five of them. Each tick is
in a fork of one process that has no other threads.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import psycopg

from cij.app.compile import compiled
from cij.runtime.deploy import deploy
from cij.runtime.engine import Engine, open_server
from cij.runtime.runner import refresh_data
from cij.runtime.tick import tick
from tests.builders import REPOSITORY
from tests.postgres import server
from tests.whole_stores import START, contents

_EXECUTE = psycopg.Cursor.execute
_MADE, _KILLED = "made", "killed"


class Point(NamedTuple):
    """A moment of a tick: a statement by its number, and when in it."""

    number: int
    when: Literal["before", "in", "after"]


class Walk:
    """The databases of one server: one that is prepared, and copies in which a tick is killed."""

    def __init__(self, host: str, folder: Path) -> None:
        self._host, self._folder = host, folder
        # Made once: the forks have it.
        self._program = compiled(folder)[1]

    def dsn(self, database: str) -> str:
        return f"host={self._host} user=cij dbname={database}"

    @contextmanager
    def opened(self, database: str) -> Iterator[Engine]:
        def wait(who: str) -> bool:
            # The server notices after some milliseconds that the process is gone.
            time.sleep(0.02)
            return True

        with closing(open_server(self.dsn(database), "cij", "kills", wait=wait)) as engine:
            yield engine

    def copied(self, template: str, database: str) -> None:
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)".encode())
            text = (
                f"CREATE DATABASE {database} TEMPLATE {template} ENCODING 'UTF8' LOCALE 'C.UTF-8'"
            )
            connection.execute(text.encode())

    def prepare(self) -> None:
        """Deploy the example and load its data, so that the first tick has everything to do."""
        self.copied("template0", _MADE)

        def make() -> None:
            with self.opened(_MADE) as engine:
                world = deploy(engine, self._program, START)
                refresh_data(world, self._folder, START)

        assert in_fork(make) == 0

    def tick(self, database: str, watch: Callable[[], None] = lambda: None) -> int:
        """Run a tick in a fork, which calls `watch` before it begins; return the exit code."""

        def run() -> None:
            with self.opened(database) as engine:
                world = deploy(engine, self._program, START)
                watch()
                tick(world, START)
                psycopg.Cursor.execute = _EXECUTE  # type: ignore[method-assign]

        return in_fork(run)

    def quiet(self, noted: Path) -> tuple[dict[str, Any], list[str]]:
        """Return what a tick leaves that nobody kills, and its statements."""
        self.copied(_MADE, _KILLED)
        assert self.tick(_KILLED, lambda: _note_statements(noted)) == 0
        with self.opened(_KILLED) as engine:
            return contents(engine), noted.read_text(encoding="utf-8").splitlines()

    def fault_at(self, point: Point, expected: dict[str, Any]) -> str | None:
        """Kill a tick, and tick again; return what is wrong then."""
        self.copied(_MADE, _KILLED)
        code = self.tick(_KILLED, lambda: _kill_at(point))
        if code != -signal.SIGKILL:
            return f"the tick ended with {code} and was not killed"
        if (code := self.tick(_KILLED)) != 0:
            return f"the next tick ended with {code}"
        with self.opened(_KILLED) as engine:
            found = contents(engine)
        apart = [table for table in expected if found.get(table) != expected[table]]
        return f"other rows in {', '.join(apart)}" if apart else None


def in_fork(run: Callable[[], None]) -> int:
    """Run a function in a fork and return its exit code; a killed one has a negative code."""
    sys.stdout.flush()
    number = os.fork()
    if number == 0:
        code = 1
        try:
            run()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def _watched(before: Callable[[Any, str, int], None], after: Callable[[int], None]) -> None:
    """Have each statement of this process call `before` and `after`, with its number."""
    count = 0

    def execute(cursor: Any, text: Any, *rest: Any, **more: Any) -> Any:
        nonlocal count
        count += 1
        number = count
        before(cursor, text.decode() if isinstance(text, bytes) else str(text), number)
        found = _EXECUTE(cursor, text, *rest, **more)
        after(number)
        return found

    psycopg.Cursor.execute = execute  # type: ignore[method-assign, assignment]


def _note_statements(noted: Path) -> None:
    file = noted.open("w", encoding="utf-8")
    _watched(
        lambda cursor, text, number: print(" ".join(text.split())[:60], file=file, flush=True),
        lambda number: None,
    )


def _kill_at(point: Point) -> None:
    def before(cursor: Any, text: str, number: int) -> None:
        if number == point.number and point.when != "after":
            if point.when == "in":
                cursor.connection.pgconn.send_query(text.encode())
                cursor.connection.pgconn.flush()
            os.kill(os.getpid(), signal.SIGKILL)

    def after(number: int) -> None:
        if number == point.number:
            os.kill(os.getpid(), signal.SIGKILL)

    _watched(before, after)


def points_of(statements: list[str], count: int) -> list[Point]:
    """Return where to kill: at all statements, or at some and at the last COMMIT."""
    numbers = range(1, len(statements) + 1)
    commits = [n for n in numbers if statements[n - 1] == "COMMIT"]
    every = [Point(n, "before") for n in numbers]
    if 0 < count < len(every):
        every, commits = every[:: len(every) // count + 1], commits[-1:]
    return [*every, *(Point(n, when) for n in commits for when in ("in", "after"))]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.statement_kills", description=__doc__)
    parser.add_argument("--points", type=int, default=0, help="how many statements (default: all)")
    chosen = parser.parse_args()
    with server() as store, tempfile.TemporaryDirectory() as folder:
        walk = Walk(str(store.folder), REPOSITORY / "examples" / "loyalty")
        walk.prepare()
        expected, statements = walk.quiet(Path(folder) / "statements")
        assert expected["outbox_row"] and expected["move"], "the tick has something to do"
        points, faults = points_of(statements, chosen.points), 0
        for point in points:
            if (fault := walk.fault_at(point, expected)) is not None:
                faults += 1
                print(f"{point.when} {point.number} {statements[point.number - 1]}: {fault}")
        print(f"{len(statements)} statements, {len(points)} kills, {faults} faults")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
