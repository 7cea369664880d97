"""Actions that are run: their rows in files, and what the commands say of them."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from cij.cli.exits import Exit
from cij.compiler.program import Program, content_hash
from cij.compiler.sql import query
from cij.runtime.delivery import RowSettings, open_transport
from cij.runtime.delivery.channels import Prepared
from tests.calling import TASKS, TOML, Rows, project, run, said
from tests.conftest import Cij

# --- rows -------------------------------------------------------------------------------------


def prepared(key: str, action: str = "a", day: int = 2) -> Prepared:
    content = json.dumps({"type": action, "data": {"key": key}}).encode()
    return Prepared(key, "action", action, "", datetime(2026, 3, day, 9, 0), content)


def keys_in(file: Path) -> list[str]:
    return [json.loads(line)["data"]["key"] for line in file.read_text().splitlines()]


def test_rows_lie_in_a_file_for_each_action_and_day(tmp_path: Path) -> None:
    way = open_transport(RowSettings(tmp_path, fsync=False))
    outcomes = way.deliver([prepared("1"), prepared("2", day=3), prepared("3", "b")])
    outcomes += way.deliver([prepared("4")])
    assert [o.status for o in outcomes] == ["delivered"] * 4
    assert keys_in(tmp_path / "action" / "a" / "2026-03-02.jsonl") == ["1", "4"]
    assert keys_in(tmp_path / "action" / "a" / "2026-03-03.jsonl") == ["2"]
    assert keys_in(tmp_path / "action" / "b" / "2026-03-02.jsonl") == ["3"]


def test_a_row_is_written_once_though_a_run_broke_off_inside_it(tmp_path: Path) -> None:
    file = tmp_path / "action" / "a" / "2026-03-02.jsonl"
    open_transport(RowSettings(tmp_path)).deliver([prepared("1"), prepared("2")])
    whole = file.read_bytes()
    for end in range(len(whole) + 1):
        file.write_bytes(whole[:end])
        open_transport(RowSettings(tmp_path)).deliver([prepared("1"), prepared("2")])
        assert keys_in(file) == ["1", "2"]


@pytest.mark.parametrize("name", ["../../up", "llamar mañana", "x" * 300, "電話"])
def test_no_name_of_an_action_leads_out_of_the_folder(name: str, tmp_path: Path) -> None:
    way = open_transport(RowSettings(tmp_path / "rows", fsync=False))
    assert way.deliver([prepared("1", name)])[0].status == "delivered"
    (file,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert file.is_relative_to(tmp_path / "rows" / "action")


def test_a_folder_that_cannot_be_written_keeps_the_rows_waiting(tmp_path: Path) -> None:
    (tmp_path / "rows").write_text("a file stands in the way")
    (outcome,) = open_transport(RowSettings(tmp_path / "rows")).deliver([prepared("1")])
    assert outcome.status == "later"
    assert (outcome.reason or "").startswith("cannot write rows into ")


# --- the command line -------------------------------------------------------------------------

TEST = """
test "a task" for calls {
  clock 2026-03-02 10:00
  given customer "ana" {
    email = "ana@example.com"
  }
  expect done create_task for "ana"
  expect nothing sent to "ana"
}
"""


@pytest.mark.slow
def test_a_run_writes_each_row_once_and_says_so(cij: Cij, tmp_path: Path) -> None:
    folder = project(tmp_path / "p", TASKS)
    first = cij("run", folder, "--once", "--json")
    assert first.code == 0
    found = json.loads(first.out)
    assert found["messages"] == []
    assert found["actions"] == [
        {"journey": "calls", "action": "create_task", "outcome": "delivered", "count": 2}
    ]
    (file,) = (folder / "outbox").rglob("*.jsonl")
    before = file.read_bytes()
    assert len(before.splitlines()) == 2
    assert cij("run", folder, "--once").code == 0
    assert file.read_bytes() == before
    assert "create_task" in cij("status", folder).out


def test_who_is_held_out_is_not_called_for(cij: Cij, tmp_path: Path) -> None:
    folder = project(tmp_path / "p", TASKS.replace("holdout = 0%", "holdout = 100%"))
    found = json.loads(cij("run", folder, "--once", "--json").out)
    assert [a["outcome"] for a in found["actions"]] == ["withheld"]
    assert not (folder / "outbox").exists()


def test_a_test_expects_calls_each_once(cij: Cij, tmp_path: Path) -> None:
    assert cij("test", project(tmp_path / "a", TASKS + TEST)).code == 0
    twice = TEST.replace(
        "  expect nothing", '  expect done create_task for "ana"\n  expect nothing'
    )
    done = cij("test", project(tmp_path / "b", TASKS + twice))
    assert done.code == 1
    assert (
        "do create_task was called once, and an earlier line has already expected that" in done.out
    )
    assert "task: do create_task delivered" in done.out


def test_a_test_that_expects_what_is_never_done_is_a_mistake() -> None:
    never = TEST.replace("create_task", "create_lead")
    assert said(TASKS + never) == [("CIJ805", "journey `calls` never does `create_lead`")]


def test_a_simulation_counts_calls_beside_messages(cij: Cij, tmp_path: Path) -> None:
    done = cij("simulate", project(tmp_path / "p", TASKS), "--days", "1", "--json")
    days = json.loads(done.out)["days"]
    assert [(d["what"], d["name"], d["count"]) for d in days if d["what"] in ("done", "sent")] == [
        ("done", "create_task (delivered)", 2)
    ]


def test_explain_tells_what_an_action_takes(cij: Cij, tmp_path: Path) -> None:
    folder = project(tmp_path / "p", TASKS)
    out = cij("explain", "create_task", folder).out
    assert out.startswith("action create_task  (std/actions.journey:")
    assert "  due: duration, else 1 day\n" in out
    assert 'task: do create_task with subject = "Call", due = 1 day' in (
        cij("explain", "calls", folder).out
    )


def test_the_graph_shows_a_call(cij: Cij, tmp_path: Path) -> None:
    out = cij("graph", project(tmp_path / "p", TASKS)).out
    assert "do create_task" in out and ":::cij_act" in out


def test_a_way_of_an_action_that_there_is_not_is_a_mistake(cij: Cij, tmp_path: Path) -> None:
    toml = TOML + '\n[delivery.action.create_tsk]\nkind = "rows"\n'
    done = cij("run", project(tmp_path / "p", TASKS, toml), "--once")
    assert done.code == Exit.CONFIG
    assert "there is no action `create_tsk`; did you mean `create_task`" in done.err


def test_the_text_of_an_action_is_kept_for_the_row(tmp_path: Path) -> None:
    runner = run(project(tmp_path, TASKS), Rows())
    program: Program = runner.world.program
    action = next(a for a in program.actions if a.name == "create_task")
    rows = runner.world.engine.rows(query("SELECT DISTINCT o.content FROM outbox AS o"))
    assert rows == [(content_hash(action),)]
    runner.world.engine.close()


def test_the_example_is_right_and_plays_its_stories(cij: Cij) -> None:
    example = Path(__file__).parents[1] / "examples" / "callback"
    checked = cij("check", example, "--deny", "warnings")
    assert checked.code == 0, checked.out
    played = cij("test", example)
    assert played.code == 0, played.out
    assert "7 passed, 0 failed" in played.out


@pytest.mark.slow
def test_doctor_looks_at_the_ways_of_actions(
    cij: Cij, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = '\n[delivery.action.create_task]\nkind = "webhook"\nurl = "http://127.0.0.1:1/"\n'
    folder = project(tmp_path, TASKS, TOML + table + 'secret_env = "HOOK"\n')
    monkeypatch.setenv("HOOK", "whsec_" + "A" * 44)
    found = {f["what"]: f for f in json.loads(cij("doctor", folder, "--json").out)["findings"]}
    assert found["actions"]["detail"] == "written as rows in outbox"
    assert found["action create_task"]["status"] == "fail"
    assert "cannot reach 127.0.0.1:1" in found["action create_task"]["detail"]
    monkeypatch.delenv("HOOK")
    found = {f["what"]: f for f in json.loads(cij("doctor", folder, "--json").out)["findings"]}
    assert "the variable HOOK is not set" in found["action create_task"]["detail"]
