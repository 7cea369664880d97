"""The state file: its keys are audited, its log is folded between steps, its memory has a bound."""

import json
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cij.app.open_store import open_store
from cij.app.project import open_project
from cij.compiler.sql import query
from cij.runtime.audit import audit_keys
from cij.runtime.engine import Engine, open_engine
from cij.runtime.engine.duckdb.connection import DuckEngine
from cij.runtime.store import schema
from cij.runtime.store.keys import KEYED
from cij.runtime.tick import tick
from tests.example import copy_example, inside, replace, run_once
from tests.testbed import TestBed

NOW = datetime(2026, 3, 2, 9)
WEEKLY = """
journey weekly {
  enter on visit
  steps {
    day: wait 30 days
    end done
  }
}
"""

_CONSTRAINTS = query(
    "SELECT c.table_name FROM duckdb_constraints() AS c WHERE c.constraint_type <> 'NOT NULL' "
    "UNION ALL SELECT i.table_name FROM duckdb_indexes() AS i"
)
_TWICE = query("INSERT INTO outbox_row SELECT * FROM outbox_row ORDER BY passage LIMIT 1")
_GROW = query(
    "CREATE TABLE big AS SELECT range AS n, MD5(CAST(range AS VARCHAR)) AS t FROM RANGE(1)"
)
_MORE = query("INSERT INTO big SELECT range, MD5(CAST(range AS VARCHAR)) FROM RANGE($count)")
_LIMIT = query("SELECT current_setting('memory_limit'), current_setting('threads')")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = copy_example(tmp_path_factory.mktemp("store"))
    run_once(found)
    return found


@pytest.mark.slow
def test_doctor_tells_of_a_key_that_stands_twice(project: Path) -> None:
    def keys() -> dict[str, str]:
        findings = json.loads(inside("doctor", str(project), "--json")[1])["findings"]
        return next(f for f in findings if f["what"] == "keys")

    assert keys()["status"] == "ok" and "each of 12" in keys()["detail"]
    with closing(open_store(open_project(project))) as engine:
        with engine.transaction():
            engine.execute(_TWICE)
        doubles = audit_keys(engine).doubles
    assert len(doubles) == 1
    assert keys()["status"] == "fail" and doubles[0] in keys()["detail"]


def test_no_index_slows_down_what_is_done_for_many(project: Path) -> None:
    with closing(open_store(open_project(project))) as engine:
        assert engine.rows(_CONSTRAINTS) == []
        assert set(KEYED) <= {r[0] for r in engine.rows(query("SHOW TABLES"))}


def test_the_log_is_folded_when_it_has_grown(tmp_path: Path) -> None:
    log = tmp_path / "state.duckdb.wal"
    with closing(open_engine(tmp_path / "state.duckdb")) as engine:
        engine.execute(_GROW)
        engine.maintain()
        assert log.stat().st_size > 0, "a short log is left alone"
        # Less at a time than what the engine writes past its log.
        for _ in range(8):
            engine.execute(_MORE, {"count": 60_000})
        assert log.stat().st_size > 16_000_000, "nothing is folded while somebody waits"
        engine.maintain()
        assert not log.exists() or log.stat().st_size == 0
        assert engine.rows(query("SELECT COUNT(*) FROM big")) == [(480_001,)]


def test_settings_bound_what_the_engine_takes(tmp_path: Path) -> None:
    project = copy_example(tmp_path)
    replace(project / "cij.toml", "[store]", "[store]\nmemory_mb = 512\nthreads = 1")
    with closing(open_store(open_project(project))) as engine:
        assert engine.rows(_LIMIT) == [("488.2 MiB", 1)]


# --- answers that are remembered ----------------------------------------------------------------

_COUNTERS = query("SELECT k.name, k.value FROM counter AS k ORDER BY k.name")
_SET_COUNTER = query("UPDATE counter SET value = $value WHERE name = $name")
_COUNTER_OF = query("SELECT k.value FROM counter AS k WHERE k.name = $name")


def _counting(folder: Path) -> Engine:
    engine = open_engine(folder / "state.duckdb")
    for statement in schema.ddl():
        engine.execute(statement)
    engine.append("counter", {"name": ["a", "b"], "value": [1, 2]})
    return engine


def test_what_is_remembered_is_what_stands_there(tmp_path: Path) -> None:
    engine = _counting(tmp_path)
    assert engine.rows(_COUNTERS) == engine.rows(_COUNTERS) == [("a", 1), ("b", 2)]
    engine.rows(_COUNTERS).clear()
    assert engine.rows(_COUNTERS) == [("a", 1), ("b", 2)], "nobody changes what is remembered"
    assert engine.rows(_COUNTER_OF, {"name": "a"}) == [(1,)]
    assert engine.rows(_COUNTER_OF, {"name": "b"}) == [(2,)], "other parameters, other rows"
    engine.execute(_SET_COUNTER, {"name": "a", "value": 7})
    assert engine.rows(_COUNTERS) == [("a", 7), ("b", 2)]
    engine.append("counter", {"name": ["c"], "value": [3]})
    assert engine.rows(_COUNTERS) == [("a", 7), ("b", 2), ("c", 3)]
    engine.close()


def test_what_is_taken_back_is_forgotten(tmp_path: Path) -> None:
    engine = _counting(tmp_path)
    with pytest.raises(ZeroDivisionError), engine.transaction():
        engine.execute(_SET_COUNTER, {"name": "a", "value": 7})
        assert engine.rows(_COUNTERS) == [("a", 7), ("b", 2)]
        raise ZeroDivisionError
    assert engine.rows(_COUNTERS) == [("a", 1), ("b", 2)]
    engine.close()


def test_a_tick_with_nothing_to_do_asks_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """What costs such a tick is the number of its statements: most plan longer than they run."""
    bed = TestBed(WEEKLY, NOW)
    bed.people("ana")
    for hour in range(3):
        bed.tick(NOW + timedelta(hours=hour))
    asked: list[str] = []
    run = DuckEngine.run_text

    def counted(engine: DuckEngine, text: str, bound: Any) -> Any:
        asked.append(text)
        return run(engine, text, bound)

    monkeypatch.setattr(DuckEngine, "run_text", counted)
    tick(bed.world, NOW + timedelta(hours=3))
    assert len(asked) <= 12, "\n".join(asked)
