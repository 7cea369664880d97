"""Engines for tests: DuckDB in memory, and PostgreSQL on private servers of one or two versions."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import pytest

from cij.runtime.engine import Engine, open_engine, open_server
from cij.runtime.engine.postgresql.writer_lock import key_of
from tests.example import copy_example, replace
from tests.postgres import PostgresStore, server

# Opens a new and empty store.
Opens = Callable[[], Engine]
ENGINES = ("duckdb", "postgresql")
# For what the servers of two versions must both keep.
NEWER = "newer postgresql"
_NUMBERS = count(1)


def dsn_of(store: PostgresStore, way: Path | None = None) -> str:
    """Return the address of a server's database; `way` is the folder of a socket that leads to it."""
    return f"host={way or store.folder} user=cij dbname=postgres"


def put_on_server(project: Path, schema: str) -> Path:
    """Name a schema of the server of CIJ_STORE_DSN in cij.toml of a copy of an example; returns its folder."""
    table = f'kind = "postgresql"\ndsn = "env:CIJ_STORE_DSN"\nschema = "{schema}"'
    replace(project / "cij.toml", 'path = ".cij/state.duckdb"', table)
    return project


def on_file_and_server(
    store: PostgresStore, folder: Path, schema: str, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, Path]:
    """Return two copies of the example: one has its store in a file, the other on a server."""
    monkeypatch.setenv("CIJ_STORE_DSN", dsn_of(store))
    shared = copy_example(folder / "server")
    return copy_example(folder / "file"), put_on_server(shared, schema)


def end_writer(store: PostgresStore, schema: str) -> None:
    """End the session of the writer of a schema, as a server that restarts does."""
    store.run(
        "SELECT pg_terminate_backend(l.pid, 5000) FROM pg_locks AS l WHERE l.locktype = 'advisory' "
        f"AND (l.classid::bigint << 32) + l.objid::bigint = {key_of(schema)}"
    )


@contextmanager
def opener(name: str) -> Iterator[Opens]:
    """Give what opens empty stores of an engine. All are closed afterwards."""
    made: list[Engine] = []

    def keep(engine: Engine) -> Engine:
        made.append(engine)
        return engine

    try:
        if name == "duckdb":
            yield lambda: keep(open_engine(None, threads=1))
        else:
            with server(is_newer=name == NEWER) as store:
                yield lambda: keep(open_server(dsn_of(store), f"s{next(_NUMBERS)}"))
    finally:
        for engine in made:
            with suppress(Exception):
                engine.close()
