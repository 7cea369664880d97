"""Every project under `examples`: correct, formatted, its own tests passing, and it runs."""

import json
import shutil
from pathlib import Path

import pytest

from cij.cli.exits import Exit
from tests.conftest import Cij
from tests.example import ROOT, copy_example, messages, run_once, status

EXAMPLES = sorted(file.parent for file in (ROOT / "examples").glob("*/cij.toml"))

# The data of the examples are of the weeks before.
START = "2026-11-23"
# Customers enter these by events, which `test_an_example_runs_and_sends_nothing_twice` hands in.
BY_EVENTS = [folder for folder in EXAMPLES if (folder / "data" / "events.jsonl").exists()]
BY_SEGMENT = [folder for folder in EXAMPLES if folder not in BY_EVENTS]

each = pytest.mark.parametrize("project", EXAMPLES, ids=lambda folder: folder.name)
each_by_segment = pytest.mark.parametrize("project", BY_SEGMENT, ids=lambda folder: folder.name)


def test_no_example_is_left_out() -> None:
    assert BY_EVENTS and BY_SEGMENT
    assert EXAMPLES == sorted(p for p in (ROOT / "examples").iterdir() if p.is_dir())


@each
def test_an_example_is_correct_and_formatted(project: Path, cij: Cij) -> None:
    done = cij("check", project)
    assert (done.code, done.out.partition(":")[0]) == (Exit.OK, "ok"), done.out
    assert "warning" not in done.out + done.err
    assert cij("fmt", "--check", project).code == Exit.OK


@pytest.mark.slow
@each
def test_the_tests_of_an_example_pass(project: Path, cij: Cij) -> None:
    done = cij("test", project)
    assert done.code == Exit.OK, done.out
    assert " 0 failed" in done.out


@pytest.mark.slow
@each
def test_an_example_runs_and_sends_nothing_twice(project: Path, tmp_path: Path, cij: Cij) -> None:
    leave = shutil.ignore_patterns(".cij", "outbox", "__pycache__")
    copy = Path(shutil.copytree(project, tmp_path / project.name, ignore=leave))
    run_once(copy)
    events = copy / "data" / "events.jsonl"
    if events.exists():
        assert cij("event", "--file", events, "--project", copy).code == Exit.OK
        run_once(copy)
        assert sum(journey["entered"] for journey in status(copy)["entries"]) > 0
    sent = messages(copy)
    run_once(copy)
    assert messages(copy) == sent


@pytest.mark.slow
@each_by_segment
def test_people_enter_an_example_that_begins_with_a_segment(project: Path, cij: Cij) -> None:
    done = cij("simulate", project, "--from", START, "--days", "3", "--json")
    assert done.code == Exit.OK, done.err
    assert "entered" in {count["what"] for count in json.loads(done.out)["days"]}


@pytest.mark.slow
def test_the_readme_of_loyalty_shows_what_comes(tmp_path: Path, cij: Cij) -> None:
    readme = (ROOT / "examples" / "loyalty" / "README.md").read_text(encoding="utf-8")
    copy = copy_example(tmp_path)
    ran = cij("run", copy, "--once")
    opened = ("event", "opened", "ana.garcia@example.com", "--message", "reward")
    assert cij(*opened, "--project", copy).code == Exit.OK
    run_once(copy)
    told = cij("timeline", "ana.garcia@example.com", "--project", copy).out
    shown = [block.partition("```")[0] for block in readme.split("```text\n")[1:]]
    for block, out in zip(shown, (ran.out + ran.err, told), strict=True):
        assert block
        for line in filter(None, block.splitlines()):
            assert line in out, line
    for line in readme.split("And then:")[1].split("```")[1].splitlines()[1:]:
        words = line.partition("#")[0].replace("examples/loyalty", str(copy)).split()
        assert cij(*words[1:]).code == Exit.OK, line
