"""`cij source`: the declaration of a file is found, compiles, and reads the file; the list shows loads."""

import gzip
import json
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cij.cli.main import cli
from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.runtime.errors import WorldError
from tests.loading import bad, loaded, opened

TOML = '[project]\nname = "p"\ntimezone = "Europe/Madrid"\n'
PROFILE = "profile customer {{ from {} {{ known_by = {} }} }}"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "cij.toml").write_text(TOML, encoding="utf-8")
    return tmp_path


def run(project: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["source", *words, "--project", str(project)])


def sniffed(project: Path, name: str, content: bytes, *words: str) -> dict[str, object]:
    """Return what is found in a file; its declaration compiles and reads every row."""
    (project / name).write_bytes(content)
    result = run(project, "sniff", name, "--json", *words)
    assert result.exit_code == 0, result.output
    found: dict[str, object] = json.loads(result.output)
    text = f"{found['declaration']}{PROFILE.format(found['name'], found['key'])}"
    made = compile_project(ProjectSettings("p", "Europe/Madrid"), {"a.journey": text}, {}, {})
    assert made.program is not None, [d.message for d in made.diagnostics]
    [source] = made.program.sources
    with opened() as engine:
        report = loaded(engine, source, project)
        assert (report.kept, report.bad) == (report.read, 0), bad(engine)
        assert report.read > 0
    return found


@pytest.mark.slow
def test_a_file_is_declared_as_it_is_written(project: Path) -> None:
    rows = "Nr;Name;Betrag;Datum;Zahl\n1;Ana;1.234,50;31.12.2025;7\n2;Müller;NULL;01.02.2026;NULL\n"
    found = sniffed(project, "a.csv", gzip.compress(rows.encode("windows-1252")))
    assert found["settings"] == {
        "path": "a.csv",
        "encoding": "windows-1252",
        "delimiter": ";",
        "null": "NULL",
        "decimal": ",",
        "thousands": ".",
        "date_format": "%d.%m.%Y",
    }
    types = {
        "Nr": "integer",
        "Name": "text",
        "Betrag": "decimal",
        "Datum": "date",
        "Zahl": "integer",
    }
    assert found["columns"] == types and found["key"] == "Nr"
    found = sniffed(project, "b.csv", b"1\t03/04/2026\n2\t05/06/2026 \n")
    assert found["settings"] == {
        "path": "b.csv",
        "delimiter": "\\t",
        "header": "false",
        "date_format": "%d/%m/%Y",
    }
    assert found["doubts"] == [
        "column column2: day and month may be the other way round; see date_format"
    ]
    found = sniffed(project, "c.csv", "id,a b,a.b,`,not\n007,-,x,y,z\n".encode("utf-16"))
    assert found["columns"] == dict.fromkeys(("id", "a b", "a.b", "`", "not"), "text")
    found = sniffed(
        project,
        "e.jsonl",
        b'{"id": 1, "user": {"id": "x"}, "tags": ["a"], "at": "2026-01-01T00:00Z"}',
    )
    assert found["kind"] == "jsonl"
    assert found["columns"] == {
        "id": "integer",
        "user.id": "text",
        "tags": "text",
        "at": "datetime",
    }


def test_what_cannot_be_declared_is_said_in_one_sentence(project: Path) -> None:
    with sqlite3.connect(project / "s.db") as database:
        database.executescript(
            "CREATE TABLE a (id INT); CREATE TABLE b (id INT); INSERT INTO b VALUES (1)"
        )
    database.close()
    for words, message in (
        (("no.csv",), "there is no file no.csv below"),
        (("s.db",), "s.db has the tables a, b; choose one with --table"),
        (("*.json",), "no file below"),
    ):
        result = run(project, "sniff", *words)
        assert isinstance(result.exception, WorldError)
        assert message in str(result.exception) and ":0:0" not in str(result.exception)
    content = (project / "s.db").read_bytes()
    assert sniffed(project, "s.db", content, "--table", "b")["columns"] == {"id": "integer"}
    for name, odd in (("empty", b""), ("zeros", b"\0" * 99), ("one", b"x"), ("half", b'{"a": ')):
        (project / name).write_bytes(odd)
        error = run(project, "sniff", name).exception
        assert error is None or isinstance(error, WorldError), (name, error)


@pytest.mark.slow
def test_the_list_shows_the_last_load_of_each_source(project: Path) -> None:
    (project / "a.csv").write_text("id,n\n1,1\n2,x\n", encoding="utf-8")
    columns = "columns { id = text\n n = integer }"
    text = f'source a {{ kind = csv\n path = "a.csv"\n key = id\n tolerate = 60%\n {columns} }}\n'
    text += f'source b {{ kind = csv\n path = "b.csv"\n key = id\n {columns} }}\n'
    text += "profile customer { from a { n = n } }"
    (project / "a.journey").write_text(text, encoding="utf-8")
    before = json.loads(run(project, "list", "--json").output)
    assert [(s["name"], s["loaded_at"]) for s in before] == [("a", None), ("b", None)]
    CliRunner().invoke(cli, ["run", str(project), "--once"])
    listed = json.loads(run(project, "list", "--json").output)
    assert [(s["name"], s["rows"], s["bad"]) for s in listed] == [("a", 1, 1), ("b", 0, 0)]
    assert listed[0]["loaded_at"].endswith("Z") and listed[0]["error"] is None
    assert "there is no file b.csv" in listed[1]["error"]
    assert "there is no file b.csv" in run(project, "list").output
    assert json.loads(run(project, "list", "a", "--json").output) == [
        {"file": "a.csv", "line": 3, "reason": 'column n: "x" is not a whole number'}
    ]
    assert str(run(project, "list", "c").exception) == "there is no source c"
