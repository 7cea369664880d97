"""Tests that journeys carry: the stories in `fixtures/stories`, what they say, and how fast.

`passing` holds one story a rule of the semantics; they are tests of the engine as well.
"""

import json
import re
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from time import process_time
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from cij.app.compile import compiled_stories
from cij.cli.junit import junit
from cij.cli.main import cli
from cij.cli.render import render
from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.compiler.program import Program
from cij.compiler.sql import query
from cij.compiler.story import Story
from cij.runtime import zones
from cij.runtime.clock import SimulatedClock
from cij.runtime.deploy import deploy
from cij.runtime.engine import open_engine
from cij.runtime.refresh import take_in
from cij.runtime.simulate import run_to
from cij.runtime.story import StoryPlayer, StoryResult, run_story
from cij.runtime.story.coverage import Coverage
from tests.builders import PLACE
from tests.conftest import FIXTURES, Cij, Golden

STORIES = FIXTURES / "stories"
PASSING, FAILING, MISTAKES = STORIES / "passing", STORIES / "failing", STORIES / "mistakes"


@cache
def _passing() -> tuple[Program, dict[str, Story], StoryPlayer]:
    program, stories = compiled_stories(PASSING)
    return program, {f"{s.journey}: {s.title}": s for s in stories}, StoryPlayer(program)


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["test", *map(str, arguments)], catch_exceptions=False)


def _without_times(text: str) -> str:
    return re.sub(r"\d+ ms", "N ms", text)


# --- the rules --------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", _passing()[1])
def test_a_rule_of_the_semantics_holds(name: str) -> None:
    _, stories, player = _passing()
    result = player.play(stories[name])
    found = [f"{f.place} {f.statement}: {f.found}\n" + "\n".join(f.trace) for f in result.failures]
    assert not found, "\n".join(found)


@pytest.mark.slow
def test_a_story_leaves_nothing_behind() -> None:
    program, stories, player = _passing()
    story = stories["carts: one passage a cart, and an event reaches that of its own cart"]
    again = [player.play(story), player.play(story), run_story(program, story)]
    assert again[0] == again[1] == again[2]


def test_a_conversion_after_the_end_is_recorded() -> None:
    _, stories, player = _passing()
    story = stories["staying: a conversion counts inside its window after the end"]
    trace = player.play(story).traces["ana"]
    assert trace[-2:] == (
        "2026-03-06 10:00  event purchase",
        "2026-03-06 10:00  reaches goal bought",
    )


def test_the_same_customer_is_drawn_alike_in_every_story() -> None:
    _, stories, player = _passing()
    story = stories["halves: the same person gets the same arm again"]
    sends = [line for line in player.play(story).traces["ana"] if "email" in line]
    assert [line.split("  ")[1] for line in sends] == [
        "#1 a: email first delivered",
        "#3 a: email first delivered",
    ]


# --- what is left out of virtual time ---------------------------------------------------------

_WINDOWS = {
    "day": "any(visit within last 1 day)",
    "no_day": "email is known and not any(visit within last 1 day)",
    "month": "any(visit within last 1 month)",
    "hours": "any(visit within last 6 hours)",
    "today": "today() = 2026-03-28 or today() = 2026-03-30",
    "now": "now() > 2026-03-30 12:30",
}
_JOURNEY = """
segment {name} {{
  where {condition}
  refresh = 5 hours
}}

journey in_{name} {{
  enter from segment {name}
  again always

  steps {{
    hello: send email first
  }}
}}
"""
# Around the last Sunday of March, when Madrid goes from +1 to +2; the last of February.
_VISITS = (
    ("ana", "2026-02-27T11:10:00"),
    ("ana", "2026-03-28T01:30:00"),
    ("ana", "2026-03-28T02:30:00"),
    ("ana", "2026-03-29T01:30:00"),
    ("ana", "2026-03-31T09:59:59"),
    ("eve", "2026-02-28T09:00:00"),
    ("eve", "2026-03-27T00:00:00"),
    ("eve", "2026-03-29T23:59:00"),
)


@pytest.mark.slow
def test_virtual_time_leaves_out_only_instants_at_which_nothing_can_change() -> None:
    skipped, skipped_ticks = _entered(is_skipping=True)
    every, all_ticks = _entered(is_skipping=False)
    assert skipped == every
    assert len(every) > 15
    assert skipped_ticks <= all_ticks


