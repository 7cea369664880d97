"""Exports into tables of PostgreSQL: all rows in one transaction, and never into the table of somebody else."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.compiler.program import Program
from cij.compiler.sql import query
from cij.runtime.deploy import deploy
from cij.runtime.engine import Engine
from cij.runtime.exports.exporting import Exporting
from cij.runtime.exports.one_run import DONE, FAILED, ExportRun, run_export
from tests.engines import dsn_of, opener
from tests.exports_bed import DATA
from tests.postgres import PostgresStore, server

NOW = datetime(2026, 3, 2, 10)
EXPORT = """
export crm {
  segment = some
  fields = [name, points, spent, seen, twice]
  kind = postgres
  database = env("WAREHOUSE")
  table = "marketing.some"
  when = refresh
}
export plain {
  segment = some
  kind = csv
  path = "exports/plain.csv"
  when = refresh
}
"""


def program_of(text: str) -> Program:
    found = compile_project(ProjectSettings("p", "UTC"), {"a.journey": DATA + text}, {}, {})
    assert found.program is not None, found.diagnostics
    return found.program


@pytest.fixture(scope="module")
def warehouse() -> Iterator[PostgresStore]:
    with server() as store:
        store.run("CREATE SCHEMA marketing")
        yield store


@pytest.fixture
def engine(warehouse: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setenv("WAREHOUSE", dsn_of(warehouse))
    warehouse.run("DROP TABLE IF EXISTS marketing.some")
    with opener("duckdb") as opens:
        engine = opens()
        deploy(engine, program_of(EXPORT), NOW)
        engine.append(
            "loaded_source", {"source": ["shop"], "fingerprint": [""], "loaded_at": [NOW]}
        )
        people: dict[str, list[object]] = {
            "id": ["1", "2"],
            "name": ['Ana "A", \n', ""],
            "points": [7, 9],
        }
        people |= {"spent": [Decimal("12.5"), None], "seen": [NOW, None]}
        engine.append("customer", people)
        yield engine


def rows(store: PostgresStore, text: str) -> list[tuple[Any, ...]]:
    return store._connection.execute(text.encode()).fetchall()


def run(engine: Engine, text: str, root: Path) -> ExportRun:
    program = program_of(text)
    return run_export(engine, program, program.exports[0], root, NOW)


def test_a_table_has_the_rows_with_their_types(
    engine: Engine, warehouse: PostgresStore, tmp_path: Path
) -> None:
    made = run(engine, EXPORT, tmp_path)
    assert (made.outcome, made.rows, made.file) == (DONE, 2, "table marketing.some"), made.reason
    found = rows(warehouse, "SELECT * FROM marketing.some ORDER BY id")
    assert found[0][:4] == ("1", 'Ana "A", \n', 7, Decimal("12.5"))
    assert found[0][4].isoformat() == "2026-03-02T10:00:00+00:00" and found[0][5] == 14
    assert found[1][1:] == ("", 9, None, None, 18)
    engine.execute(query("DELETE FROM customer WHERE id = '1'"))
    assert run(engine, EXPORT, tmp_path).rows == 1
    assert rows(warehouse, "SELECT id FROM marketing.some") == [("2",)]
    # Other fields make the table anew.
    assert run(engine, EXPORT.replace("[name, points, spent, seen, twice]", "[points]"), tmp_path)
    assert rows(warehouse, "SELECT * FROM marketing.some") == [("2", 9)]


def test_what_the_server_refuses_leaves_the_table_and_stops_no_other(
    engine: Engine, warehouse: PostgresStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.run("CREATE TABLE marketing.some (id text); INSERT INTO marketing.some VALUES ('x')")
    exporting, program = Exporting(tmp_path), program_of(EXPORT)
    crm, plain = exporting.run_due(engine, program, NOW)
    assert (crm.outcome, plain.outcome) == (FAILED, DONE)
    assert "table marketing.some was not made by the export crm" in str(crm.reason)
    assert rows(warehouse, "SELECT * FROM marketing.some") == [("x",)]
    warehouse.run("DROP TABLE marketing.some")
    run(engine, EXPORT, tmp_path)
    # A row that the table refuses: all of the rows of before are there.
    warehouse.run("ALTER TABLE marketing.some ADD CHECK (points < 10)")
    engine.execute(query("UPDATE customer SET points = points + 1"))
    made = run(engine, EXPORT, tmp_path)
    assert made.outcome == FAILED and "check constraint" in str(made.reason)
    assert rows(warehouse, "SELECT points FROM marketing.some ORDER BY id") == [(7,), (9,)]
    monkeypatch.setenv("WAREHOUSE", "host=/nowhere password=hunter2")
    made = run(engine, EXPORT, tmp_path)
    assert made.outcome == FAILED and "hunter2" not in str(made.reason)
    monkeypatch.delenv("WAREHOUSE")
    assert "needs the variable WAREHOUSE" in str(run(engine, EXPORT, tmp_path).reason)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('env("WAREHOUSE")', '"host=db"', "CIJ206"),
        ("marketing.some", "Some Table", "CIJ914"),
        ('  table = "marketing.some"\n', "", "CIJ205"),
        ("kind = postgres", 'kind = postgres\n  path = "a/b.csv"', "CIJ204"),
        ("when = refresh", "when = refresh\n  rows = changes", "CIJ913"),
        ("kind = csv", 'kind = csv\n  table = "a"', "CIJ204"),
        (
            'kind = csv\n  path = "exports/plain.csv"',
            'kind = postgres\n  database = env("WAREHOUSE")\n  table = "marketing.some"',
            "CIJ914",
        ),
    ],
)
def test_a_mistake_has_a_code(old: str, new: str, code: str) -> None:
    assert old in EXPORT
    texts = {"a.journey": DATA + EXPORT.replace(old, new, 1)}
    found = compile_project(ProjectSettings("p", "UTC"), texts, {}, {}).diagnostics
    assert [d.code for d in found] == [code], found
