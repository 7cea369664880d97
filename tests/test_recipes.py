"""`docs/how-do-i.md`: its answers are one project that compiles, formatted, and its test passes."""

import re
from contextlib import closing
from pathlib import Path

from cij.app.compile import compile_path, compiled_stories
from cij.grammar.format import format_text
from cij.runtime.story import StoryPlayer

PAGE = Path(__file__).parents[1] / "docs" / "how-do-i.md"
TOML = '[project]\nname = "recipes"\ntimezone = "Europe/Madrid"\n'


def test_the_answers_are_one_project_that_compiles(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"```journey\n(.*?)```\n", text, re.DOTALL)
    assert len(re.findall(r"^\*\*… .+\?\*\* ", text, re.MULTILINE)) == 23 == len(blocks) - 1
    (tmp_path / "cij.toml").write_text(TOML)
    (tmp_path / "a.journey").write_text("\n".join(blocks))
    assert [f"{d.span.line}: {d.message}" for d in compile_path(tmp_path).diagnostics] == []
    assert [b for b in blocks if format_text("a.journey", b).text != b] == []
    program, stories = compiled_stories(tmp_path)
    with closing(StoryPlayer(program)) as player:
        assert [f.found for story in stories for f in player.play(story).failures] == []
