"""`cij export`: what it lists and runs, how it fails, and `cij forget` beside it."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cij.cli.main import cli
from tests.exports_bed import ANA, BOB, DATA, EVE, EXPORTS, HEAD, lines_of


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("exports")
    (root / "cij.toml").write_text('[project]\nname = "p"\ntimezone = "UTC"\n', encoding="utf-8")
    (root / "a.journey").write_text(DATA + EXPORTS, encoding="utf-8")
    (root / "shop.csv").write_text(HEAD + ANA + BOB + EVE, encoding="utf-8")
    done = CliRunner().invoke(cli, ["run", str(root), "--once"])
    assert done.exit_code == 0 and "export whole: 3 rows to exports/some-" in done.output
    return root


def run(project: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["export", *words, "--project", str(project)])


def test_a_run_with_nothing_due_makes_no_export(project: Path) -> None:
    for _ in range(2):
        done = CliRunner().invoke(cli, ["run", str(project), "--once"])
        assert done.exit_code == 0 and "export " not in done.output
        assert re.search(r"nothing was due; the next thing is at .* 06:00 \(UTC\)", done.output)


def test_the_command_lists_runs_and_shows(project: Path) -> None:
    listed = json.loads(run(project, "list", "--json").output)
    assert [(e["name"], e["when"], (e["last"] or {}).get("rows")) for e in listed] == [
        ("whole", "after a refresh", 3),
        ("diffs", "every day at 06:00", 3),
        ("groups", "by command", None),
    ]
    assert listed[1]["next_at"].endswith("06:00:00Z") and listed[0]["next_at"] is None
    assert "exports/g.parquet" in run(project, "list").output
    assert run(project, "run", "groups", "diffs", "--count").output == (
        "export groups: 2 rows now\nexport diffs: 0 rows now\n"
    )
    done = run(project, "run", "groups", "diffs")
    assert done.exit_code == 0
    assert done.output == (
        "export groups: 2 rows to exports/g.parquet\nexport diffs: nothing has changed\n"
    )
    [made] = json.loads(run(project, "show", "groups", "--json").output)
    assert (made["rows"], made["outcome"], len(made["sha256"])) == (2, "done", 64)
    assert "exports/g.parquet" in run(project, "show", "groups").output
    said = run(project, "run", "gruops")
    assert "there is no export `gruops`" in f"{said.output}{said.exception}"
    segments = CliRunner().invoke(cli, ["segment", "list", "--json", "--project", str(project)])
    used_by = {s["name"]: s["used_by"] for s in json.loads(segments.output)}
    assert used_by["some"] == ["export whole", "export diffs", "export groups"]


def test_a_failed_run_has_an_exit_code_and_a_reason(project: Path) -> None:
    (project / "exports").rename(project / "kept")
    (project / "exports").write_text("no folder", encoding="utf-8")
    done = run(project, "run", "groups", "whole")
    assert done.exit_code == 6 and done.output.count("cannot make the folder") == 2
    assert "cannot make the folder" in run(project, "list").output
    doctor = CliRunner().invoke(cli, ["doctor", str(project)])
    assert re.search(r"fail +export groups +cannot write files into .*exports", doctor.output)
    done = CliRunner().invoke(cli, ["run", str(project), "--once"])
    assert done.exit_code == 7 and "cij: error: export whole: cannot make" in done.output
    (project / "exports").unlink()
    (project / "kept").rename(project / "exports")
    done = CliRunner().invoke(cli, ["run", str(project), "--once"])
    assert done.exit_code == 0 and "export whole: 3 rows" in done.output


@pytest.mark.slow
def test_who_is_forgotten_leaves_the_files_and_is_removed(project: Path) -> None:
    made = run(project, "run", "whole", "--json")
    name = json.loads(made.output)[0]["file"]
    [diffs] = (project / "exports").glob("*/d-*.jsonl")
    run(project, "run", "groups")
    said = CliRunner().invoke(cli, ["forget", "shop:1", "--yes", "--project", str(project)])
    assert said.exit_code == 0, said.output
    assert "Ana" not in (project / name).read_text("utf-8")
    assert "Ana" not in diffs.read_text("utf-8") and "Eve" in diffs.read_text("utf-8")
    [made] = json.loads(run(project, "run", "diffs", "--json").output)
    [gone] = lines_of(project / made["file"])
    assert (gone["change"], gone["name"], made["rows"]) == ("removed", None, 1)
    assert run(project, "run", "diffs").output == "export diffs: nothing has changed\n"


def test_the_doctor_names_the_variable_of_a_table(tmp_path: Path) -> None:
    (tmp_path / "cij.toml").write_text('[project]\nname = "p"\ntimezone = "UTC"\n')
    table = 'kind = postgres  database = env("NO_SUCH_WAREHOUSE")  table = "a.b"'
    text = f"{DATA}export crm {{ segment = some  {table} }}\n"
    (tmp_path / "a.journey").write_text(text)
    (tmp_path / "shop.csv").write_text(HEAD)
    doctor = CliRunner().invoke(cli, ["doctor", str(tmp_path)])
    assert "$NO_SUCH_WAREHOUSE is not set (a.journey:" in doctor.output
