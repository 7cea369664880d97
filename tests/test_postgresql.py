"""A store in PostgreSQL is what a store in DuckDB is: on a real server, table by table."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from cij.app.open_store import in_memory_copy
from cij.cli.exits import Exit
from cij.compiler.sql import query
from cij.compiler.sql.intake import WHO
from cij.compiler.sql.making import make, rebuild
from cij.compiler.sql.passes import Pass
from cij.runtime.engine import Engine, open_engine, open_server
from cij.runtime.engine.duckdb.csv_file import write_csv
from cij.runtime.engine.postgresql import outcome, server_engine, session
from cij.runtime.errors import ConfigError, StoreError, StoreLocked, StoreLost
from cij.runtime.store.preparing import prepare
from tests.agreement.comparing import drawn
from tests.agreement.running import compiled as compile_scenarios, traces
from tests.agreement.tick_times import Spacing
from tests.attack.killed_project import server_store
from tests.attack.killing import kill_runs
from tests.builders import REPOSITORY
from tests.engines import Opens, dsn_of, end_writer, on_file_and_server, put_on_server
from tests.example import (
    by_recipient,
    copy_example,
    environment,
    inside,
    messages,
    run_once,
)
from tests.nursery import Nursery
from tests.postgres import PostgresStore, binary, server
from tests.ways import PLAIN, Way
from tests.whole_stores import contents, lived


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


@pytest.mark.slow
def test_a_copy_in_memory_keeps_the_order_of_writing(store: PostgresStore) -> None:
    count = 200_000
    numbers = [(n * 7_919) % count for n in range(count)]
    with closing(_open(store, "ordered")) as engine, closing(in_memory_copy(engine)) as copy:
        assert copy.columns_of("meta") == {}, "nothing has run"
        prepare(engine)
        nothing: list[object] = [None] * count
        moves = {"at": nothing, "path": nothing, "why": nothing, "event": nothing}
        engine.append("move", moves | {"passage": numbers})
        # A row that is written anew is at the end of the file on the server, and not of the order.
        store.run("UPDATE ordered.move SET why = 1 WHERE passage < 1000")
        with closing(in_memory_copy(engine)) as copied:
            found = copied.rows(query("SELECT m.passage FROM move AS m ORDER BY m.rowid"))
            assert [n for (n,) in found] == numbers


# --- one writer, many readers -----------------------------------------------------------------

_PEOPLE = query("SELECT COUNT(*) FROM passage_row AS p")
_MAKE = query("CREATE TABLE IF NOT EXISTS kept (n BIGINT)")
_ADD = query("INSERT INTO kept (n) VALUES ($n)")
_ALL = query("SELECT k.n FROM kept AS k ORDER BY k.n")


def test_a_second_writer_is_told_who_the_first_is(store: PostgresStore) -> None:
    with closing(_open(store, "one")):
        with pytest.raises(
            StoreLocked, match=f"cij test, process {os.getpid()} on .* since 20.* UTC"
        ):
            _open(store, "one")
        # Another project in the same database is another store.
        _open(store, "two").close()
    _open(store, "one").close()


def test_a_reader_sees_whole_transactions_and_writes_nothing(store: PostgresStore) -> None:
    with closing(_open(store, "read")) as writer:
        writer.execute(_MAKE)
        with writer.transaction():
            writer.execute(_ADD, {"n": 1})
            with closing(_open(store, "read", is_reader=True)) as reader:
                assert reader.rows(_ALL) == []
                writer.execute(_ADD, {"n": 2})
                with pytest.raises(StoreError, match="a reader changes nothing"):
                    reader.execute(_ADD, {"n": 3})
                with pytest.raises(StoreError, match="has no table `other` yet"):
                    reader.execute(query("CREATE TABLE IF NOT EXISTS other (n BIGINT)"))
                # Its own scratch tables are no part of the store.
                reader.execute(make("mine", "SELECT k.n FROM kept AS k"))
        with closing(_open(store, "read", is_reader=True)) as reader:
            assert reader.rows(_ALL) == [(1,), (2,)]
            # A table that is made anew while it is read keeps its rows for the reader.
            writer.execute(rebuild("kept", "SELECT k.n + 10 AS n FROM kept AS k"))
            assert reader.rows(_ALL) == [(1,), (2,)]
        assert writer.rows(_ALL) == [(11,), (12,)]


def test_a_connection_that_is_lost_between_transactions_is_made_again(store: PostgresStore) -> None:
    with closing(_open(store, "lost")) as engine:
        engine.execute(_MAKE)
        restored: list[int] = []
        engine.on_new_session(lambda: restored.append(engine.execute(make("s", "SELECT 1 AS n"))))
        end_writer(store, "lost")
        with pytest.raises(StoreLost, match="the connection to the store was lost"):
            engine.execute(_ADD, {"n": 1})
        engine.execute(_ADD, {"n": 2})
        assert engine.rows(_ALL) == [(2,)] and restored == [1]
        # It is the writer again.
        with pytest.raises(StoreLocked):
            _open(store, "lost")


def test_a_connection_that_is_lost_within_a_transaction_takes_it_back(store: PostgresStore) -> None:
    with closing(_open(store, "torn")) as engine:
        engine.execute(_MAKE)
        with pytest.raises(StoreLost), engine.transaction():
            engine.execute(_ADD, {"n": 1})
            end_writer(store, "torn")
            engine.execute(_ADD, {"n": 2})
        assert engine.rows(_ALL) == []
        with pytest.raises(StoreLost), engine.transaction():
            engine.execute(_ADD, {"n": 1})
            end_writer(store, "torn")
        assert engine.rows(_ALL) == [], "it ended before the COMMIT"


def test_a_commit_without_an_answer_is_asked_about(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from psycopg import OperationalError

    with closing(_open(store, "deaf")) as engine:
        engine.execute(_MAKE)
        number_of = outcome.number_of_transaction

        def cut(session: Any) -> str | None:
            """Let COMMIT reach the server, and nothing come back."""
            number = number_of(session)
            execute = session.execute

            def lose(text: str, *rest: Any) -> Any:
                execute(text, *rest)
                session.close()
                raise OperationalError("server closed the connection unexpectedly")

            session.execute = lose
            return number

        monkeypatch.setattr(server_engine, "number_of_transaction", cut)
        with engine.transaction():
            engine.execute(_ADD, {"n": 1})
        monkeypatch.undo()
        assert engine.rows(_ALL) == [(1,)], "neither lost nor twice"


_DIES = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from cij.runtime.engine import open_server
from tests.whole_stores import lived
engine = open_server(sys.argv[2], "dies", "test")
commit = engine._commit
def dies():
    if engine.columns_of("passage_row") and not engine.is_empty("passage_row"):
        os.kill(os.getpid(), 9)
    commit()
engine._commit = dies
lived(engine, Path(sys.argv[3]), 0)
"""


