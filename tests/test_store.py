"""The state file: its keys are audited, its log is folded between steps, its memory has a bound."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from cij.cli.project import open_project
from cij.cli.running import open_store
from cij.compiler.sql import query
from cij.compiler.sql.store import KEYED
from cij.runtime.audit import audit_keys
from cij.runtime.engine import DuckEngine
from tests.example import copy_example, inside, replace, run_once

_CONSTRAINTS = query(
    "SELECT c.table_name FROM duckdb_constraints() AS c WHERE c.constraint_type <> 'NOT NULL' "
    "UNION ALL SELECT i.table_name FROM duckdb_indexes() AS i"
)
_TWICE = query("INSERT INTO outbox SELECT * FROM outbox ORDER BY key LIMIT 1")
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
    with closing(DuckEngine(tmp_path / "state.duckdb")) as engine:
        engine.execute(_GROW)
        engine.fold_log()
        assert log.stat().st_size > 0, "a short log is left alone"
        # Less at a time than what the engine writes past its log.
        for _ in range(8):
            engine.execute(_MORE, {"count": 60_000})
        assert log.stat().st_size > 16_000_000, "nothing is folded while somebody waits"
        engine.fold_log()
        assert not log.exists() or log.stat().st_size == 0
        assert engine.rows(query("SELECT COUNT(*) FROM big")) == [(480_001,)]


def test_settings_bound_what_the_engine_takes(tmp_path: Path) -> None:
    project = copy_example(tmp_path)
    replace(project / "cij.toml", "[store]", "[store]\nmemory_mb = 512\nthreads = 1")
    with closing(open_store(open_project(project))) as engine:
        assert engine.rows(_LIMIT) == [("488.2 MiB", 1)]
