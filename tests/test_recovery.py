"""Going on after a mistake: the words for known mistakes, the bars over random ones, the tree."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean

import pytest

from bench.frontend.__main__ import GARBAGE
from bench.frontend.mutations import outcomes, sources
from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
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
# `python -m bench.frontend recovery` draws more, and reads 10 MB of garbage.
CASES = 100
PAIRS = 40
GARBAGE_BYTES = 1_000_000
# So many mistakes of each kind, at least, have a fix.
FIXES_MIN = 20


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


# What is one mistake to its author, and two to any reader: a block without its `}` as well.
TWICE = {"if points > 3:", "if points > 3 -> end", 'case "gold": end', "steps: {"}


@pytest.mark.parametrize("name", FRAMES)
def test_a_known_mistake_gives_one_diagnostic(name: str) -> None:
    for snippet in snippets(name):
        lines = [found.span.line for found in read(name, snippet)[1]]
        repeated = snippet.count(",\n") + snippet.count(";\n")
        is_twice = any(part in snippet for part in TWICE)
        assert len(lines) <= max(1, repeated) + is_twice, snippet


@pytest.mark.parametrize("name", FRAMES)
def test_a_fix_removes_its_mistake(name: str) -> None:
    count = 0
    for snippet in snippets(name):
        text = FRAMES[name].replace("@", snippet) + AFTER
        for found in parse("a.journey", text)[1]:
            for edit in (edit for fix in found.fixes for edit in fix.edits):
                fixed = text[: edit.span.start] + edit.text + text[edit.span.end :]
                after = parse("a.journey", fixed)[1]
                assert told(found) not in map(told, after), snippet
                count += 1
    assert count >= FIXES_MIN


@pytest.mark.parametrize("name", FRAMES)
def test_what_follows_a_known_mistake_is_read(name: str) -> None:
    for snippet in snippets(name):
        declarations = read(name, snippet)[0].declarations
        last = declarations[-1]
        assert isinstance(last, syntax.Declaration) and last.name.text == "last", snippet


# --- random mistakes --------------------------------------------------------------------------


@pytest.mark.slow
def test_a_random_edit_gives_one_diagnostic_near_it() -> None:
    cases = outcomes(sources(), seed=0, count=CASES)
    assert mean(case.is_found for case in cases) >= 0.9
    assert mean(len(case.diagnostics) for case in cases) <= 1.5
    assert mean(case.is_usable for case in cases) >= 0.97


@pytest.mark.slow
def test_two_edits_give_two_diagnostics() -> None:
    cases = outcomes(sources(), seed=0, count=PAIRS, edits=2)
    assert mean(len(case.diagnostics) == 2 for case in cases) >= 0.8


@pytest.mark.parametrize("name", GARBAGE)
def test_much_garbage_is_read_soon(name: str) -> None:
    unit = GARBAGE[name]
    # The time of the processor, because a busy machine says nothing about the parser.
    start = time.process_time()
    _, diagnostics = parse("a.journey", (unit * (GARBAGE_BYTES // len(unit) + 1))[:GARBAGE_BYTES])
    assert 1 <= len(diagnostics) <= 50
    assert time.process_time() - start < 3


@pytest.mark.parametrize(
    "word", ["expect no other message to", 'event bought by "bo" event bought by']
)
def test_a_mistake_after_a_word_that_also_begins_declarations_is_one(word: str) -> None:
    text = f'test "t" for j {{\n  {word} "ana"\n  expect "ana" ended 2026-03-02\n}}\n' + AFTER
    node, diagnostics = parse("a.journey", text)
    assert [found.span.line for found in diagnostics] == [3]
    assert names(node)[-1] == "last"


# --- the tree ---------------------------------------------------------------------------------


def names(node: syntax.File) -> list[str]:
    return [part.name.text for part in node.declarations if isinstance(part, syntax.Declaration)]


def test_a_correct_file_has_no_damage() -> None:
    node, _ = parse("a.journey", "segment a {\n  where x\n}\n")
    assert (node.damaged, node.lost) == ((), frozenset())


def test_a_damaged_declaration_stays_in_the_tree() -> None:
    text = "segment a {\n  where x\n}\n\nsegment b {\n  where x > y z\n}\n\nsegment c {\n}\n"
    node, diagnostics = parse("a.journey", text)
    assert names(node) == ["a", "b", "c"]
    assert [span.line for span in node.damaged] == [5]
    assert node.lost == {"b", "where", "x", "y", "z"}
    assert len(diagnostics) == 1


def test_a_missing_name_has_a_placeholder() -> None:
    node, _ = parse("a.journey", "segment {\n  where x\n}\n")
    assert names(node) == [PLACEHOLDER]
    assert PLACEHOLDER in node.lost


def test_a_declaration_too_deep_to_build_is_lost() -> None:
    text = "segment a {\n  where " + "(" * 101 + "x" + ")" * 101 + "\n}\n\nsegment b {\n}\n"
    node, _ = parse("a.journey", text)
    assert names(node) == ["b"]
    assert "a" in node.lost


def test_a_missing_brace_is_reported_where_the_lines_say() -> None:
    text = "segment a {\n  where x\n}\n\njourney j {\n  steps {\n    if x {\n      end\n    wait 1 day\n  }\n}\n"
    node, (found,) = parse("a.journey", text)
    assert (found.message, found.span.line) == ("`if x` is not closed", 8)
    assert [label.span.line for label in found.related] == [7]
    journey = node.declarations[1]
    assert isinstance(journey, syntax.Journey) and len(journey.steps) == 2


@pytest.mark.parametrize("word", ["se", "us", "mesage", "journe", "polic", "tes", "fragmen"])
def test_a_misspelt_word_is_never_read_as_a_kind_that_has_a_form_of_its_own(word: str) -> None:
    text = f"{word} loyal {{\n  where points > 1000\n}}\n"
    found = compile_project(ProjectSettings("a", "UTC"), {"a.journey": text}, {}, {})
    assert any(d.is_error for d in found.diagnostics)