def _entered(*, is_skipping: bool) -> tuple[list[tuple[Any, ...]], int]:
    """Return (journey, customer, instant) of every passage, and the number of ticks."""
    world = deploy(open_engine(None), _windows(), datetime(2026, 3, 1))
    if not is_skipping:
        plans = world.newest.segments
        for name, plan in plans.items():
            plans[name] = replace(plan, next_change=None)
    columns = {
        "id": ["ana", "eve"],
        "zone": ["Europe/Madrid", "America/New_York"],
        "email": ["a@example.com", "e@example.com"],
    }
    zones.ensure(world.engine, ["America/New_York"])
    world.engine.append("customer", columns)
    start = datetime(2026, 3, 26, 0, 20)
    ticks = 0
    for who, at in (*_VISITS, ("ana", "2026-04-02T00:00:00")):
        instant = max(datetime.fromisoformat(at), start)
        ticks += run_to(world, SimulatedClock(start), instant, lambda at: None)
        row = {"event": "visit", "customer": who, "at": datetime.fromisoformat(at)}
        take_in(world.engine, world.program, [row], instant)
        start = instant
    found = world.engine.rows(
        query(
            "SELECT p.journey, p.customer, p.entered_at FROM passage AS p "
            "ORDER BY p.journey, p.customer, p.entered_at"
        )
    )
    world.engine.close()
    return found, ticks


def _windows() -> Program:
    parts = [_JOURNEY.format(name=n, condition=c) for n, c in _WINDOWS.items()]
    texts = {
        "data.journey": (PASSING / "data.journey").read_text(encoding="utf-8"),
        "windows.journey": "".join(parts),
    }
    compilation = compile_project(ProjectSettings("windows", "Europe/Madrid"), texts, {}, {})
    assert compilation.program is not None, compilation.diagnostics
    return compilation.program


# --- what is told -----------------------------------------------------------------------------


def test_failures_tell_what_was_expected_and_what_happened(golden: Golden) -> None:
    result = _run(FAILING)
    assert result.exit_code == 1
    golden("stories/failing.txt", _without_times(result.output))


def test_verbose_tells_of_passing_stories_too(golden: Golden) -> None:
    result = _run(FAILING, "--match", "ALL IS", "--verbose")
    assert result.exit_code == 0
    golden("stories/verbose.txt", _without_times(result.output))


@pytest.mark.slow
def test_one_file_can_be_tested_alone() -> None:
    output = _run(PASSING / "consent.journey").output
    assert output.count("ok  ") == 5
    assert "5 tests: 5 passed, 0 failed" in output


def test_no_tests_are_no_failure() -> None:
    result = _run(PASSING / "data.journey")
    assert result.exit_code == 0
    assert "no tests" in result.output


def test_a_filter_that_fits_no_test_is_no_success() -> None:
    result = _run(PASSING, "--match", "nothing like it")
    assert result.exit_code == 2
    assert "no test has `nothing like it` in its title or journey" in result.output


def test_json_has_every_test_with_its_failures() -> None:
    result = _run(FAILING, "--json")
    assert result.exit_code == 1
    found = json.loads(result.output)
    assert (found["passed"], found["failed"]) == (1, 4)
    assert [t["passed"] for t in found["tests"]] == [True, False, False, False, False]
    held_out = found["tests"][4]
    assert set(held_out) == {
        *("title", "case", "journey", "file", "line", "passed", "ms", "failures")
    }
    failure = held_out["failures"][0]
    assert failure["file"] == "shop.journey"
    assert failure["statement"] == 'expect sent email hello to "bob"'
    assert failure["hint"].startswith("withheld: in the holdout group")
    assert "2026-03-02 10:00  enters (held out)" in failure["trace"]


def test_junit_has_a_suite_for_each_journey(tmp_path: Path) -> None:
    file = tmp_path / "report.xml"
    assert _run(FAILING, "--junit", file).exit_code == 1
    root = ElementTree.parse(file).getroot()
    assert root.tag == "testsuites"
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("5", "4", "0")
    assert [suite.get("name") for suite in root] == ["welcome", "measured"]
    cases = root.findall("./testsuite/testcase")
    assert [len(case) for case in cases] == [0, 3, 7, 5, 1]
    assert cases[0].get("file") == "shop.journey"
    failure = cases[1][0]
    assert "but: email hello was sent at 2026-03-02 10:00" in (failure.get("message") or "")
    assert "shop.journey:101:3" in (failure.text or "")


