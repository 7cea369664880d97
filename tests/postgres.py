"""A PostgreSQL server for tests: private, in a temporary folder, gone afterwards.

It is made with `LOCALE 'C.UTF-8'`, which a state in PostgreSQL needs: texts compare by code point
(S3), and letters of all scripts have upper and lower case.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any, cast

import pytest

from cij.compiler.sql import Statement
from tests.condition_case import Refused

_OPTIONS = "-c listen_addresses='' -c fsync=off -c full_page_writes=off -c jit=off"


class PostgresStore:
    """One connection, in the time zone UTC. Statements are printed for PostgreSQL."""

    def __init__(self, folder: Path) -> None:
        import psycopg

        self.folder = folder
        self._error = psycopg.Error
        self._connection = psycopg.connect(
            host=str(folder), user="cij", dbname="postgres", autocommit=True
        )

    def execute(self, statement: Statement, parameters: Mapping[str, object] = {}) -> int:
        return int(self._run(statement, parameters).rowcount)

    def rows(
        self, statement: Statement, parameters: Mapping[str, object] = {}
    ) -> list[tuple[Any, ...]]:
        return cast("list[tuple[Any, ...]]", self._run(statement, parameters).fetchall())

    def append(self, table: str, columns: Mapping[str, Sequence[object]]) -> None:
        names = ", ".join(f'"{name}"' for name in columns)
        marks = ", ".join(["%s"] * len(columns))
        text = f'INSERT INTO "{table}" ({names}) VALUES ({marks})'
        with self._connection.cursor() as cursor:
            cursor.executemany(text.encode(), list(zip(*columns.values(), strict=True)))

    def run(self, text: str) -> None:
        """Run statements of a test."""
        self._connection.execute(text.encode())

    def close(self) -> None:
        self._connection.close()

    def _run(self, statement: Statement, parameters: Mapping[str, object]) -> Any:
        bound = {name: parameters[name] for name in statement.parameters}
        # The driver reads every `%`: only the parameters are its own.
        text = statement.text("postgres").replace("%", "%%")
        for name in bound:
            text = re.sub(rf"%%\({name}\)s(?!')", f"%({name})s", text)
        try:
            return self._connection.execute(text.encode(), bound)
        except self._error as error:
            raise Refused(str(error)) from error


# Names the folder with the programs of a newer server, which is tried beside the usual one.
NEWER = "CIJ_NEWER_POSTGRES"


@cache
def binary(name: str, *, is_newer: bool = False) -> str | None:
    """Return the path of a program of the server; Debian keeps them off the PATH."""
    if is_newer:
        return shutil.which(name, path=os.environ.get(NEWER, ""))
    there = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(there[-1]) if there else shutil.which(name)


@contextmanager
def server(*, is_newer: bool = False) -> Iterator[PostgresStore]:
    """Start a server, or skip the test and say why."""
    if is_newer and not os.environ.get(NEWER):
        pytest.skip(f"${NEWER} is not set: there is no newer server")
    program = partial(binary, is_newer=is_newer)
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    if program("initdb") is None or program("pg_ctl") is None:
        pytest.skip("PostgreSQL is not installed: no `initdb`, no `pg_ctl`")
    if os.geteuid() == 0 and shutil.which("runuser") is None:
        pytest.skip("PostgreSQL does not run as root, and there is no `runuser`")
    folder = Path(tempfile.mkdtemp(prefix="cij-pg-"))
    try:
        _start(folder, program)
        store = PostgresStore(folder)
        try:
            yield store
        finally:
            store.close()
            _do(program("pg_ctl"), "-D", f"{folder}/data", "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start(folder: Path, program: Callable[[str], str | None]) -> None:
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    data = ["-D", f"{folder}/data"]
    _do(
        program("initdb"), *data, "-U", "cij", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"
    )
    options = f"{_OPTIONS} -c timezone=UTC -c unix_socket_directories='{folder}'"
    _do(program("pg_ctl"), *data, "-o", options, "-l", f"{folder}/log", "-w", "start")


def _do(program: str | None, *arguments: str) -> None:
    command = [str(program), *arguments]
    if os.geteuid() == 0:
        command = ["runuser", "-u", "postgres", "--", *command]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{program} failed: {done.stdout}{done.stderr}"
