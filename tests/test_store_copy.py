"""`cij store copy`: a project goes on in the other kind of store, and nothing is sent twice."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Self

import pytest

from cij.app.store_copy import copy_store
from cij.app.store_places import place_of
from cij.cli.exits import Exit
from cij.compiler.sql import query
from cij.runtime.current_state import accept, identify, require_own
from cij.runtime.delivery.ledger import Ledger
from cij.runtime.engine import Engine, open_engine, open_server
from cij.runtime.errors import StoreError, WorldError
from cij.runtime.store import copy_store as tables, meta, sent_before
from cij.runtime.store.preparing import STORE_VERSION, prepare
from tests.engines import dsn_of, put_on_server
from tests.example import (
    add_people,
    by_recipient,
    copy_example,
    inside,
    messages,
    replace,
    run_once,
)
from tests.postgres import PostgresStore, server
from tests.whole_stores import contents

_HOLD = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
_NOW = datetime(2026, 3, 2)
_TO_SERVER, _TO_FILE = ("duckdb", "postgresql"), ("postgresql", "duckdb")


@pytest.fixture(scope="module", name="store")
def _store() -> Iterator[PostgresStore]:
    with server() as store:
        yield store


@contextmanager
def _held(state: Path) -> Iterator[None]:
    """Have another process that has a state file open."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(state)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield
        assert process.stdin is not None
        process.stdin.close()


def _copy(project: Path, words: tuple[str, str], *more: str) -> tuple[int, str, str]:
    return inside("store", "copy", *words, "--project", str(project), *more)


def _refused(project: Path, words: tuple[str, str], code: Exit, *parts: str) -> None:
    found, _, err = _copy(project, words)
    assert found == code and all(part in err for part in parts), err


def _files(project: Path) -> dict[str, bytes]:
    """Return the state file with its log and its ledger."""
    return {path.name: path.read_bytes() for path in (project / ".cij").glob("state.duckdb*")}


