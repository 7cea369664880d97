"""Nothing leaks: files are private, links lead nowhere, and no output tells what it must not (M7, M8, M12, M13)."""

import io
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from cij.app.atomic_write import write_atomically
from cij.app.config import load_settings
from cij.app.status_file import NAME as STATUS
from cij.cli.exits import Exit
from cij.cli.output import shown
from cij.runtime.delivery import FileSettings, RowSettings, open_transport
from cij.runtime.engine import open_engine
from cij.runtime.engine.duckdb.connection import DuckEngine
from cij.runtime.errors import ConfigError, StoreError
from cij.runtime.inbox import hand_in
from tests.example import copy_example, inside
from tests.receiver import prepared

OTHERS = stat.S_IRWXG | stat.S_IRWXO


@pytest.mark.slow
def test_what_a_run_leaves_is_private(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        project = copy_example(tmp_path)
        # As an older version made it.
        (project / ".cij").mkdir(mode=0o755, exist_ok=True)
        (project / ".cij").chmod(0o755)
        inside("run", str(project), "--once")
        hand_in(project, [{"event": "visit", "customer": "ana"}])
        inside("backup", str(project))
    finally:
        os.umask(before)
    made = [
        p for name in (".cij", "outbox") for p in [project / name, *(project / name).rglob("*")]
    ]
    assert len(made) > 20
    assert not [p for p in made if p.stat().st_mode & OTHERS and p.name != "program.json"]
    assert (project / "cij.toml").stat().st_mode & OTHERS


@pytest.mark.parametrize("name", [".cij/inbox", ".cij"])
def test_an_inbox_behind_a_link_is_not_used(tmp_path: Path, name: str) -> None:
    root, outside = tmp_path / "project", tmp_path / "outside"
    outside.mkdir()
    link = root / name
    link.parent.mkdir(parents=True)
    link.symlink_to(outside)
    with pytest.raises(ConfigError, match="leads through a link"):
        hand_in(root, [{"event": "visit"}])
    assert not [p for p in outside.rglob("*") if p.is_file()]


@pytest.mark.slow
def test_no_file_behind_a_link_is_written_to(tmp_path: Path) -> None:
    project = copy_example(tmp_path)
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    (project / ".cij").mkdir(exist_ok=True)
    (project / STATUS).with_suffix(".part").symlink_to(mine)
    (project / ".cij" / "handover.jsonl").symlink_to(mine)
    inside("run", str(project), "--once")
    assert mine.read_text() == "mine"
    (project / "catalog.lock.json").unlink(missing_ok=True)
    (project / "catalog.lock.json").symlink_to(mine)
    assert inside("catalog", "refresh", str(project))[0] == Exit.CONFIG
    (project / "linked.journey").symlink_to(mine)
    inside("fmt", str(project / "linked.journey"))
    assert mine.read_text() == "mine"


def test_a_link_inside_of_the_project_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.journey").write_text("old")
    (tmp_path / "link.journey").symlink_to(tmp_path / "real.journey")
    write_atomically(tmp_path / "link.journey", "new", tmp_path)
    assert (tmp_path / "real.journey").read_text() == "new"


@pytest.mark.parametrize("is_row", [True, False])
def test_an_outbox_behind_a_link_is_not_written_to(tmp_path: Path, is_row: bool) -> None:
    outbox, outside = tmp_path / "outbox", tmp_path / "outside"
    outside.mkdir()
    outbox.mkdir()
    (outbox / "action").symlink_to(outside)
    settings = RowSettings(outbox) if is_row else FileSettings(outbox)
    (outcome,) = open_transport(settings).deliver([prepared()])
    assert outcome.status in ("later", "unsent")
    assert not list(outside.iterdir())


def test_a_folder_that_a_link_takes_the_place_of_while_a_run_goes_on(tmp_path: Path) -> None:
    way = open_transport(RowSettings(tmp_path))
    way.deliver([prepared(1)])
    (file,) = tmp_path.rglob("*.jsonl")
    mine = tmp_path / "mine"
    mine.write_text("mine\n")
    file.unlink()
    file.symlink_to(mine)
    (outcome,) = way.deliver([prepared(2)])
    assert outcome.status == "later" and mine.read_text() == "mine\n"


# --- DuckDB -----------------------------------------------------------------------------------


def test_a_state_reaches_no_other_file_and_installs_nothing(tmp_path: Path) -> None:
    with closing(DuckEngine(tmp_path / "state.duckdb")) as engine:
        for text in (
            f"COPY (SELECT 1) TO '{tmp_path / 'x.csv'}'",
            "ATTACH 'other.db' AS other",
            "INSTALL httpfs",
            "LOAD httpfs",
            "SET enable_external_access = true",
            "SET autoinstall_known_extensions = true",
            "SELECT * FROM read_text('/etc/hostname')",
        ):
            with pytest.raises((duckdb.Error, StoreError)):
                engine.run_text(text, None)


def test_a_state_that_is_another_database_asks_no_server(tmp_path: Path) -> None:
    path = tmp_path / "state.duckdb"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE a (b)")
        other.commit()
    with pytest.raises(StoreError) as error:
        open_engine(path)
    assert "extensions.duckdb.org" not in str(error.value)


# --- output -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\x1b]0;title\x07ana", "\\u001b]0;title\\u0007ana"),
        ("\x1b[2Jana", "\\u001b[2Jana"),
        ("\x1b[8mhidden", "\\u001b[8mhidden"),
        ("a\x9b31mb\x7f", "a\\u009b31mb\\u007f"),
        ("ok\r\x1b[1Ano", "ok\\u000d\\u001b[1Ano"),
        ("\u202eevil\u2066", "\\u202eevil\\u2066"),
        ("\x1b[1;31merror\x1b[0m\tañb שלום\n", "\x1b[1;31merror\x1b[0m\tañb שלום\n"),
    ],
)
def test_foreign_text_does_nothing_to_a_terminal(text: str, seen: str) -> None:
    assert shown(text) == seen


