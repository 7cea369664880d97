"""A state that went back, is a copy, or belongs to somebody else: it is refused, and nothing goes twice."""

import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from cij.app.backup import back_up
from cij.cli.exits import Exit
from cij.compiler.sql import query
from cij.runtime.current_state import accept, fault_of, require_own
from cij.runtime.delivery import Defaults
from cij.runtime.delivery.ledger import Ledger
from cij.runtime.engine import open_engine
from cij.runtime.errors import ConfigError, StoreError
from cij.runtime.runner import Runner, open_runner, step
from cij.runtime.store import meta
from cij.runtime.store.preparing import STORE_VERSION
from tests.attack.hostile_smtp import HostileSmtp, serving
from tests.attack.outbox_bed import JOURNEY, NOW, outcomes, smtp
from tests.example import add_people, copy_example, inside, messages
from tests.testbed import TestBed

DAY = timedelta(days=1)


@contextmanager
def run(folder: Path, port: int, people: range) -> Iterator[Runner]:
    """Open the state of a folder as a run does, with some more customers."""
    engine = open_engine(folder / "state.duckdb", threads=1)
    ledger = Ledger(folder / "state.duckdb.ledger")
    with closing(engine):
        require_own(engine, "bed", ledger)
        bed = TestBed(JOURNEY, NOW - DAY, engine)
        bed.people(*(f"c{i:03}" for i in people))
        ways = {"email": smtp(port)}
        runner, _ = open_runner(
            engine, bed.world.program, folder, ways, Defaults(), NOW - DAY, ledger
        )
        yield runner
        runner.dispatch.leave()


@pytest.mark.slow
def test_a_state_that_went_back_is_refused_and_sends_nothing_twice(tmp_path: Path) -> None:
    copy = tmp_path / "copy.duckdb"
    with serving(HostileSmtp()) as server:
        with run(tmp_path, server.port, range(5)) as runner:
            step(runner, NOW, with_refresh=False)
        shutil.copy(tmp_path / "state.duckdb", copy)
        with run(tmp_path, server.port, range(5, 9)) as runner:
            step(runner, NOW + DAY, with_refresh=False)
        assert len(server.got) == 9
        shutil.copy(copy, tmp_path / "state.duckdb")
        with (
            pytest.raises(StoreError, match=r"knows 1 batches of messages, and 2 were handed over"),
            run(tmp_path, server.port, range(0)),
        ):
            pass
        ledger = Ledger(tmp_path / "state.duckdb.ledger")
        with closing(open_engine(tmp_path / "state.duckdb")) as engine:
            assert accept(engine, "bed", ledger, NOW) == 4
        ledger.close()
        # The same people come again, and one who is new.
        with run(tmp_path, server.port, range(5, 10)) as runner:
            step(runner, NOW + 2 * DAY, with_refresh=False)
            assert outcomes(runner) == {"delivered": 6, "uncertain": 4}
            assert runner.world.engine.is_empty("sent_before")
        assert len(server.got) == len(set(server.got)) == 10
        # And now the newer one must not come back.
        shutil.copy(copy, tmp_path / "state.duckdb")
        with pytest.raises(StoreError), run(tmp_path, server.port, range(0)):
            pass


@pytest.mark.slow
def test_a_state_that_goes_the_same_way_again_gives_the_same_message_ids(tmp_path: Path) -> None:
    with serving(HostileSmtp()) as server:
        with run(tmp_path, server.port, range(3)):
            pass
        for day, name in enumerate(("one", "two")):
            folder = tmp_path / name
            folder.mkdir()
            shutil.copy(tmp_path / "state.duckdb", folder)
            with run(folder, server.port, range(0)) as runner:
                step(runner, NOW + day * DAY, with_refresh=False)
    assert len(server.ids) == 6
    assert sorted(server.ids[:3]) == sorted(server.ids[3:])


def test_a_copy_without_its_ledger_is_refused(tmp_path: Path) -> None:
    with serving(HostileSmtp()) as server:
        with run(tmp_path, server.port, range(3)) as runner:
            step(runner, NOW, with_refresh=False)
        (tmp_path / "state.duckdb.ledger").unlink()
        with pytest.raises(StoreError, match="no ledger"), run(tmp_path, server.port, range(0)):
            pass


def test_a_state_that_is_gone_is_missed(tmp_path: Path) -> None:
    with serving(HostileSmtp()) as server:
        with run(tmp_path, server.port, range(3)) as runner:
            step(runner, NOW, with_refresh=False)
        (tmp_path / "state.duckdb").unlink()
        with pytest.raises(StoreError, match="is gone"), run(tmp_path, server.port, range(0)):
            pass


@pytest.mark.slow
def test_a_claim_that_never_left_is_no_fault(tmp_path: Path) -> None:
    with serving(HostileSmtp()) as server:
        for day in range(2):
            with run(tmp_path, server.port, range(3 * day, 3 * day + 3)) as runner:
                step(runner, NOW + day * DAY, with_refresh=False)
        # The last line is torn, as by a crash: nothing of that batch had left.
        file = tmp_path / "state.duckdb.ledger"
        file.write_bytes(file.read_bytes()[:-9])
        with run(tmp_path, server.port, range(6, 8)) as runner:
            step(runner, NOW + 3 * DAY, with_refresh=False)
    assert [line[:1] for line in file.read_bytes().split(b"\n")] == [b"{", b"{", b""]
    last = Ledger(file).last()
    assert last is not None and last.handed == 3


