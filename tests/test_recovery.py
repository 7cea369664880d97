"""Going on after a mistake: the words for known mistakes, the bars over random ones, the tree."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean

import pytest

from bench.frontend.__main__ import GARBAGE, GARBAGE_SIZE
from bench.frontend.mutations import outcomes, sources
from cij.grammar import syntax
from cij.grammar.diagnostic import Diagnostic
from cij.grammar.parser import PLACEHOLDER, parse

Golden = Callable[[str, str], None]
FOLDER = Path(__file__).parent / "fixtures" / "recovery" / "mistakes"
# Where the snippets of each file stand. Something correct follows.
FRAMES = {
    "conditions": "segment s {\n  where @\n}\n",
    "declarations": "@\n",
    "headers": "journey j {\n  enter from segment s\n  @\n\n  steps {\n    end\n  }\n}\n",
    "steps": "journey j {\n  enter from segment s\n\n  steps {\n    @\n  }\n}\n",
}
AFTER = "\nsegment last {\n  where points > 1\n}\n"
CASES = 1_000
PAIRS = 200


def snippets(name: str) -> list[str]:
    return (FOLDER / f"{name}.txt").read_text("utf-8").rstrip("\n").split("\n---\n")


def read(name: str, snippet: str) -> tuple[syntax.File, list[Diagnostic]]:
    return parse("a.journey", FRAMES[name].replace("@", snippet) + AFTER)


def told(found: Diagnostic) -> str:
    fixes = [edit for fix in found.fixes for edit in fix.edits]
    lines = [f"  {found.span.line}:{found.span.column}: {found.message}"]
    lines += [f"    help: {found.help}"] if found.help else []
    lines += [f"    fix: {edit.text!r}" for edit in fixes]
    return "".join(f"{line}\n" for line in lines)


# --- known mistakes ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", FRAMES)
def test_known_mistakes_have_words_of_their_own(name: str, golden: Golden) -> None:
    parts = []
    for snippet in snippets(name):
        diagnostics = read(name, snippet)[1]
        parts.append(f"{snippet}\n{''.join(map(told, diagnostics)) or '  fine'}")
    golden(f"recovery/mistakes/{name}.golden", "\n".join(parts))
