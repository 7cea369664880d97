"""A store in PostgreSQL is what a store in DuckDB is: on a real server, table by table."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from cij.compiler.sql import query
from cij.compiler.sql.passes import Pass
from cij.runtime.engine import Engine, open_engine, open_server
from cij.runtime.errors import ConfigError, StoreError, StoreLocked, StoreLost
from cij.runtime.tick import tick
from tests.agreement.comparing import drawn
from tests.agreement.running import compiled as compile_scenarios, traces
from tests.agreement.tick_times import Spacing
from tests.builders import REPOSITORY
from tests.engines import Opens, dsn_of
from tests.example import environment
from tests.postgres import PostgresStore, server
from tests.ways import PLAIN, Way
from tests.whole_stores import START, contents, lived



@pytest.fixture(scope="module", name="store")
def _store() -> Iterator[PostgresStore]:
    with server() as store:
        yield store


def _open(store: PostgresStore, schema: str, *, is_reader: bool = False) -> Engine:
    return open_server(dsn_of(store), schema, "test", is_reader=is_reader)


def _example(name: str, folder: Path) -> Path:
    leave = shutil.ignore_patterns(".cij", "outbox")
    return Path(shutil.copytree(REPOSITORY / "examples" / name, folder / name, ignore=leave))


# --- the same tables --------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("name", "days"), [("loyalty", 4), ("loan_application", 8)])
def test_days_of_an_example_leave_the_same_tables(
    store: PostgresStore, tmp_path: Path, name: str, days: int
) -> None:
    folder = _example(name, tmp_path)
    with closing(open_engine(None, threads=1)) as duck, closing(_open(store, name)) as postgres:
        lived(duck, folder, days)
        lived(postgres, folder, days)
        expected, found = contents(duck), contents(postgres)
        assert found.keys() == expected.keys() and len(found) > 50
        for table, rows in expected.items():
            assert found[table] == rows, table


# --- drawn journeys ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _OnPostgres(Way):
    """The plain mover on a server."""

    opens: Opens | None = None
    passes: tuple[Pass, ...] = ()

    def engine(self, *, is_tiny: bool = True) -> Engine:
        assert self.opens is not None
        return self.opens()


@pytest.mark.slow
def test_drawn_journeys_move_alike(store: PostgresStore) -> None:
    scenarios = [replace(s, customers=s.customers[:3]) for s in drawn(200)]
    program, _ = compile_scenarios(scenarios)
    assert program is not None
    way = _OnPostgres(opens=lambda: _open(store, "drawn"))
    found, expected = (traces(program, scenarios, Spacing(late="days"), w) for w in (way, PLAIN))
    assert {c: sorted(x) for c, x in found.items()} == {c: sorted(x) for c, x in expected.items()}
    assert any(len(lines) > 3 for lines in found.values())