@pytest.mark.slow
def test_a_run_that_is_killed_before_a_commit_goes_on_from_before_it(
    store: PostgresStore, tmp_path: Path
) -> None:
    folder = _example("loyalty", tmp_path)
    with closing(_open(store, "lives")) as engine:
        lived(engine, folder, 0)
        expected = contents(engine)
    arguments = [str(REPOSITORY), dsn_of(store), str(folder)]
    died = subprocess.run(
        [sys.executable, "-c", _DIES, *arguments], env=environment(), check=False, timeout=120
    )
    assert died.returncode == -signal.SIGKILL
    end_writer(store, "dies")
    with closing(_open(store, "dies")) as engine:
        assert not contents(engine)["passage_row"] and expected["passage_row"]
        lived(engine, folder, 0)
        assert contents(engine) == expected


@pytest.mark.slow
def test_a_tick_that_is_killed_at_a_statement_is_made_anew(store: PostgresStore) -> None:
    # `python -m tests.statement_kills` kills at all of them.
    words = [sys.executable, "-m", "tests.statement_kills", "--points", "2"]
    done = subprocess.run(
        words, cwd=REPOSITORY, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_kills_of_runs_lose_and_double_nothing(
    store: PostgresStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # `server_store` sets it, and this puts it back.
    monkeypatch.setenv("CIJ_STORE_DSN", "")
    settings = server_store(store)
    with Nursery(tmp_path / "said.txt") as nursery:
        found = kill_runs(tmp_path, nursery, 5, seed=3, store=settings)
    assert found.is_good, found.line()


# --- what a server must be ----------------------------------------------------------------------


def test_what_cannot_be_a_store_is_told(store: PostgresStore) -> None:
    for name, locale in (("plain", "C"), ("latin", "C.UTF-8")):
        encoding = "LATIN1" if name == "latin" else "UTF8"
        locale = "C" if name == "latin" else locale
        store.run(
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LOCALE '{locale}'"
        )
        with pytest.raises(StoreError, match=f"the database {name} .* LOCALE 'C.UTF-8'"):
            open_server(f"host={store.folder} user=cij dbname={name}", "cij")
    with pytest.raises(StoreError, match="cannot connect to the store"):
        open_server(f"host={store.folder} user=cij dbname=nothing", "cij")
    with pytest.raises(ConfigError, match="no address of a database") as caught:
        open_server("host=x password=hunter2 %%", "cij")
    assert "hunter2" not in str(caught.value)


def test_roles_that_lack_a_right_are_told(store: PostgresStore) -> None:
    with closing(_open(store, "roles")) as engine:
        engine.execute(_MAKE)
    store.run("CREATE ROLE looks LOGIN; GRANT USAGE ON SCHEMA roles TO looks")
    dsn = f"host={store.folder} user=looks dbname=postgres"
    with (
        closing(open_server(dsn, "roles", is_reader=True)) as reader,
        pytest.raises(StoreError, match="lacks a right: permission denied for table kept"),
    ):
        reader.rows(_ALL)
    store.run("GRANT SELECT ON ALL TABLES IN SCHEMA roles TO looks")
    with closing(open_server(dsn, "roles", is_reader=True)) as reader:
        assert reader.rows(_ALL) == []
    with pytest.raises(StoreError, match="lacks a right"):
        open_server(dsn, "no_schema")


def test_statements_and_locks_take_no_longer_than_they_may(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorter = {**session.SETTINGS, "statement_timeout": "100ms", "lock_timeout": "50ms"}
    monkeypatch.setattr(session, "SETTINGS", shorter)
    with closing(_open(store, "slow")) as engine:
        engine.execute(_MAKE)
        with pytest.raises(StoreError, match="took longer than"):
            engine.rows(query("SELECT PG_SLEEP(5)"))
        store.run("BEGIN; LOCK TABLE slow.kept")
        try:
            with pytest.raises(
                StoreError, match="another session kept a table of the store locked"
            ):
                engine.rows(_ALL)
        finally:
            store.run("ROLLBACK")
        assert engine.rows(_ALL) == []


def test_a_question_that_fails_stops_no_other_of_the_reader(store: PostgresStore) -> None:
    _open(store, "asked").close()
    with closing(_open(store, "asked", is_reader=True)) as reader:
        reader.execute(make("mine", "SELECT 1 AS n"))
        with pytest.raises(Exception, match="zero"):
            reader.rows(query("SELECT 1 / (m.n - 1) FROM mine AS m"))
        assert reader.rows(query("SELECT m.n FROM mine AS m")) == [(1,)]


def test_an_empty_address_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The driver would connect to the server of this machine.
    monkeypatch.setenv("CIJ_STORE_DSN", "")
    folder = put_on_server(copy_example(tmp_path), "nowhere")
    code, _, err = inside("status", str(folder))
    assert code == Exit.CONFIG and "store.dsn" in err


def test_rows_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    with closing(open_engine(None)) as duck:
        rows = duck.stream(query("SELECT 1 AS n"))
        with pytest.raises(StoreError, match="could not be written"):
            write_csv(rows, tmp_path / "no" / "folder.csv")


@pytest.mark.slow
def test_a_restored_dump_of_before_the_last_mails_is_refused(
    store: PostgresStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIJ_STORE_DSN", dsn_of(store))
    folder = put_on_server(copy_example(tmp_path), "dumped")
    cards = folder / "data" / "loyalty.db"
    all_cards = cards.read_bytes()
    with closing(sqlite3.connect(cards)) as few:
        few.execute("DELETE FROM cards WHERE rowid > 8")
        few.commit()
    run_once(folder)
    first = messages(folder).keys()
    dump = tmp_path / "store.dump"
    _tool(store, "pg_dump", "--schema=dumped", "--format=custom", f"--file={dump}")
    cards.write_bytes(all_cards)
    run_once(folder)
    sent = messages(folder)
    assert sent.keys() > first, "more went out after the dump"
    store.run("DROP SCHEMA dumped CASCADE")
    _tool(store, "pg_restore", "--dbname=postgres", str(dump))
    code, _, err = inside("run", str(folder), "--once")
    assert code == Exit.STORE and "--accept-state" in err
    assert messages(folder) == sent
    code, _, err = inside("run", str(folder), "--once", "--accept-state")
    assert code == Exit.DELIVERY and "kept as `uncertain` and not sent again" in err
    assert messages(folder).keys() == sent.keys()


def _tool(store: PostgresStore, name: str, *arguments: str) -> None:
    found = binary(name)
    assert found is not None, f"{name} is installed with the server"
    place = ["--host", str(store.folder), "--username", "cij"]
    where = [] if any(a.startswith("--dbname") for a in arguments) else ["postgres"]
    subprocess.run([found, *place, *arguments, *where], check=True, capture_output=True)


def test_a_text_with_a_character_that_no_table_takes_is_kept_readable(store: PostgresStore) -> None:
    with closing(_open(store, "odd")) as engine, closing(open_engine(None)) as duck:
        engine.execute(query("CREATE TABLE IF NOT EXISTS said (text VARCHAR)"))
        engine.append("said", {"text": ["a\x00b"]})
        engine.append("said", duck.stream(query("SELECT CONCAT('c', CHR(0)) AS text")))
        engine.execute(query("INSERT INTO said (text) VALUES ($x)"), {"x": "\x00"})
        said = query("SELECT s.text FROM said AS s ORDER BY s.text")
        assert engine.rows(said) == [("a\ufffdb",), ("c\ufffd",), ("\ufffd",)]


def test_an_event_names_a_customer_by_a_text_of_any_form(store: PostgresStore) -> None:
    texts = ["ana@example.com", "shop:1", "shop:9", "shop", ":", "ana"]
    with closing(_open(store, "who")) as engine:
        prepare(engine)
        engine.append("customer_alias", {"alias": ["ana"], "customer": ["c1"]})
        engine.append("customer_key", {"source": ["shop"], "key": ["1"], "customer": ["c1"]})
        engine.execute(query("CREATE TABLE customer (id TEXT)"))
        engine.append("customer", {"id": ["c1"]})
        rows = engine.rows(WHO, {"who": json.dumps(texts)})
    assert {text: id for text, id in rows} == dict.fromkeys(texts) | {"shop:1": "c1", "ana": "c1"}


# --- the command line -------------------------------------------------------------------------

_WHO = "chloe.dubois@example.com"


@pytest.mark.slow
def test_commands_work_on_a_server_as_on_a_file(
    store: PostgresStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, shared = on_file_and_server(store, tmp_path, "command", monkeypatch)
    assert inside("status", str(shared))[0] == Exit.CONFIG, "nothing has run here yet"
    for each in (file, shared):
        run_once(each)
    mails = [by_recipient(messages(project).values()) for project in (file, shared)]
    assert mails[0] == mails[1] and len(mails[0]) == 11
    with closing(_open(store, "command")):
        # Questions are answered while another process writes; a second run is refused.
        for question in (["status"], ["timeline", _WHO], ["why", _WHO, "loyalty_reward"]):
            folder = [str(shared)] if question == ["status"] else ["--project", str(shared)]
            code, _, err = inside(*question, *folder)
            assert code == 0, err
        code, out, _ = inside("doctor", str(shared))
        assert code == 0 and "the schema command on the server has a store" in out
        code, _, err = inside("run", str(shared), "--once")
        assert code == Exit.STORE and "writes to the store since" in err
    code, _, err = inside("backup", str(shared))
    assert code == Exit.CONFIG and "pg_dump" in err
    run_once(shared)
    assert len(messages(shared)) == 11, "nothing goes out twice"
