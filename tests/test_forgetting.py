"""Forgetting and exporting a person, in every place of a project (S27)."""

import io
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cij.app.config import RetentionTable, load_settings
from cij.app.open_store import open_state_file
from cij.cli.exits import Exit
from cij.compiler.sql import query
from cij.compiler.sql.erasing import PREFIXES
from cij.runtime.engine import Engine, open_engine, rewrite_state_file
from cij.runtime.errors import ConfigError, StoreLocked
from cij.runtime.forgetting.tables import FAMILIES, PLACES, TABLES_OF_STORE
from cij.runtime.forgetting.traces_in_files import FILES, Texts
from cij.runtime.insight.person import deployed
from cij.runtime.retention import KINDS, Retention, age
from cij.runtime.store import prepare
from cij.runtime.store.schema import TABLES
from tests.example import inside, run_once
from tests.forgetting_bed import (
    ANA,
    BOB,
    HEAD,
    OF_ANA,
    OF_ANA_ONLY,
    OF_BOB,
    ORDERS,
    done,
    leave_traces,
    make,
    write,
)

# After everything that the bed has made, whose files have the time of now.
LATER = datetime.now() + timedelta(days=60)
SOURCES = {"people.csv", "orders.csv"}
COUNT = "SELECT COUNT(*) FROM {t} AS t"


def files_with(root: Path, text: str) -> set[str]:
    """Return the files of a folder that have a text in any case, not as a part of a longer word."""
    wanted = re.compile(rb"(?<![a-z0-9.])" + re.escape(text.lower().encode()) + rb"(?![a-z0-9])")
    files = (path for path in root.rglob("*") if path.is_file())
    return {
        path.relative_to(root).as_posix()
        for path in files
        if wanted.search(path.read_bytes().lower())
    }


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which Ana is everywhere."""
    root = make(tmp_path_factory.mktemp("full"))
    leave_traces(root)
    return root


@pytest.fixture(scope="module")
def cleaned(full: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A copy of it in which she was forgotten, and what the command said."""
    root = Path(shutil.copytree(full, tmp_path_factory.mktemp("cleaned") / "shop"))
    yield root, done(root, "forget", "shop:a-17", "--yes")


def rows(root: Path, text: str, **holes: str) -> list[tuple[object, ...]]:
    """Ask the state of a project."""
    with closing(open_state_file(root / ".cij" / "state.duckdb")) as engine:
        return engine.rows(query(text, **holes))


@pytest.mark.slow
def test_every_table_and_place_has_a_row(full: Path) -> None:
    with closing(open_state_file(full / ".cij" / "state.duckdb")) as engine:
        made = {name for (name,) in engine.rows(TABLES_OF_STORE)}
    assert {n for n in made if not n.startswith(PREFIXES)} <= {place.table for place in PLACES}
    engine = open_engine(None)
    prepare(engine)
    names = {name for (name,) in engine.rows(TABLES_OF_STORE)}
    known = [place.table for place in PLACES]
    assert len(known) == len(set(known))
    names |= {table.name for table in TABLES} | {"customer"}
    assert names == set(known), "a table without a row"
    assert set(FAMILIES) == set(PREFIXES)
    for place in PLACES:
        columns = set(engine.columns_of(place.table))
        personal = {"customer", "address", "written", "at_entry", "reason"} & columns
        assert place.where or not personal, f"{place.table} has {personal}"
    page = (Path(__file__).parents[1] / "docs" / "personal-data.md").read_text()
    missing = [p.table for p in PLACES if p.where and f"`{p.table}`" not in page]
    missing += [p.name for p in FILES if f"`{p.name}`" not in page]
    missing += [prefix for prefix in FAMILIES if f"`{prefix}…`" not in page]
    assert not missing, f"docs/personal-data.md lacks {missing}"


@pytest.mark.slow
def test_nothing_of_a_forgotten_person_is_left(full: Path, cleaned: tuple[Path, str]) -> None:
    places = set().union(*(files_with(full, text) for text in OF_ANA_ONLY))
    # The bed is worth nothing where she was not everywhere before.
    assert len(places) == 13, places
    root, said = cleaned
    for text in OF_ANA_ONLY:
        assert files_with(root, text) <= SOURCES, text
    assert "people.csv) still has them" in said and "orders.csv) still has them" in said
    assert "backup/" in said and "forgotten there too" in said
    with closing(open_state_file(root / ".cij" / "state.duckdb")) as engine:
        for (name,) in engine.rows(TABLES_OF_STORE):
            for row in engine.rows(query("SELECT * FROM {t}", t=name)):
                assert "a-17" not in row and "Ana Quintanilla" not in row, name


