"""Policies: what keeps a message back, until when, and with which reason (S16 to S18, S20)."""

from functools import cache

import pytest

from cij.app.compile import compiled_stories
from cij.compiler.program import Program
from cij.compiler.story import Story
from cij.runtime.story import StoryPlayer
from tests.conftest import FIXTURES

PROJECT = FIXTURES / "stories" / "policies"


@cache
def _stories() -> tuple[Program, dict[str, Story], StoryPlayer]:
    program, stories = compiled_stories(PROJECT)
    return program, {f"{s.journey}: {s.title}": s for s in stories}, StoryPlayer(program)


@pytest.mark.slow
@pytest.mark.parametrize("name", _stories()[1])
def test_a_rule_of_sending_holds(name: str) -> None:
    _, stories, player = _stories()
    result = player.play(stories[name])
    found = [f"{f.place} {f.statement}: {f.found}\n" + "\n".join(f.trace) for f in result.failures]
    assert not found, "\n".join(found)