def test_junit_is_xml_whatever_a_title_says() -> None:
    story = Story("a < b & \x07 \ud800", "j", PLACE, "2026-03-02 10:00:00", ())
    text = junit([(StoryResult(story, (), {}), 0.5)])
    case = ElementTree.fromstring(text).find("./testsuite/testcase")
    assert case is not None
    assert case.get("name") == "a < b & \ufffd \ufffd"


# --- coverage ---------------------------------------------------------------------------------


def test_coverage_tells_what_no_test_comes_by(golden: Golden) -> None:
    result = _run(FAILING, "--coverage")
    golden("stories/coverage.txt", _without_times(result.output.partition("Covered")[2]))


@pytest.mark.slow
def test_coverage_sees_what_happens_under_policies(golden: Golden) -> None:
    result = _run(STORIES / "policies", "--coverage")
    golden("stories/coverage_policies.txt", _without_times(result.output.partition("Covered")[2]))


@pytest.mark.slow
def test_coverage_sees_every_kind_of_point() -> None:
    program, stories, _ = _passing()
    coverage = Coverage(program)
    with closing(StoryPlayer(program, is_telling=False, observe=coverage.read)) as player:
        for name in ("watching", "race", "joined", "leaving", "staying", "carts", "early"):
            for story in stories.values():
                if story.journey == name:
                    player.play(story)
    covered = {
        (p.journey, p.kind, p.step, p.name)
        for p, is_covered in coverage.points.items()
        if is_covered
    }
    assert {
        ("race", "entry", "", "from segment reachable"),
        ("watching", "condition", "hold", "when 1"),
        ("race", "event", "look", "opened(first) #2"),
        ("race", "timeout", "look", "timeout"),
        ("early", "event", "look", "opened(first)"),
        ("leaving", "exit", "", "exit:opted_out"),
        ("staying", "goal", "", "bought"),
        ("joined", "locale", "first", "en"),
        ("carts", "entry", "", "on cart"),
    } <= covered
    # And nothing that did not happen.
    assert ("watching", "timeout", "hold", "timeout") not in covered
    assert not any(journey == "win_back" for journey, *_ in covered)


@pytest.mark.slow
def test_coverage_can_be_demanded() -> None:
    arguments = (PASSING / "races.journey", "--match", "earliest", "--fail-under")
    assert _run(*arguments, "1").exit_code == 0
    result = _run(*arguments, "99.5")
    assert result.exit_code == 1
    assert "is covered, less than 99.5%" in result.stderr


def test_coverage_is_in_the_json() -> None:
    found = json.loads(_run(FAILING, "--json", "--coverage").output)
    points = found["coverage"]["journeys"]["welcome"]["points"]
    assert {"kind", "step", "name", "condition", "file", "line", "covered"} == set(points[0])
    assert 0 < found["coverage"]["covered_percent"] < 100


# --- mistakes in tests ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["names", "never", "cases"])
def test_mistakes_in_tests_are_diagnostics(name: str, golden: Golden) -> None:
    files = ["shop.journey", f"{name}.journey"]
    texts = {file: (MISTAKES / file).read_text(encoding="utf-8") for file in files}
    found = compile_project(ProjectSettings("stories", "Europe/Madrid"), texts, {}, {})
    assert found.program is None
    golden(f"stories/mistakes/{name}.golden", render(found.diagnostics, texts))


def test_a_project_with_mistakes_is_not_tested(tmp_path: Path, cij: Cij) -> None:
    for file in (MISTAKES / "shop.journey", MISTAKES / "never.journey", PASSING / "cij.toml"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    done = cij("test", tmp_path)
    assert done.code == 1
    assert "CIJ805" in done.err


# --- speed ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_second_story_of_a_journey_is_fast() -> None:
    _, stories, player = _passing()
    story = stories["race: silence ends at the deadline"]
    player.play(story)
    start = process_time()
    player.play(story)
    assert process_time() - start < 0.2