@pytest.mark.slow
def test_what_is_of_others_stays(cleaned: tuple[Path, str]) -> None:
    root, _ = cleaned
    for text in ("bob@example.com", "Bob Brown", "joana.secret@example.com", "for a friend"):
        assert ".cij/state.duckdb" in files_with(root, text) or ".cij/inbox/2.jsonl" in files_with(
            root, text
        ), text
    assert rows(root, COUNT, t="customer") == [(1,)]
    keys = "SELECT o.key, o.customer, o.address, o.parameters FROM outbox AS o ORDER BY o.key"
    kept = rows(root, keys)
    assert len([row for row in kept if row[1] is None]) == 2
    assert all(row[2:] == (None, None) for row in kept if row[1] is None)
    lines = [
        json.loads(line)["data"]
        for file in root.glob("outbox/action/*/*.jsonl")
        for line in file.read_text().splitlines()
    ]
    assert len(lines) == 2 and {"key"} in [set(line) for line in lines]


@pytest.mark.slow
def test_a_forgotten_person_is_not_imported_again(
    cleaned: tuple[Path, str], tmp_path: Path
) -> None:
    root = Path(shutil.copytree(cleaned[0], tmp_path / "shop"))
    # The same person under the same key, under another key, and by an event.
    write(root, HEAD + ANA.replace("Villas", "VILLAS") + BOB + ANA.replace("a-17", "a-99"))
    more = OF_ANA.replace("a-17", "a-99").replace("o-1", "o-9")
    (root / "orders.csv").write_text(ORDERS + OF_ANA + more + OF_BOB.replace("ana.secret@", "x@"))
    done(root, "event", "called", "ana.secret@example.com", "note=secret telephone note")
    run_once(root, 7)
    # A row with another key was written before anybody could know: the next run writes the file anew.
    run_once(root)
    for text in OF_ANA_ONLY:
        assert not files_with(root / ".cij", text) - {"backup"}, text
    assert not rows(root, "SELECT 1 FROM customer AS c WHERE c.name LIKE 'Ana%'")
    assert "the person was forgotten" in inside("status", str(root))[1]
    assert "forgotten:" in done(root, "suppression", "list")
    done(root, "forget", "--allow", "ana.secret@example.com", "shop:a-17", "shop:a-99")
    assert "ana.secret@example.com" in done(root, "suppression", "list")
    run_once(root)
    [(count,)] = rows(root, "SELECT COUNT(*) FROM customer AS c WHERE c.name LIKE 'Ana%'")
    assert count == 1
    sent = "SELECT o.outcome FROM outbox AS o WHERE o.customer IN (SELECT c.id FROM customer AS c WHERE c.name LIKE 'Ana%') AND o.channel = 'email'"
    assert rows(root, sent) == [("suppressed",)]


@pytest.mark.slow
def test_a_backup_from_elsewhere_brings_nobody_back(full: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(full, tmp_path / "shop"))
    kept = tmp_path / "elsewhere.duckdb"
    done(root, "backup", str(root), "--to", str(kept))
    done(root, "forget", "ana.secret@example.com", "--yes")
    code, out, err = inside("restore", str(kept), str(root))
    assert code == 0, err
    assert "1 people of it were forgotten since then" in out
    for text in OF_ANA_ONLY:
        assert files_with(root, text) <= SOURCES, text


def test_export_has_all_rows_of_a_person_and_of_nobody_else(full: Path) -> None:
    found = json.loads(done(full, "export-person", "ana.secret@example.com"))
    text = json.dumps(found)
    assert found["records"] == ["shop:a-17"]
    for each in OF_ANA_ONLY[:6]:
        assert each.lower() in text.lower(), each
    assert "Bob" not in text and "joana" not in text
    assert {"customer", "outbox", "passage", "history", "event_called", "source_shop"} <= set(
        found["tables"]
    )


