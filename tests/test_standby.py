"""A run that loses its connection goes on, and a standby takes over from one that is gone."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from cij.app import writer_turn
from cij.app.check_cache import ask
from cij.app.compile import compile_path
from cij.cli import taking_over
from cij.cli.exits import Exit
from cij.compiler.sql import query
from cij.runtime.engine import Engine, open_engine
from cij.runtime.errors import StoreLost
from tests.cutting_proxy import cutting_proxy
from tests.engines import dsn_of, end_writer, put_on_server
from tests.example import (
    CIJ,
    add_people,
    by_recipient,
    copy_example,
    environment,
    eventually,
    inside,
    messages,
    replace as replace_text,
    running,
)
from tests.postgres import PostgresStore, server


@pytest.fixture(scope="module", name="store")
def _store() -> Iterator[PostgresStore]:
    with server() as store:
        yield store


# From the end of the first to the second that runs: 1.5 s beside four busy processes on two cores.
_TAKEN_OVER_S = 10.0


@contextmanager
def _standby(project: Path, said: Path, waits_for: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Give a second run that has said for which process it waits."""
    with said.open("w") as file:
        process = subprocess.Popen(
            [*CIJ, "run", str(project), "--poll", "0.2", "--standby"],
            stdout=subprocess.DEVNULL,
            stderr=file,
            env=environment(),
        )
    try:
        who = f"waiting: `cij writer, process {waits_for}"
        eventually(lambda: who in said.read_text(encoding="utf-8"), "the second waits")
        yield process
    finally:
        process.kill()
        process.wait()


def _taken_over(said: Path, began: float) -> None:
    eventually(lambda: "; Ctrl-C stops" in said.read_text(encoding="utf-8"), "it runs")
    assert time.monotonic() - began < _TAKEN_OVER_S


@pytest.mark.slow
def test_a_run_survives_its_connection_and_a_standby_survives_the_run(
    store: PostgresStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = copy_example(tmp_path)
    code, _, err = inside("run", str(project), "--standby")
    assert code == Exit.CONFIG and "a store on a server" in err
    put_on_server(project, "turns")

    def sent(count: int) -> None:
        eventually(lambda: len(messages(project)) == count, f"there are {count} messages")

    with cutting_proxy(tmp_path / "way", store.folder) as way:
        monkeypatch.setenv("CIJ_STORE_DSN", dsn_of(store, way.folder))
        with running(project) as first:
            end_writer(store, "turns")
            add_people(project, 1)
            sent(19)
            assert first.poll() is None, "it goes on"
            monkeypatch.setenv("CIJ_STORE_DSN", dsn_of(store))
            with _standby(project, tmp_path / "second", first.pid) as second:
                began = time.monotonic()
                way.cut()
                _taken_over(tmp_path / "second", began)
                first.kill()
                with _standby(project, tmp_path / "third", second.pid) as third:
                    began = time.monotonic()
                    second.kill()
                    # The files are read as they are when the turn has come.
                    add_people(project, 2)
                    _taken_over(tmp_path / "third", began)
                    sent(27)
                    third.terminate()
                    assert third.wait(30) == 0
    by_recipient(messages(project).values())


def _turn(project: Path, engine: Engine) -> writer_turn.Turn:
    compiled = compile_path(project)
    return writer_turn.Turn(ask(project), compiled, engine, compiled.project.settings.store)


def test_a_store_that_cij_toml_names_anew_is_the_one_that_is_used(tmp_path: Path) -> None:
    project = copy_example(tmp_path)
    engine = open_engine(None)
    turn = _turn(project, engine)
    assert turn.engine_of(turn.compiled_as(ask(project)).project) is engine
    replace_text(project / "cij.toml", ".cij/state.duckdb", ".cij/other.duckdb")
    with closing(turn.engine_of(turn.compiled_as(ask(project)).project)) as other:
        assert other is not engine and (project / ".cij" / "other.duckdb").exists()
    with pytest.raises(Exception, match="closed"):
        engine.rows(query("SELECT 1"))


def test_a_transaction_that_loses_its_session_is_made_again_and_no_more_than_some_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking_over, "PAUSES_S", (0.0,))
    project = copy_example(tmp_path)
    with closing(open_engine(None)) as engine:
        turn = _turn(project, engine)
    monkeypatch.setattr(writer_turn, "wait_for_turn", lambda *_: turn)
    tries = 0
    turns = taking_over.Turns(project, is_standby=False, is_once=True)
    with pytest.raises(StoreLost):
        while turns.wait():
            with turns.taken():
                tries += 1
                raise StoreLost("the connection was lost")
    assert tries == 4
