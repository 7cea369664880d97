"""Expectations with a condition: what a customer reads, what a call is given, what a field has."""

import shutil
from pathlib import Path

import pytest

from cij.app.compile import compile_path, compiled_stories
from cij.cli.render import render
from cij.grammar.format import format_text
from cij.runtime.story import StoryPlayer, StoryResult
from tests.conftest import FIXTURES, Golden

PROJECT = FIXTURES / "stories" / "expectations"


@pytest.fixture(scope="module")
def results() -> dict[str, StoryResult]:
    program, stories = compiled_stories(PROJECT)
    player = StoryPlayer(program)
    found = {story.title: player.play(story) for story in stories}
    player.close()
    return found


def test_what_is_so_passes(results: dict[str, StoryResult]) -> None:
    passing = {title: r for title, r in results.items() if r.story.place.file == "passing.journey"}
    assert len(passing) == 4
    assert {t: [f.found for f in r.failures] for t, r in passing.items() if not r.is_ok} == {}


def test_what_is_not_so_fails_with_what_is(results: dict[str, StoryResult]) -> None:
    assert [(f.place.line, f.found) for f in results["what is not so"].failures] == [
        (19, "email hello was not sent"),
        (20, "sent: email hello at 2026-03-02 10:00"),
        (
            21,
            'email hello was sent with subject = "Hello, X1" and links = https://shop.example.com/X1',
        ),
        (22, 'do create_task was called with due = "PT4H" and priority = "normal"'),
        (23, "vip is true, points is 10, count(cart within last 90 days) is 1"),
        (24, "waiting at look until 2026-03-03 10:00"),
        (25, "never entered"),
    ]


def test_mistakes_in_conditions_are_diagnostics(tmp_path: Path, golden: Golden) -> None:
    for name in ("cij.toml", "baskets.journey"):
        shutil.copy(PROJECT / name, tmp_path / name)
    shutil.copy(PROJECT / "mistakes.txt", tmp_path / "mistakes.journey")
    found = compile_path(tmp_path)
    golden("stories/expectations/mistakes.golden", render(found.diagnostics, found.texts))


def test_two_lines_stay_two_statements() -> None:
    """The formatter joined them, which let the event come before what was due."""
    two = 'test "t" for j {\n  after 2 days\n  event cart by "ana"\n}\n'
    one = 'test "t" for j {\n  after 2 days event cart by "ana"\n}\n'
    assert [format_text("a.journey", text).text for text in (two, one)] == [two, one]