def test_nobody_is_forgotten_by_mistake(full: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    where = ("--project", str(full))
    code, _, err = inside("forget", "c0123456789abcde", "--yes", *where)
    assert code == Exit.USAGE and "nobody is known" in err
    code, _, err = inside("forget", "shop:a-17", *where)
    assert code == Exit.USAGE and "give `--yes`" in err
    code, _, err = inside("forget", "a-17", "nobody", "--yes", *where)
    assert code == Exit.USAGE
    assert rows(full, "SELECT COUNT(*) FROM customer AS c WHERE c.name = 'Ana Quintanilla'") == [
        (1,)
    ]
    code, _, err = inside("export-person", "nobody", *where)
    assert code == Exit.USAGE


def test_while_a_run_is_going_the_order_is_refused(
    full: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object, **__: object) -> Engine:
        raise StoreLocked("another `cij run` has it open")

    monkeypatch.setattr("cij.app.forget.open_when_free", locked)
    for command in (("forget", "--yes"), ("forget", "--allow"), ("export-person",)):
        code, _, err = inside(*command, "shop:a-17", "--project", str(full))
        assert code == Exit.STORE and "stop it, give this order, and start it again" in err


def test_texts_are_found_as_whole_words_in_any_form(tmp_path: Path) -> None:
    texts = Texts(["José@Example.com", "shop:17"])
    for there in (
        "<josé@example.com>",
        r'"jos\u00e9@example.com"',
        "x shop:17,",
        "JOSÉ@EXAMPLE.COM",
    ):
        assert texts.are_in(there.encode()), there
    for other in ("mariajosé@example.com", "josé@example.commons", "shop:170", "workshop:17", ""):
        assert not texts.are_in(other.encode()), other
    file = tmp_path / "long"
    # At the edge of what is read at once.
    file.write_bytes(b" " * ((1 << 20) - 4) + b"shop:17 ")
    assert texts.are_in_file(file)
    assert not Texts([]).are_in(b"anything")


def test_a_state_file_that_is_written_anew_has_nothing_of_deleted_rows(tmp_path: Path) -> None:
    path = tmp_path / "state.duckdb"
    with closing(open_engine(path)) as engine:
        prepare(engine)
        texts = [f"secret number {i} of many" for i in range(3000)]
        engine.append("outbox_row", {"effect": range(3000), "parameters": texts})
        engine.maintain(is_thorough=True)
        engine.execute(query("DELETE FROM outbox_row WHERE outbox_row.effect = 1777"))
    before = path.read_bytes()
    assert b"secret number 1777 " in before, "the test needs what it looks for"
    rewrite_state_file(path)
    assert b"secret number 1777 " not in path.read_bytes()
    assert not path.with_name("state.duckdb.wal").exists()
    with closing(open_engine(path)) as engine:
        prepare(engine)
        assert engine.rows(query(COUNT, t="outbox_row")) == [(2999,)]
        assert engine.rows(query("SELECT COUNT(*) FROM outbox AS o")) == [(0,)]


def test_what_is_older_than_retention_says_is_deleted_once_a_day(
    full: Path, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(full, tmp_path / "shop"))
    ages: dict[str, timedelta] = dict.fromkeys(KINDS, timedelta(days=30))
    retention = Retention(ages, (root / "outbox",), root / ".cij" / "state.duckdb")
    with closing(open_state_file(root / ".cij" / "state.duckdb")) as engine:
        program = deployed(engine)
        assert program is not None
        assert age(engine, program, Retention(), root, LATER) == {}
        assert age(engine, program, retention, root, LATER - timedelta(days=100)) == {}
        done = age(engine, program, retention, root, LATER)
        # Orders are in their source still. Five messages and calls are in four files.
        assert done == {
            "quarantine": 1,
            "events": 4,
            "messages": 5 + 4,
            "history": 1,
            "answers": 1,
            "backups": 1,
        }
        assert age(engine, program, retention, root, LATER) == {}
        assert engine.rows(query(COUNT, t="event_ordered")) == [(2,)]
        assert engine.rows(
            query("SELECT COUNT(*) FROM outbox AS o WHERE NOT o.address IS NULL")
        ) == [(0,)]
        assert engine.rows(query("SELECT COUNT(*) FROM passage AS p WHERE p.ended_at IS NULL")) == [
            (2,)
        ]
    assert not list(root.glob("outbox/*/*/*"))


def test_an_age_that_is_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "cij.toml"
    head = '[project]\nname = "x"\ntimezone = "UTC"\n[retention]\nevents = '
    for text in ("30", "0 days", "-1 days", "1 hour", "99999 years", "30 days old"):
        file.write_text(f'{head}"{text}"\n')
        with pytest.raises(ConfigError, match="write a time such as"):
            load_settings(file)
    file.write_text(f'{head}"2 years"\n')
    assert load_settings(file).retention.ages() == {"events": timedelta(days=730)}
    assert set(RetentionTable.model_fields) == set(KINDS)