def test_the_streams_of_the_command_line_show_foreign_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from cij.cli import output

    found = [io.BytesIO(), io.BytesIO()]
    for name, buffer in zip(("stdout", "stderr"), found, strict=True):
        monkeypatch.setattr(f"sys.{name}", io.TextIOWrapper(buffer, encoding="utf-8"))
    output.open_output()
    import sys

    for stream in (sys.stdout, sys.stderr):
        stream.write("a\x1b[2Jb\n")
        stream.flush()
    assert found[1].getvalue() == b"a\\u001b[2Jb\n"


SECRET = "s3cr3t-token-of-ci"


@pytest.mark.parametrize(
    "setting",
    [
        'timezone = "env:CI_TOKEN"',
        'timezone = "UTC"\nregion = "env:CI_TOKEN"',
        'timezone = "UTC"\n[store]\nkind = "env:CI_TOKEN"',
        'timezone = "UTC"\n[delivery.email]\nkind = "env:CI_TOKEN"',
        'timezone = "UTC"\n[delivery.email]\nkind = "files"\nfrom = "env:CI_TOKEN"',
        'timezone = "UTC"\n[delivery.email]\nkind = "files"\nunsubscribe = "env:CI_TOKEN"',
    ],
)
def test_no_fault_of_a_setting_tells_the_value_of_a_variable(tmp_path: Path, setting: str) -> None:
    file = tmp_path / "cij.toml"
    file.write_text(f'[project]\nname = "x"\n{setting}\n')
    with pytest.raises(ConfigError) as error:
        load_settings(file, {"CI_TOKEN": SECRET})
    assert SECRET not in str(error.value)


@pytest.mark.parametrize("setting", ["encoding", "delimiter", "quote"])
def test_no_fault_of_a_source_tells_the_value_of_a_variable(
    tmp_path: Path, setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI_TOKEN", SECRET)
    (tmp_path / "cij.toml").write_text('[project]\nname = "x"\ntimezone = "UTC"\n')
    (tmp_path / "people.csv").write_text("id,email\n1,a@x.com\n")
    (tmp_path / "a.journey").write_text(
        'source people {\n  kind = csv\n  path = "people.csv"\n  key = id\n'
        f'  {setting} = env("CI_TOKEN")\n  columns {{\n    id = text\n    email = text\n  }}\n}}\n'
        "profile customer {\n  from people {\n    email = email\n  }\n}\n"
    )
    for command in (("run", "--once"), ("check",), ("catalog", "refresh"), ("doctor",)):
        _, out, err = inside(*command, str(tmp_path))
        assert SECRET not in out + err
    status = tmp_path / ".cij" / "status.json"
    assert not status.exists() or SECRET not in status.read_text()


def test_no_password_goes_in_the_clear_without_a_word(tmp_path: Path) -> None:
    file = tmp_path / "cij.toml"
    text = (
        '[project]\nname = "x"\ntimezone = "UTC"\n[delivery.email]\nkind = "smtp"\n'
        'host = "mail.example"\ntls = "none"\nusername = "u"\nfrom = "a@x.example"\n'
    )
    file.write_text(text)
    with pytest.raises(ConfigError, match="in the clear"):
        load_settings(file, {})
    file.write_text(text + "allow_plain_password = true\n")
    load_settings(file, {})
    file.write_text(text.replace("mail.example", "localhost"))
    load_settings(file, {})