@pytest.mark.parametrize("is_ours", [True, False])
def test_a_state_of_somebody_else_is_refused(tmp_path: Path, is_ours: bool) -> None:
    path = tmp_path / "state.duckdb"
    if is_ours:
        with serving(HostileSmtp()) as server, run(tmp_path, server.port, range(0)):
            pass
    else:
        with duckdb.connect(str(path)) as other:
            other.execute("CREATE TABLE sales (a INTEGER)")
    with closing(open_engine(path)) as engine:
        why = fault_of(engine, "shop", Ledger(None)) or ""
    assert ("belongs to the project `bed`" if is_ours else "none of them is of cij") in why


@pytest.mark.slow
def test_a_run_says_what_to_do_and_goes_on_when_told(tmp_path: Path) -> None:
    project = copy_example(tmp_path)
    state, log = (project / ".cij" / name for name in ("state.duckdb", "state.duckdb.wal"))
    assert inside("run", str(project), "--once")[0] == Exit.OK
    sent = messages(project)
    state.unlink()
    log.unlink(missing_ok=True)
    code, _, said = inside("run", str(project), "--once")
    assert code == Exit.STORE and "--accept-state" in said
    assert messages(project) == sent
    code, _, said = inside("run", str(project), "--once", "--accept-state")
    assert f"{len(sent)} messages that a newer one had sent" in said
    assert messages(project) == sent


# --- backups ----------------------------------------------------------------------------------


def test_a_backup_is_whole_and_private_also_while_the_state_is_open(tmp_path: Path) -> None:
    (tmp_path / "cij.toml").write_text('[project]\nname = "bed"\ntimezone = "UTC"\n')
    (tmp_path / ".cij").mkdir()
    with serving(HostileSmtp()) as server, run(tmp_path / ".cij", server.port, range(9)) as runner:
        step(runner, NOW, with_refresh=False)
        made = back_up(tmp_path, None)
        assert made.path.stat().st_mode & 0o777 == 0o600
        with pytest.raises(ConfigError, match="exists already"):
            back_up(tmp_path, made.path)
    with closing(open_engine(made.path)) as engine:
        rows = engine.rows(query("SELECT COUNT(*) FROM outbox AS o WHERE o.outcome = 'delivered'"))
        assert rows == [(9,)]
    # The log of the copy was folded into it.
    assert [p.name for p in made.path.parent.iterdir()] == [made.path.name]


@pytest.mark.slow
def test_a_backup_that_is_put_back_sends_nothing_twice(tmp_path: Path) -> None:
    project = copy_example(tmp_path)
    inside("run", str(project), "--once")
    backup = tmp_path / "backup.duckdb"
    assert inside("backup", str(project), "--to", str(backup))[0] == Exit.OK
    add_people(project, 1)
    inside("run", str(project), "--once")
    sent = messages(project)
    code, said, _ = inside("restore", str(backup), str(project))
    assert code == Exit.OK and "messages were sent since then" in said
    assert inside("run", str(project), "--once")[0] in (Exit.OK, Exit.DELIVERY)
    assert messages(project) == sent
    other = tmp_path / "other.duckdb"
    other.write_bytes(b"no state" * 1000)
    assert inside("restore", str(other), str(project))[0] == Exit.STORE


@pytest.mark.slow
def test_the_doctor_says_ok_only_of_a_state_that_a_run_can_use(tmp_path: Path) -> None:
    project = copy_example(tmp_path)
    inside("run", str(project), "--once")
    assert "ok    state" in inside("doctor", str(project))[1]
    state = project / ".cij" / "state.duckdb"
    with closing(open_engine(state)) as engine:
        meta.put(engine, meta.STORE_VERSION, "99")
    assert "fail  state" in inside("doctor", str(project))[1]
    with closing(open_engine(state)) as engine:
        meta.put(engine, meta.STORE_VERSION, STORE_VERSION)
        meta.put(engine, meta.HANDED, "0")
    assert "fail  state" in inside("doctor", str(project))[1]
    state.unlink()
    assert "fail  state" in inside("doctor", str(project))[1]


@pytest.mark.slow
def test_questions_need_read_access_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = copy_example(tmp_path)
    inside("run", str(project), "--once")
    state = project / ".cij" / "state.duckdb"
    before = state.read_bytes()
    # The tests may run as root, who may do everything.
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    assert inside("status", str(project))[0] == Exit.OK
    place = ["chloe.dubois@example.com", "--project", str(project)]
    for question in (["timeline", *place], ["why", place[0], "loyalty_reward", *place[1:]]):
        code, _, said = inside(*question)
        assert code == Exit.OK, said
    assert state.read_bytes() == before


def test_a_long_ledger_begins_a_new_file_while_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cij.runtime.delivery.ledger.BYTES_MAX", 300)
    ledger = Ledger(tmp_path / "ledger")
    with closing(ledger):
        for number in range(1, 30):
            ledger.note("store", number, (), NOW)
            last = ledger.last()
            assert last is not None and last.handed == number
    assert all(file.stat().st_size < 600 for file in tmp_path.iterdir())
    assert len(list(tmp_path.iterdir())) == 2
