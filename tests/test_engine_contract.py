"""What the runtime may expect of an engine, whichever it is: each test is a line of the contract."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest

from cij.compiler.sql import query
from cij.compiler.sql.columns import SQL_TYPES
from cij.compiler.sql.making import make, rebuild, scratch
from cij.compiler.sql.parameters import list_of, rows_of
from cij.compiler.sql.table import Table
from cij.runtime.engine import ArrowStream, Engine, open_copy, open_engine
from cij.runtime.errors import DataError, StoreError
from tests.engines import ENGINES, NEWER, Opens, opener

# One column of each type that a store has.
TYPED = Table("typed", (("n", "INTEGER"), *((kind, type) for kind, type in SQL_TYPES.items())))
VALUES = {
    "text": "Zoë, \"q\" 'p'\n",
    "integer": -(10**18),
    "decimal": Decimal("99999999999999.9999"),
    "money": Decimal("-0.0001"),
    "percent": Decimal("0.123456"),
    "boolean": True,
    "date": date(9999, 12, 30),
    "datetime": datetime(2026, 3, 29, 2, 30, 0, 1),
    "time": time(23, 59, 59),
    "duration": 86_400,
    "list": "\x1fa\x1fb\x1f",
    "entity": "e1",
}
_ALL = query("SELECT * FROM typed ORDER BY n")
_COUNT = query("SELECT COUNT(*) FROM typed AS t")


@dataclass(frozen=True)
class _Foreign:
    """A stream of another library: nothing is known of it but the interface."""

    stream: ArrowStream

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.stream.__arrow_c_stream__(requested_schema)


@pytest.fixture(scope="module", params=(*ENGINES, NEWER), name="opens")
def _opens(request: pytest.FixtureRequest) -> Iterator[Opens]:
    with opener(request.param) as opens:
        yield opens


@pytest.fixture
def engine(opens: Opens) -> Iterator[Engine]:
    with closing(opens()) as found:
        found.execute(TYPED.ddl)
        yield found


def _fill(engine: Engine, count: int) -> None:
    columns: dict[str, list[object]] = {name: [value] * count for name, value in VALUES.items()}
    nulls = {name: [*values[:-1], None] for name, values in columns.items()} if count else columns
    engine.append("typed", {"n": [*range(count)], **nulls})


@pytest.mark.parametrize("count", [0, 1, 2, 5000])
def test_rows_are_given_as_columns_and_read_back_as_they_are(engine: Engine, count: int) -> None:
    _fill(engine, count)
    found = engine.rows(_ALL)
    assert len(found) == count
    assert set(found[:-1]) == {(n, *VALUES.values()) for n in range(count - 1)}
    assert found[-1:] == [(count - 1, *([None] * len(VALUES)))] * bool(count)


@pytest.mark.parametrize("count", [0, 1, 5000])
def test_rows_go_from_one_engine_to_another_as_arrow(engine: Engine, count: int) -> None:
    _fill(engine, count)
    with closing(open_engine(None, threads=1)) as other:
        other.execute(TYPED.ddl)
        assert other.is_empty("typed")
        assert other.append("typed", _Foreign(engine.stream(_ALL))) == count
        assert other.rows(_ALL) == engine.rows(_ALL)
        assert other.is_empty("typed") == (not count), "what was known of it is known no more"


def test_columns_of_a_stream_are_found_by_their_names(engine: Engine) -> None:
    rows = query("SELECT 'x' AS text, CAST(7 AS INTEGER) AS n")
    with closing(open_engine(None)) as other:
        assert engine.append("typed", other.stream(rows)) == 1
    assert engine.rows(query("SELECT t.n, t.text, t.date FROM typed AS t")) == [(7, "x", None)]


def test_a_stream_that_breaks_off_is_the_mistake_of_its_data(engine: Engine) -> None:
    rows = query(
        "SELECT CAST(r.i AS INTEGER) AS n, CASE WHEN r.i = 150000 THEN ERROR('it broke') END AS text "
        "FROM RANGE(300000) AS r(i)"
    )
    with (
        closing(open_engine(None)) as other,
        pytest.raises(DataError, match="it broke|reading the rows broke off"),
        engine.transaction(),
    ):
        engine.append("typed", other.stream(rows))
    assert engine.rows(_COUNT) == [(0,)], "all or nothing"


def test_a_transaction_takes_back_what_was_appended(engine: Engine) -> None:
    with pytest.raises(ZeroDivisionError), engine.transaction():
        _fill(engine, 3)
        with engine.transaction():
            _fill(engine, 3)
        assert engine.rows(_COUNT) == [(6,)]
        raise ZeroDivisionError
    assert engine.rows(_COUNT) == [(0,)] and engine.is_empty("typed")


def test_types_of_columns_have_the_names_that_statements_use(engine: Engine) -> None:
    assert engine.columns_of("typed") == dict(TYPED.columns)
    assert [*engine.columns_of("typed")] == [name for name, _ in TYPED.columns]
    assert engine.columns_of("no_such_table") == {}


def test_a_table_may_be_made_of_itself(engine: Engine) -> None:
    _fill(engine, 2)
    engine.execute(make("few", "SELECT t.n FROM typed AS t"))
    engine.execute(make("few", "SELECT f.n + 10 AS n FROM few AS f"))
    assert engine.rows(query("SELECT f.n FROM few AS f ORDER BY f.n")) == [(10,), (11,)]
    engine.execute(scratch("few", [("n", "INTEGER")], is_kept=True))
    assert len(engine.rows(query("SELECT f.n FROM few AS f"))) == 2
    engine.execute(scratch("few", [("n", "INTEGER")]))
    assert engine.rows(query("SELECT f.n FROM few AS f")) == []
    engine.execute(rebuild("typed", "SELECT t.n + 1 AS n FROM typed AS t"))
    assert engine.rows(_ALL) == [(1,), (2,)]


def test_lists_and_rows_are_parameters(engine: Engine) -> None:
    numbers = query("SELECT l.item FROM {l} AS l ORDER BY l.item", l=list_of("given", "BIGINT"))
    assert engine.rows(numbers, {"given": "[2, 1]"}) == [(1,), (2,)]
    assert engine.rows(numbers, {"given": "[]"}) == []
    shape = {"n": "BIGINT", "at": "TIMESTAMP", "odd name": "VARCHAR"}
    pairs = query('SELECT r.n, r.at, r."odd name" FROM {r} AS r', r=rows_of("given", shape))
    given = '[{"n": 1, "at": "2026-03-01 10:00:00", "odd name": null}]'
    assert engine.rows(pairs, {"given": given}) == [(1, datetime(2026, 3, 1, 10), None)]


def test_a_copy_holds_what_the_file_held_and_leaves_it_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.duckdb"
    with closing(open_engine(path)) as engine:
        engine.execute(TYPED.ddl)
        _fill(engine, 2)
    with closing(open_copy(path)) as copy:
        assert copy.rows(_COUNT) == [(2,)]
        _fill(copy, 1)
    with closing(open_engine(path)) as engine:
        assert engine.rows(_COUNT) == [(2,)]
    with pytest.raises(StoreError):
        open_copy(tmp_path / "none.duckdb")


def test_a_driver_is_loaded_when_an_engine_is_opened() -> None:
    script = (
        "import sys, cij.runtime.engine, cij.runtime.store\n"
        "assert 'duckdb' not in sys.modules\n"
        "cij.runtime.engine.open_engine(None).close()\n"
        "assert 'duckdb' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
