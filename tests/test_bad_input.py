"""Whatever the world does wrong gets one clear message and its exit code, and harms nothing.

Each case starts from a project that has run well, breaks one thing, and runs again: the state is
as it was. Then the thing is mended, and the run goes on as if nothing had happened.
"""

import shutil
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.handlers import Message as MessageHandler

from cij.cli.exits import Exit
from cij.compiler.sql import query
from cij.runtime.engine import open_engine
from tests.example import cij, copy_example, delivered, inside, messages, replace, run_once, status
from tests.mail_server import MailServer

Break = Callable[[Path], None]
_MARK = "cij: error: "


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has run once, to be copied."""
    project = copy_example(tmp_path_factory.mktemp("ran"))
    run_once(project)
    return project


@pytest.fixture
def project(ran: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(ran, tmp_path / "loyalty"))


def refused(project: Path, code: Exit, *words: str) -> str:
    """Run, which has to fail with one message that has all `words`; returns the message."""
    found, out, err = inside("run", str(project), "--once")
    assert (found, out) == (code, ""), err
    assert err.startswith(_MARK) and err.count("cij:") == 1, err
    assert "Traceback" not in err
    assert not [word for word in words if word not in err], err
    return err


def aside(project: Path, *words: str) -> None:
    """Run, with a source that fails: everything else is done, and the reason is shown (S28)."""
    code, out, err = inside("run", str(project), "--once")
    assert code == Exit.DATA and "Customers" in out, err
    assert err.startswith(_MARK) and err.count("cij:") == 1, err
    [failed] = status(project)["failed"]
    assert failed["kind"] == "source" and failed["reason"] in err
    assert not [word for word in words if word not in failed["reason"]], err


def shop(project: Path) -> Path:
    return project / "data" / "shop_customers.csv"


def rows_of(project: Path, text: str) -> list[tuple[Any, ...]]:
    """Read the state file."""
    engine = open_engine(project / ".cij" / "state.duckdb")
    try:
        return engine.rows(query(text))
    finally:
        engine.close()


# --- sources ----------------------------------------------------------------------------------


def _remove_orders(project: Path) -> None:
    (project / "data" / "orders.csv").unlink()


def _rename_column(project: Path) -> None:
    replace(shop(project), "lang,zone,", "lang,zones,")


def _rename_sqlite_column(project: Path) -> None:
    with closing(sqlite3.connect(project / "data" / "loyalty.db")) as cards:
        cards.execute("ALTER TABLE cards RENAME COLUMN points TO score")


def _rename_sqlite_table(project: Path) -> None:
    with closing(sqlite3.connect(project / "data" / "loyalty.db")) as cards:
        cards.execute("ALTER TABLE cards RENAME TO card")


def _add(line: str) -> Break:
    def add(project: Path) -> None:
        with shop(project).open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    return add


def _empty(project: Path) -> None:
    shop(project).write_bytes(b"")


def _write_latin(project: Path) -> None:
    shop(project).write_bytes(shop(project).read_text("utf-8").encode("latin-1", "replace"))


def _write_text_as_database(project: Path) -> None:
    (project / "data" / "loyalty.db").write_text("this is a letter and not a database\n" * 100)


def _put_semicolons(project: Path) -> None:
    shop(project).write_text(shop(project).read_text("utf-8").replace(",", ";"), "utf-8")


def _put_folder(project: Path) -> None:
    shop(project).unlink()
    shop(project).mkdir()


BROKEN_SOURCES: dict[str, tuple[Break, tuple[str, ...]]] = {
    "no file": (
        _remove_orders,
        ("source orders: there is no file data/orders.csv", "journeys/data.journey:3"),
    ),
    "a folder": (_put_folder, ("source shop: data/shop_customers.csv is not a file",)),
    "no column": (_rename_column, ('has no column "zone"; did you mean "zones"?',)),
    "another delimiter": (_put_semicolons, ('set delimiter = ";"',)),
    "no column of a table": (
        _rename_sqlite_column,
        ('table cards of data/loyalty.db has no column "points"',),
    ),
    "no table": (_rename_sqlite_table, ('has no table "cards"; it has card',)),
    "too few cells": (
        _add("C-50,Nina"),
        ("1 of 17 rows are bad, more than the 1%", "shop_customers.csv:18: too few columns"),
    ),
    "a cell that does not fit": (
        _add("C-50,Nina,New,nina@example.com,en,,yes,yesterday"),
        ("shop_customers.csv:18: ", "registered_on", "yesterday"),
    ),
    "an open quote": (_add('C-50,"Nina,New,n@example.com,en,,yes,2026-01-01'), (":18: ", "quote")),
    "a key that is there": (
        _add("C-03,Nina,New,nina@example.com,en,,yes,2026-01-01"),
        ("the key customer_id is that of line 4 again (line 18)",),
    ),
    "no key": (_add(",Nina,New,n@example.com,en,,yes,2026-01-01"), (":18: ", "customer_id")),
    "an empty file": (_empty, ("shop_customers.csv is empty",)),
    "not UTF-8": (_write_latin, ("shop_customers.csv:2: ", "not UTF-8 at", "windows-1252")),
    "not a database": (_write_text_as_database, ("data/loyalty.db is not an SQLite database",)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BROKEN_SOURCES)
def test_a_broken_source_leaves_the_state_as_it_was(project: Path, name: str) -> None:
    harm, words = BROKEN_SOURCES[name]
    before, files = status(project), messages(project)
    shutil.copytree(project / "data", project / "good")
    harm(project)
    aside(project, *words)
    assert {**status(project), "failed": []} == before and messages(project) == files
    shutil.rmtree(project / "data")
    (project / "good").rename(project / "data")
    run_once(project)
    assert status(project) == before and messages(project) == files


@pytest.mark.slow
def test_a_locked_database_is_told_and_read_when_it_is_free(project: Path) -> None:
    before = status(project)
    with closing(sqlite3.connect(project / "data" / "loyalty.db", isolation_level=None)) as other:
        other.execute("UPDATE cards SET points = 5000 WHERE card_no = 'K-002'")
        other.execute("BEGIN EXCLUSIVE")
        aside(project, "data/loyalty.db is locked by another program")
        other.execute("ROLLBACK")
    assert {**status(project), "failed": []} == before
    assert dict(run_once(project)["segments"])["loyal"] == dict(before["segments"])["loyal"] + 1


def test_bad_rows_below_the_tolerance_are_put_aside_with_their_lines(project: Path) -> None:
    replace(project / "journeys" / "data.journey", '"data/shop_customers.csv"\n', _TOLERANT)
    _add('C-50,"Ni\nna",New,nina@example.com,en,,yes,2026-01-01')(project)
    _add("C-51,Otto")(project)
    _add("C-52,Paula,New,paula@example.com,en,,yes,soon")(project)
    _add("C-50,Nina,Again,again@example.com,en,,yes,2026-01-01")(project)
    report = run_once(project, Exit.ASIDE)
    assert {"source": "shop", "rows": 17, "bad": 3, "waiting": 0} in report["sources"]
    found = rows_of(project, "SELECT q.line, q.reason FROM quarantine AS q ORDER BY q.line")
    assert [line for line, _ in found] == [20, 21, 22]
    assert [word in reason for word, (_, reason) in zip(_REASONS, found, strict=True)] == [True] * 3
    assert report["profiles"] == 20


_TOLERANT = '"data/shop_customers.csv"\n  tolerate = 20%\n'
_REASONS = ("too few columns", "soon", "that of line 18 again")


@pytest.mark.slow
def test_an_unknown_zone_of_a_customer_counts_as_none(project: Path) -> None:
    fresh = copy_example(project.parent / "fresh")
    replace(shop(fresh), "Asia/Tokyo", "Mars/Olympus")
    report = run_once(fresh)
    assert delivered(report) == {"delivered": 11, "no_address": 1}
    text = "SELECT c.zone FROM customer AS c WHERE c.email = 'hiroshi@example.jp'"
    assert rows_of(fresh, text) == [("Europe/Madrid",)]


# --- templates --------------------------------------------------------------------------------


def _line_of(file: Path, piece: str) -> int:
    return file.read_text("utf-8").split(piece)[0].count("\n") + 1


@pytest.mark.parametrize(
    ("file", "old"),
    [("journeys/loyalty.journey", "reward, {{ first_name"), ("content/loyal20.es.md", "{{ points")],
)
def test_an_unknown_field_in_a_template_is_shown_at_its_place(
    project: Path, file: str, old: str
) -> None:
    before = status(project)
    path = project / file
    replace(path, old, old.replace("first_name", "frist_name").replace("points", "pointz"))
    code, out, err = inside("run", str(project), "--once")
    assert (code, out) == (Exit.ERRORS, "")
    name = "frist_name" if "frist_name" in path.read_text("utf-8") else "pointz"
    assert f"{file}:{_line_of(path, name)}:" in err, err
    assert err.count("error[") == 1 and f"`{name}`" in err and "Traceback" not in err
    replace(path, name, "points" if name == "pointz" else "first_name")
    assert status(project) == before


# --- cij.toml ---------------------------------------------------------------------------------

BROKEN_SETTINGS: dict[str, tuple[str, str, str]] = {
    "broken": ('name = "loyalty"', 'name = "loyalty', "cij.toml is not valid TOML"),
    "an unknown key": ('language = "en"', 'langauge = "en"', "cij.toml:4: `langauge` is not"),
    "an unknown table": ("[store]", "[stroe]", "`stroe` is not a setting"),
    "an unknown zone": ("Europe/Madrid", "Europe/Madird", "did you mean `Europe/Madrid`?"),
    "outside": ('folder = "outbox"', 'folder = "../outbox"', "outside of the project"),
    "no variable": ('folder = "outbox"', 'folder = "env:CIJ_NO_SUCH"', "CIJ_NO_SUCH is not set"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BROKEN_SETTINGS)
def test_broken_settings_are_told_with_their_line(project: Path, name: str) -> None:
    old, new, words = BROKEN_SETTINGS[name]
    before = status(project)
    replace(project / "cij.toml", old, new)
    refused(project, Exit.CONFIG, words)
    replace(project / "cij.toml", new, old)
    assert status(project) == before


def test_a_folder_without_settings_is_no_project(project: Path) -> None:
    (project / "cij.toml").unlink()
    refused(project, Exit.CONFIG, "no cij.toml in", "cij new")


# --- the state file ---------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("kept", [0.0, 0.5])
def test_a_damaged_state_file_is_told_and_left_alone(project: Path, kept: float) -> None:
    file = project / ".cij" / "state.duckdb"
    good = file.read_bytes()
    size = int(len(good) * kept)
    bad = good[:size] + bytes(n % 251 for n in range(len(good) - size))
    file.write_bytes(bad)
    refused(project, Exit.STORE, "state.duckdb")
    assert file.read_bytes() == bad
    file.write_bytes(good)
    run_once(project)


def test_the_state_of_a_newer_version_is_not_touched(project: Path) -> None:
    engine = open_engine(project / ".cij" / "state.duckdb")
    engine.execute(query("UPDATE meta SET value = '99' WHERE name = 'store_version'"))
    engine.close()
    refused(project, Exit.STORE, "the state is of version 99")
    assert cij("status", project).returncode == Exit.STORE
    engine = open_engine(project / ".cij" / "state.duckdb")
    engine.execute(query("UPDATE meta SET value = '3' WHERE name = 'store_version'"))
    engine.close()
    run_once(project)


def test_a_folder_in_place_of_the_state_file_is_told(project: Path) -> None:
    file = project / ".cij" / "state.duckdb"
    file.unlink()
    file.mkdir()
    refused(project, Exit.STORE, "state.duckdb")


# --- delivery ---------------------------------------------------------------------------------


def down(project: Path, *words: str) -> None:
    """Run, which has to end as undelivered, with one message that says why."""
    done = cij("run", project, "--once")
    assert done.returncode == Exit.DELIVERY
    assert [done.stderr.count(word) for word in words] == [1] * len(words), done.stderr
    assert "Traceback" not in done.stderr
    assert delivered(status(project)) == {"queued": 11, "no_address": 1}


@pytest.mark.slow
def test_an_outbox_that_cannot_be_written_keeps_the_messages_waiting(tmp_path: Path) -> None:
    project = copy_example(tmp_path)
    (project / "outbox").write_text("in the way")
    down(project, "cannot write messages into")
    (project / "outbox").unlink()
    assert delivered(run_once(project)) == {"delivered": 11, "no_address": 1}
    assert len(messages(project)) == 11


class Counting(MessageHandler):
    """Keeps the Message-IDs that the server got."""

    def __init__(self) -> None:
        super().__init__()
        self.got: list[str] = []

    def handle_message(self, message: Any) -> None:
        self.got.append(message["Message-ID"])


@pytest.mark.slow
def test_a_server_that_refuses_connections_keeps_the_messages_waiting(tmp_path: Path) -> None:
    project = copy_example(tmp_path)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port = int(holder.getsockname()[1])
        smtp = f'kind = "smtp"\nhost = "127.0.0.1"\nport = {port}\ntls = "none"\n'
        replace(project / "cij.toml", 'kind = "files"\nfolder = "outbox"\n', smtp)
        down(project, f"the mail server 127.0.0.1:{port} failed")
        before = status(project)
        down(project, f"the mail server 127.0.0.1:{port} failed")
        assert status(project) == before
    handler = Counting()
    controller = MailServer(handler, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        assert delivered(run_once(project)) == {"delivered": 11, "no_address": 1}
        assert delivered(run_once(project)) == {"delivered": 11, "no_address": 1}
    finally:
        controller.stop()
    assert len(handler.got) == len(set(handler.got)) == 11