@pytest.mark.slow
def test_a_project_goes_to_a_server_and_back_as_one_that_stayed(
    store: PostgresStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIJ_STORE_DSN", dsn_of(store))
    moved = copy_example(tmp_path)
    run_once(moved)
    twin = Path(shutil.copytree(moved, tmp_path / "twin"))
    state, table = moved / ".cij" / "state.duckdb", 'path = ".cij/state.duckdb"'
    _refused(moved, _TO_SERVER, Exit.CONFIG, "[store] of cij.toml names no server")
    put_on_server(moved, "moved")
    # A run before the copy would send everything again.
    code, _, err = inside("run", str(moved), "--once")
    assert code == Exit.STORE and "this one is new" in err and "cij store copy" in err
    store.run("DROP SCHEMA moved CASCADE")
    with _held(state):
        _refused(moved, _TO_SERVER, Exit.STORE, "another `cij run` or program has")
    before = _files(moved)
    _breaks(store, moved, monkeypatch)
    with closing(open_server(dsn_of(store), "moved")):
        _refused(moved, _TO_SERVER, Exit.STORE, "writes to the store since")

    code, out, err = _copy(moved, _TO_SERVER, "--json")
    assert code == 0, err
    rows = {row["table"]: row["rows"] for row in json.loads(out)["tables"]}
    assert rows["passage_row"] == 12 and rows["outbox_row"] == 12 and len(rows) > 50
    assert _files(moved) == before, "the source is only read"
    with closing(open_engine(state, is_reader=True)) as duck, closing(_open(store)) as copied:
        assert contents(copied) == contents(duck)
    _refused(moved, _TO_SERVER, Exit.STORE, "is not empty", "the project `loyalty`")

    for each in (twin, moved):
        add_people(each, 1, 2)
        run_once(each)
    mails = [by_recipient(messages(each).values()) for each in (twin, moved)]
    assert mails[0] == mails[1] and len(mails[0]) == 13
    _refused(moved, _TO_FILE, Exit.STORE, "is not empty")
    server_table = 'kind = "postgresql"\ndsn = "env:CIJ_STORE_DSN"\nschema = "moved"'
    replace(moved / "cij.toml", server_table, table)
    code, _, err = inside("run", str(moved), "--once")
    assert code == Exit.STORE and "was moved to another store" in err
    replace(moved / "cij.toml", table, server_table)
    state.rename(tmp_path / "old.duckdb")

    code, out, err = _copy(moved, _TO_FILE)
    assert code == 0 and "the counts and digests of all tables are equal" in out, err
    with closing(open_engine(state, is_reader=True)) as duck, closing(_open(store)) as copied:
        assert contents(duck) == contents(copied)
    replace(moved / "cij.toml", server_table, table)
    assert run_once(moved)["messages"] and len(messages(moved)) == 13, "nothing goes out twice"


def _open(store: PostgresStore) -> Engine:
    return open_server(dsn_of(store), "moved", is_reader=True)


class _Wrong:
    """Finds another number of rows each time."""

    numbers = count(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def digest(self, *_: object, **__: object) -> tuple[int, str]:
        return next(self.numbers), "0"


def _breaks(store: PostgresStore, moved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copy so that a table differs, and find nothing of the copy."""
    with monkeypatch.context() as patched:
        patched.setattr(tables, "open_digests", _Wrong)
        parts = ("the copy of the table `", "` differs: ", "Nothing of the copy was kept")
        _refused(moved, _TO_SERVER, Exit.STORE, *parts)
    with closing(_open(store)) as engine:
        assert engine.tables() == []
    assert not [*(moved / ".cij").glob("store-*")], "nor its ledger"


# --- what is refused ----------------------------------------------------------------------------

_TOML = """
[project]
name = "small"
timezone = "UTC"

[env.next.store]
path = ".cij/next.duckdb"

[env.far.store]
kind = "postgresql"
dsn = "env:CIJ_STORE_DSN"
schema = "far"
"""


def _project(folder: Path) -> tuple[Path, Path]:
    """Make a project with a store that has sent one batch; return its folder and the state file."""
    state = folder / ".cij" / "state.duckdb"
    state.parent.mkdir(parents=True)
    (folder / "cij.toml").write_text(_TOML)
    with closing(open_engine(state)) as engine:
        prepare(engine)
        identify(engine, "small", _NOW)
        meta.put(engine, meta.HANDED, "1")
        engine.append("quarantine", {"source": ["a"], "line": [1], "content": ["x\x00\u00e9"]})
        store = meta.value(engine, meta.STORE_ID) or ""
    with closing(Ledger(state.with_name("state.duckdb.ledger"))) as ledger:
        ledger.note(store, 1, (), _NOW)
    return folder, state


def _put(state: Path, name: str, value: str) -> None:
    with closing(open_engine(state)) as engine:
        meta.put(engine, name, value)


def _raised(project: Path, source: str, target: str) -> str:
    with pytest.raises(WorldError) as caught:
        copy_store(project, source, target, lambda *_: None)
    return f"{type(caught.value).__name__}: {caught.value}"


def test_words_name_stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIJ_STORE_DSN", "host=nowhere")
    project, state = _project(tmp_path)
    assert place_of("duckdb", project).path == state
    assert place_of("next", project).path == state.with_name("next.duckdb")
    far = place_of("far", project)
    assert str(far) == "the schema `far` on the server" and far.folder == state.parent / "far"
    assert far.ledger().path == state.parent / "far" / "store-far.ledger"
    monkeypatch.setenv("CIJ_ENV", "far")
    assert place_of("postgresql", project).store_key == far.store_key
    assert place_of("duckdb", project).path == state.parent / "far" / "state.duckdb"
    assert _raised(project, "far", "postgresql").startswith(
        "ConfigError: `far` and `postgresql` are"
    )
    monkeypatch.delenv("CIJ_ENV")
    assert "no environment of cij.toml and no kind of store" in _raised(project, "duckdb", "nxt")


def test_what_must_not_be_copied_is_refused(tmp_path: Path) -> None:
    project, state = _project(tmp_path)
    new = state.with_name("next.duckdb")
    assert "nothing has run in the state file" in _raised(project, "next", "duckdb")
    for name, right, wrong, why in (
        (meta.STORE_VERSION, STORE_VERSION, "3", "`cij run --once` brings it up to date"),
        (meta.STORE_VERSION, STORE_VERSION, "999", "the state is of version 999"),
        (meta.PROJECT, "small", "other", "belongs to the project `other`"),
        (meta.HANDED, "1", "0", "the state is older than what was sent from it"),
    ):
        _put(state, name, wrong)
        assert why in _raised(project, "duckdb", "next")
        _put(state, name, right)
    waits = state.parent / "inbox" / "a.jsonl"
    waits.parent.mkdir()
    waits.write_text("{}\n")
    assert "events or orders wait in" in _raised(project, "duckdb", "next")
    waits.unlink()
    log = new.with_name("next.duckdb.wal")
    log.write_text("of another state")
    assert "the log of another state file is there" in _raised(project, "duckdb", "next")
    log.unlink()
    new.write_text("no state file")
    assert _raised(project, "duckdb", "next").startswith("StoreError: cannot open the state file")
    new.unlink()
    ledger = new.with_name("next.duckdb.ledger")
    for text, why in (("other", "messages were sent from another store"), (None, "more was sent")):
        line = {"store": text or _id(state), "handed": 2, "at": "2026-03-02T00:00:00", "marks": []}
        ledger.write_text(json.dumps(line) + "\n")
        assert why in _raised(project, "duckdb", "next")
    ledger.unlink()
    assert sorted(p.name for p in state.parent.iterdir() if p.is_file()) == [
        "state.duckdb",
        "state.duckdb.ledger",
    ], "nothing is left of what was refused"

    made = copy_store(project, "duckdb", "next", lambda *_: None)
    assert {t.rows for t in made.tables if t.name == "quarantine"} == {1}
    with closing(open_engine(state)) as old, closing(open_engine(new)) as copied:
        assert contents(old) == contents(copied)
    assert ledger.read_bytes() == state.with_name("state.duckdb.ledger").read_bytes()
    assert "is not empty: it has the store of the project `small`" in _raised(
        project, "duckdb", "next"
    )


def _id(state: Path) -> str:
    with closing(open_engine(state)) as engine:
        return meta.value(engine, meta.STORE_ID) or ""


def test_a_text_that_no_server_takes_is_copied_as_it_is_kept_there(
    store: PostgresStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIJ_STORE_DSN", dsn_of(store))
    project, state = _project(tmp_path)
    own = query("CREATE TABLE IF NOT EXISTS own (n UUID)")
    with closing(open_engine(state)) as duck:
        duck.execute(own)
    assert "`own` has the type UUID" in _raised(project, "duckdb", "far")
    with closing(open_engine(state)) as duck:
        duck.execute(query("DROP TABLE own"))
    copy_store(project, "duckdb", "far", lambda *_: None)
    with closing(open_server(dsn_of(store), "far", is_reader=True)) as engine:
        ((*_, content, _at),) = engine.rows(tables.all_rows(engine, "quarantine"))
        assert content == "x\ufffd\u00e9"


def test_going_on_with_the_store_that_was_left_sends_nothing_again(tmp_path: Path) -> None:
    _, state = _project(tmp_path)
    own = Ledger(state.with_name("state.duckdb.ledger"))
    others = [Ledger(state.with_name(f"store-{name}.ledger")) for name in ("copy", "stranger")]
    for ledger, store, marks in zip(
        others, (_id(state), "other"), (["a", "b"], ["c"]), strict=True
    ):
        line = {"store": store, "handed": 2, "at": "2026-03-02T00:00:00", "marks": marks}
        assert ledger.path is not None
        ledger.path.write_text(json.dumps(line) + "\n")
    with closing(open_engine(state)) as engine, closing(own):
        require_own(engine, "small", own, others[1:])
        with pytest.raises(StoreError, match="was moved to another store"):
            require_own(engine, "small", own, others)
        assert accept(engine, "small", own, _NOW, others) == 2
        require_own(engine, "small", own, others)
        assert sent_before.known(engine, '["a", "b", "c"]') == {"a", "b"}
