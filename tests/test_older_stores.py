"""State files of older versions: what lies in them is brought over, once and whole."""

import shutil
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from cij.cli.compiling import compiled
from cij.compiler.program import Program
from cij.compiler.sql import query
from cij.runtime.delivery import outbox
from cij.runtime.deploy import deploy, prepare
from cij.runtime.engine import DuckEngine
from tests.example import copy_example, inside, run_once

NOW = datetime(2026, 3, 6, 11, 0)
OUTCOMES = (
    *("queued", "sending", "delivered", "failed", "uncertain", "cancelled"),
    *("withheld", "expired", "no_consent", "suppressed", "no_address", "capped"),
)

# As the outbox was in version 2, and as it was before messages could expire.
_WIDE = """
CREATE TABLE wide (
  key VARCHAR, journey VARCHAR, version VARCHAR, passage BIGINT, step VARCHAR,
  customer VARCHAR, channel VARCHAR, topic VARCHAR, message VARCHAR, content VARCHAR,
  locale VARCHAR, address VARCHAR, parameters VARCHAR, created_at TIMESTAMP,
  outcome VARCHAR, reason VARCHAR, attempts INTEGER, due_at TIMESTAMP,
  settled_at TIMESTAMP, provider_id VARCHAR{more}
)
"""
_MAKE_OLD = (
    "INSERT INTO wide SELECT * EXCLUDE (expires_at){more} FROM outbox ORDER BY key",
    "DROP VIEW outbox",
    "DROP TABLE outbox_row",
    "DROP TABLE effect",
    "ALTER TABLE wide RENAME TO outbox",
    "UPDATE meta SET value = '2' WHERE name = 'store_version'",
)
# A row in every outcome, each with values of its own.
_OUTCOME = query(
    "UPDATE wide SET outcome = $outcome, reason = $outcome, attempts = $n, provider_id = $outcome, "
    "due_at = $at, settled_at = $at WHERE key = (SELECT k.key FROM (SELECT w.key, "
    "ROW_NUMBER() OVER (ORDER BY w.key) AS n FROM wide AS w) AS k WHERE k.n = $n)"
)
_CALL = query(
    "UPDATE wide SET channel = 'action', topic = NULL, address = NULL, locale = NULL "
    "WHERE outcome = 'failed'"
)
_ROWS = query("SELECT * FROM outbox ORDER BY key")
_IN_ORDER = query("SELECT key FROM outbox_row ORDER BY rowid")
_KIND = query("SELECT t.table_type FROM information_schema.tables AS t WHERE t.table_name = $name")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = copy_example(tmp_path_factory.mktemp("older"))
    run_once(found)
    return found


@pytest.fixture(params=["", ", expires_at TIMESTAMP"], ids=["without expiry", "with expiry"])
def old(whole: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A project whose state is of version 2."""
    project = Path(shutil.copytree(whole, tmp_path / "old"))
    with closing(_opened(project)) as engine, engine.transaction():
        engine.execute(query(_WIDE.replace("{more}", request.param)))
        for text in _MAKE_OLD[:1]:
            more = ", expires_at" if request.param else ""
            engine.execute(query(text.replace("{more}", more)))
        for n, outcome in enumerate(OUTCOMES, 1):
            at = datetime(2026, 3, n)
            assert engine.execute(_OUTCOME, {"outcome": outcome, "n": n, "at": at}) == 1
        engine.execute(_CALL)
        for text in _MAKE_OLD[1:]:
            engine.execute(query(text))
    return project


def _opened(project: Path) -> DuckEngine:
    return DuckEngine(project / ".cij" / "state.duckdb")


def _program(project: Path) -> Program:
    return compiled(project)[1]


def _rows(engine: DuckEngine) -> list[tuple[Any, ...]]:
    # What was never there expires never.
    return [row if len(row) == 21 else (*row, None) for row in engine.rows(_ROWS)]


def test_a_wide_outbox_is_brought_over_as_it_is(old: Path) -> None:
    with closing(_opened(old)) as engine:
        before = _rows(engine)
        assert sorted(row[14] for row in before) == sorted(OUTCOMES)
        deploy(engine, _program(old), NOW)
        assert _rows(engine) == before
        assert [key for (key,) in engine.rows(_IN_ORDER)] == [row[0] for row in before]
        assert engine.rows(_KIND, {"name": "outbox"}) == [("VIEW",)]
        assert engine.rows(_KIND, {"name": "outbox_wide"}) == []
    with closing(_opened(old)) as engine:
        assert _rows(engine) == before, "and it is there when it is opened again"
        deploy(engine, _program(old), NOW)
        assert _rows(engine) == before, "once is enough"


def test_a_copy_of_an_older_store_is_brought_over_too(old: Path) -> None:
    with closing(_opened(old)) as engine:
        before = _rows(engine)
    with closing(DuckEngine(None)) as copy:
        copy.copy_from(old / ".cij" / "state.duckdb")
        prepare(copy, _program(old))
        assert _rows(copy) == before
    with closing(_opened(old)) as engine:
        assert engine.rows(_KIND, {"name": "outbox"}) == [("BASE TABLE",)]


def test_what_breaks_off_leaves_the_older_store(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class PowerCut(BaseException):
        pass

    def cut(*_: object) -> None:
        raise PowerCut

    with closing(_opened(old)) as engine:
        before = _rows(engine)
        with monkeypatch.context() as patch, pytest.raises(PowerCut):
            patch.setattr(outbox, "keep_effects", cut)
            deploy(engine, _program(old), NOW)
    with closing(_opened(old)) as engine:
        assert engine.rows(_KIND, {"name": "outbox"}) == [("BASE TABLE",)]
        assert _rows(engine) == before
        deploy(engine, _program(old), NOW)
        assert _rows(engine) == before


def test_an_older_store_is_read_and_run_by_the_command_line(old: Path) -> None:
    with closing(_opened(old)) as engine:
        keys = [row[0] for row in _rows(engine)]
    for command in (["doctor"], ["status"], ["simulate", "--days", "1"]):
        code, _, err = inside(command[0], str(old), *command[1:])
        assert "Traceback" not in err and code in (0, 1), (command, err)
    run_once(old)
    with closing(_opened(old)) as engine:
        outcomes = {row[0]: row[14] for row in _rows(engine)}
        assert [*outcomes] == keys, "no message is lost, and none is written twice"
        assert "queued" not in outcomes.values() and "sending" not in outcomes.values()
