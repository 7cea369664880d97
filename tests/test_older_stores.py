"""State files of older versions: what lies in them is brought over, once and whole."""

import shutil
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from cij.app.compile import compiled
from cij.compiler.program import OUTCOMES, Program
from cij.compiler.sql import query
from cij.compiler.sql.outbox import KEY
from cij.runtime import deploy as deploying
from cij.runtime.deploy import deploy, prepare
from cij.runtime.engine import Engine, open_copy, open_engine
from tests.example import copy_example, inside, run_once

NOW = datetime(2026, 3, 6, 11, 0)
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
_FILL = "INSERT INTO wide SELECT * EXCLUDE (expires_at){more} FROM outbox ORDER BY key"
# Until version 3 passages had texts, and so had the reasons of moves.
_PASSAGES_OF_OLD = (
    "CREATE TABLE passage_old AS SELECT p.*{less} FROM passage AS p ORDER BY p.id",
    "DROP VIEW passage",
    "DROP TABLE passage_row",
    "ALTER TABLE passage_old RENAME TO passage",
    """
CREATE TABLE move_old AS SELECT m.passage, m.at, m.path, l.text AS why, m.event
FROM move AS m LEFT JOIN name AS l ON l.id = m.why ORDER BY m.rowid
""",
    "DROP VIEW history",
    "DROP TABLE move",
    "DROP TABLE name",
    "ALTER TABLE move_old RENAME TO move",
    """
CREATE VIEW history AS
SELECT m.passage, m.at, v.n, v.state, COALESCE(v.why, m.why) AS why,
  CASE WHEN v.n = 0 THEN m.event END AS event, m.rowid AS written
FROM move AS m JOIN visit AS v ON v.path = m.path
""",
)
# Until version 4 so had segments.
_MEMBERS_OF_OLD = (
    """
CREATE TABLE member_old AS SELECT l.text AS segment, s.customer, s.since
FROM segment_member AS s JOIN name AS l ON l.id = s.segment
""",
    "DROP TABLE segment_member",
    "ALTER TABLE member_old RENAME TO segment_member",
)
_IS_4 = (
    "DROP VIEW passage",
    "CREATE VIEW passage AS SELECT r.* FROM passage_row AS r",
    "UPDATE meta SET value = '4' WHERE name = 'store_version'",
)
_CALL = (
    "UPDATE wide SET channel = 'action', topic = NULL, address = NULL, locale = NULL "
    "WHERE outcome = 'failed'"
)
_IS_2 = (
    _CALL,
    "DROP VIEW outbox",
    "DROP TABLE outbox_row",
    "DROP TABLE effect",
    "ALTER TABLE wide RENAME TO outbox",
    "UPDATE meta SET value = '2' WHERE name = 'store_version'",
)
# As it was in version 3: narrow, with keys, and outcomes as texts.
_IS_3 = (
    "DROP VIEW outbox",
    "DROP TABLE outbox_row",
    """
CREATE TABLE outbox_row (key VARCHAR, effect BIGINT NOT NULL, passage BIGINT, customer VARCHAR,
  locale VARCHAR, address VARCHAR, parameters VARCHAR, created_at TIMESTAMP, outcome VARCHAR,
  reason VARCHAR, attempts INTEGER, due_at TIMESTAMP, settled_at TIMESTAMP, provider_id VARCHAR,
  expires_at TIMESTAMP)
""",
    """
INSERT INTO outbox_row
SELECT w.key, e.id, w.passage, w.customer, w.locale, w.address, w.parameters, w.created_at,
  w.outcome, w.reason, w.attempts, w.due_at, w.settled_at, w.provider_id, w.expires_at
FROM wide AS w JOIN effect AS e ON e.version = w.version AND e.step = w.step
ORDER BY w.key
""",
    """
CREATE VIEW outbox AS
SELECT r.key, e.journey, e.version, r.passage, e.step, r.customer, e.channel, e.topic, e.message,
  e.content, r.locale, r.address, r.parameters, r.created_at, r.outcome, r.reason,
  COALESCE(r.attempts, 0) AS attempts,
  CASE WHEN r.outcome = 'queued' THEN COALESCE(r.due_at, r.created_at) ELSE r.due_at END AS due_at,
  r.settled_at, r.provider_id, r.expires_at
FROM outbox_row AS r JOIN effect AS e ON e.id = r.effect
""",
    "DROP TABLE wide",
    "UPDATE meta SET value = '3' WHERE name = 'store_version'",
)
_SHAPES = {
    "version 2 without expiry": ("", _IS_2),
    "version 2": ("expires_at", _IS_2),
    "version 3": ("expires_at", _IS_3),
}
_MEMBERS = query(
    "SELECT l.text, s.customer, s.since FROM segment_member AS s JOIN name AS l ON l.id = s.segment "
    "ORDER BY ALL"
)
_MEMBERS_BEFORE = query("SELECT s.* FROM segment_member AS s ORDER BY ALL")
# A row in every outcome, each with values of its own.
_OUTCOME = query(
    "UPDATE wide SET outcome = $outcome, reason = $outcome, attempts = $n, provider_id = $outcome, "
    "due_at = $at, settled_at = $at WHERE key = (SELECT k.key FROM (SELECT w.key, "
    "ROW_NUMBER() OVER (ORDER BY w.key) AS n FROM wide AS w) AS k WHERE k.n = $n)"
)
# In a loop: a key ends with the turn.
_TURN = query(
    "UPDATE wide SET key = CONCAT(RTRIM(key, '0123456789'), '12') WHERE outcome = 'expired'"
)
_ROWS = query("SELECT * FROM outbox ORDER BY key")
_PASSAGES = query("SELECT * FROM passage ORDER BY id")
_LEAVE = query("UPDATE passage_row SET ended_at = $now, wake_at = NULL WHERE id % 2 = 1")
_KIND = query("SELECT t.table_type FROM information_schema.tables AS t WHERE t.table_name = $name")
_HISTORY = query("SELECT * FROM history ORDER BY written, n")
_IN_ORDER = query(
    "SELECT {key} FROM outbox_row AS o JOIN effect AS e ON e.id = o.effect ORDER BY o.rowid",
    key=KEY,
)
# Tables of the outbox that keep keys, as all older ones did.
_OLD = query(
    "SELECT t.table_name FROM information_schema.tables AS t "
    "JOIN information_schema.columns AS c ON c.table_name = t.table_name "
    "WHERE t.table_type = 'BASE TABLE' AND t.table_name LIKE 'outbox%' AND c.column_name = 'key'"
)
_CAP = query("UPDATE outbox_row SET outcome = 'capped'")
# The last one was not there yet, and the others in another order.
_FORGET_OUTCOME = query(
    "ALTER TABLE outbox_row ALTER COLUMN outcome SET DATA TYPE ENUM({})".format(
        ", ".join(f"'{outcome}'" for outcome in reversed(OUTCOMES[:-1]))
    )
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = copy_example(tmp_path_factory.mktemp("older"))
    run_once(found)
    return found


@pytest.fixture(params=_SHAPES)
def old(whole: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A project whose state is of an older version."""
    expiry, finish = _SHAPES[request.param]
    project = Path(shutil.copytree(whole, tmp_path / "old"))
    with closing(_opened(project)) as engine, engine.transaction():
        engine.execute(query(_WIDE.replace("{more}", expiry and f", {expiry} TIMESTAMP")))
        engine.execute(query(_FILL.replace("{more}", expiry and f", {expiry}")))
        for n, outcome in enumerate(OUTCOMES, 1):
            at = datetime(2026, 3, n)
            assert engine.execute(_OUTCOME, {"outcome": outcome, "n": n, "at": at}) == 1
        assert engine.execute(_TURN) == 1
        less = "" if expiry else " EXCLUDE (customer_row)"
        for text in (*_MEMBERS_OF_OLD, *_PASSAGES_OF_OLD, *finish):
            engine.execute(query(text.replace("{less}", less)))
    return project


def _opened(project: Path) -> Engine:
    return open_engine(project / ".cij" / "state.duckdb")


def _program(project: Path) -> Program:
    return compiled(project)[1]


def _rows(engine: Engine) -> list[tuple[Any, ...]]:
    # What was never there expires never.
    return [row if len(row) == 21 else (*row, None) for row in engine.rows(_ROWS)]


def _passages(engine: Engine) -> list[list[tuple[Any, ...]]]:
    # The place of a customer's row is younger than some stores.
    width = 19
    return [[row[:width] for row in engine.rows(_PASSAGES)], engine.rows(_HISTORY)]


@pytest.mark.slow
def test_older_passages_and_their_history_are_brought_over_as_they_are(old: Path) -> None:
    with closing(_opened(old)) as engine:
        before = _passages(engine)
        assert all(before), "somebody is there, and has a history"
        deploy(engine, _program(old), NOW)
        assert _passages(engine) == before
        assert engine.rows(_KIND, {"name": "passage"}) == [("VIEW",)]
    with closing(_opened(old)) as engine:
        deploy(engine, _program(old), NOW)
        assert _passages(engine) == before, "once is enough"


def test_members_of_segments_are_brought_over(old: Path) -> None:
    with closing(_opened(old)) as engine:
        before = engine.rows(_MEMBERS_BEFORE)
        assert before, "somebody is in a segment"
        deploy(engine, _program(old), NOW)
        assert engine.rows(_MEMBERS) == before


def test_a_store_of_version_4_tells_of_passages_as_this_one(whole: Path, tmp_path: Path) -> None:
    project = Path(shutil.copytree(whole, tmp_path / "four"))
    with closing(_opened(project)) as engine:
        assert engine.execute(_LEAVE, {"now": NOW})
        now, members = engine.rows(_PASSAGES), engine.rows(_MEMBERS)
        for text in (*_MEMBERS_OF_OLD, *_IS_4):
            engine.execute(query(text))
        deploy(engine, _program(project), NOW)
        assert engine.rows(_PASSAGES) == now and engine.rows(_MEMBERS) == members
        # What is only in the log is there after a crash.
        state = project / ".cij" / "state.duckdb"
        for end in ("", ".wal"):
            shutil.copy(f"{state}{end}", f"{tmp_path / 'crashed'}{end}")
    with closing(open_engine(tmp_path / "crashed")) as engine:
        assert engine.rows(_PASSAGES) == now and engine.rows(_MEMBERS) == members


def test_an_older_outbox_is_brought_over_as_it_is(old: Path) -> None:
    with closing(_opened(old)) as engine:
        before = _rows(engine)
        assert sorted(row[14] for row in before) == sorted(OUTCOMES)
        assert any(row[0].endswith(":12") for row in before)
        deploy(engine, _program(old), NOW)
        assert _rows(engine) == before
        assert [key for (key,) in engine.rows(_IN_ORDER)] == [row[0] for row in before]
        assert engine.rows(_OLD) == []
    with closing(_opened(old)) as engine:
        assert _rows(engine) == before, "and it is there when it is opened again"
        deploy(engine, _program(old), NOW)
        assert _rows(engine) == before, "once is enough"


def test_a_copy_of_an_older_store_is_brought_over_too(old: Path) -> None:
    with closing(_opened(old)) as engine:
        before = _rows(engine)
    with closing(open_copy(old / ".cij" / "state.duckdb")) as copy:
        prepare(copy, _program(old))
        assert _rows(copy) == before
    with closing(_opened(old)) as engine:
        assert len(engine.rows(_OLD)) == 1


def test_an_older_store_outlives_a_crash_after_it_was_brought_over(
    old: Path, tmp_path: Path
) -> None:
    """What stands in the write-ahead log alone can be read back."""
    state = old / ".cij" / "state.duckdb"
    with closing(_opened(old)) as engine:
        deploy(engine, _program(old), NOW)
        before = _rows(engine), _passages(engine), engine.rows(_MEMBERS)
        for end in ("", ".wal"):
            shutil.copy(f"{state}{end}", f"{tmp_path / 'crashed'}{end}")
    with closing(open_engine(tmp_path / "crashed")) as engine:
        assert (_rows(engine), _passages(engine), engine.rows(_MEMBERS)) == before


def test_what_breaks_off_leaves_the_older_store(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class PowerCut(BaseException):
        pass

    def cut(*_: object) -> None:
        raise PowerCut

    with closing(_opened(old)) as engine:
        before = _rows(engine)
        with monkeypatch.context() as patch, pytest.raises(PowerCut):
            patch.setattr(deploying, "migrate", cut)
            deploy(engine, _program(old), NOW)
    with closing(_opened(old)) as engine:
        assert len(engine.rows(_OLD)) == 1
        assert _rows(engine) == before
        deploy(engine, _program(old), NOW)
        assert _rows(engine) == before


@pytest.mark.slow
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


def test_outcomes_of_later_versions_are_known_to_a_store_that_is_there(whole: Path) -> None:
    with closing(open_copy(whole / ".cij" / "state.duckdb")) as engine:
        before = _rows(engine)
        engine.execute(_FORGET_OUTCOME)
        assert _rows(engine) == before
        with pytest.raises(Exception, match="capped"):
            engine.execute(_CAP)
        prepare(engine, _program(whole))
        assert _rows(engine) == before
        assert engine.execute(_CAP) == len(before)
