"""The tables of the state: each is declared once, and its key holds in a store that was run."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from cij.compiler.sql import query
from cij.compiler.sql.columns import column
from cij.compiler.sql.table import Table
from cij.runtime.engine import Engine, open_copy, open_engine
from cij.runtime.store import prepare, schema
from cij.runtime.store.scratch import SCRATCH
from tests.example import copy_example, run_once

KEYED = [table for table in schema.TABLES if table.key]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    project = copy_example(tmp_path_factory.mktemp("schema"))
    run_once(project)
    with closing(open_copy(project / ".cij" / "state.duckdb")) as found:
        yield found


def _count(engine: Engine, what: str, table: str) -> int:
    return int(engine.rows(query(f"SELECT COUNT({what}) FROM {{t}} AS t", t=table))[0][0])


@pytest.mark.slow
@pytest.mark.parametrize("table", schema.TABLES, ids=lambda t: t.name)
def test_a_store_has_the_columns_that_are_declared(engine: Engine, table: Table) -> None:
    assert [*engine.columns_of(table.name).items()] == [*table.columns]
    named = {name for name, _ in table.columns}
    assert {*table.key, *table.plain, *table.known} <= named


@pytest.mark.parametrize("table", KEYED, ids=lambda t: t.name)
def test_no_two_rows_have_one_key(engine: Engine, table: Table) -> None:
    columns = {f"k{i}": column("t", name) for i, name in enumerate(table.key)}
    keys = ", ".join(f"{{{hole}}}" for hole in columns)
    text = f"SELECT {keys} FROM {{t}} AS t GROUP BY {keys} HAVING COUNT(*) > 1"
    assert engine.rows(query(text, t=table.name, **columns)) == []


def test_keys_are_looked_at_in_tables_with_rows(engine: Engine) -> None:
    filled = {table.name for table in KEYED if _count(engine, "*", table.name)}
    assert len(filled) >= 10 and {"passage_row", "outbox_row", "customer_key"} <= filled


def test_names_of_tables_are_given_once() -> None:
    names = [table.name for table in (*schema.TABLES, *SCRATCH)]
    assert len(names) == len(set(names))


def test_a_store_is_prepared_once() -> None:
    with closing(open_engine(None)) as engine:
        prepare(engine)
        engine.execute(query("UPDATE counter SET value = 7 WHERE name = 'event'"))
        prepare(engine)
        assert engine.rows(query("SELECT k.value FROM counter AS k WHERE k.name = 'event'")) == [
            (7,)
        ]
        assert _count(engine, "*", "counter") == 5
