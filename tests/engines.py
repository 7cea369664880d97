"""Engines for tests: DuckDB in memory, and PostgreSQL on a private server."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from cij.runtime.engine import Engine, open_engine, open_server
from tests.postgres import PostgresStore, server

# Opens a new and empty store.
Opens = Callable[[], Engine]
ENGINES = ("duckdb", "postgresql")
_NUMBERS = count(1)


def dsn_of(store: PostgresStore, way: Path | None = None) -> str:
    """Return the address of a server's database; `way` is the folder of a socket that leads to it."""
    return f"host={way or store.folder} user=cij dbname=postgres"


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
            with server() as store:
                yield lambda: keep(open_server(dsn_of(store), f"s{next(_NUMBERS)}"))
    finally:
        for engine in made:
            with suppress(Exception):
                engine.close()
