"""Texts that nobody would write, and what must hold of reading, checking and formatting any text.

`tests/test_fuzz.py` draws a fixed number of them; `python -m bench.fuzz` goes on for as long as it
is told to. `python -m tests.fuzzing --minutes 60` does the same for values (`tests/value_fuzzing.py`).
"""

import argparse
import tempfile
import time
from functools import cache
from pathlib import Path

from hypothesis import strategies as st

from bench.frontend.mutations import sources
from cij.app.journey_file import read_file
from cij.cli.render import render
from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.grammar.diagnostic import Diagnostic
from cij.grammar.format import format_text
from cij.grammar.parser import parse, parse_tree
from cij.grammar.span import Span
from tests.strategies import programs
from tests.value_fuzzing import examine_values

FILE = "a.journey"
DIAGNOSTICS_MAX = 50
# Of the processor. Generous: what takes squares of the size is far beyond.
SECONDS, SECONDS_A_CHARACTER = 5.0, 0.0005
SETTINGS = ProjectSettings("fuzz", "Europe/Madrid", "en")
_ODD = "\u202e\u2066\u200d\u200b\ufeff\u0301\x00\x1b\r\x0b\u2028\u3000é字\U0001f389\ud800"
_WORDS = """
    journey segment message source profile event measure topic test policy fragment use steps enter
    from on again exit goal send wait for up to if else switch case split end where and or not in
    is known unknown between within last days email a `b c` a.b.c 1 2.5 20% 5 EUR 2026-02-30 25:00
    "x" "{{ y }}" \"\"\" { } ( ) [ ] = == != >= , : ; ?? + - * / # ' ` \\ null
"""
_OPENERS = (
    "(",
    "{",
    "[",
    "if x { ",
    "not ",
    "- ",
    '"""',
    '"',
    "a(",
    "x = [",
    "a { ",
    "`",
    "a and (",
)


# --- what is drawn ----------------------------------------------------------------------------


@cache
def examples() -> tuple[str, ...]:
    return tuple(source.text for source in sources())


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Return an example with some stretches deleted, doubled, moved or overwritten."""
    text = draw(st.sampled_from(examples()))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from([0, 1, 2, 5, 20, 200])))
        new = draw(st.one_of(st.just(""), st.just(text[start:end] * 2), small(), pieces()))
        text = text[:start] + new + text[end:]
    return text


def small() -> st.SearchStrategy[str]:
    return st.text(st.sampled_from(_ODD) | st.characters(), max_size=8)


def pieces() -> st.SearchStrategy[str]:
    """Words and signs of the language in any order."""
    words, gaps = st.sampled_from(_WORDS.split()), st.sampled_from([" ", "", "\n", "  # c\n"])
    return st.lists(st.tuples(words, gaps).map("".join), max_size=40).map("".join)


@st.composite
def nested(draw: st.DrawFn) -> str:
    opener = draw(st.sampled_from(_OPENERS))
    count = draw(st.sampled_from([10, 95, 101, 1_000, 20_000]))
    head = draw(st.sampled_from(["", "segment a {\n  where ", "journey j {\n  steps {\n    "]))
    return head + opener * count + draw(pieces())


TEXTS: dict[str, st.SearchStrategy[str]] = {
    "any characters": st.text(st.sampled_from(_ODD) | st.characters(), max_size=300),
    "words of the language": pieces(),
    "changed examples": mutated(),
    "deep nesting": nested(),
    "programs of the grammar": st.deferred(lambda: programs()),
}


# --- what must hold ---------------------------------------------------------------------------


def examine(text: str) -> None:
    """Read, check and format a text, which must keep all the promises."""
    start = time.process_time()
    _examine_reading(text)
    _examine_check(text)
    _examine_format(text)
    seconds = time.process_time() - start
    assert seconds < SECONDS + SECONDS_A_CHARACTER * len(text), f"it took {seconds:.1f} s"


def examine_bytes(data: bytes) -> None:
    """As `examine`, for what a file may hold."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, FILE)
        file.write_bytes(data)
        found = read_file(file, FILE)
    if isinstance(found, Diagnostic):
        assert found.is_error
    else:
        examine(found)


def _examine_reading(text: str) -> None:
    node, diagnostics, _ = parse_tree(FILE, text)
    assert len(diagnostics) <= DIAGNOSTICS_MAX
    for part in node.declarations:
        _examine_span(part.span, text)
    _examine_diagnostics(diagnostics, text)


def _examine_check(text: str) -> None:
    found = compile_project(SETTINGS, {FILE: text}, {}, {})
    assert (found.program is None) == any(d.is_error for d in found.diagnostics)
    _examine_diagnostics([d for d in found.diagnostics if d.span.file == FILE], text)


def _examine_diagnostics(diagnostics: list[Diagnostic], text: str) -> None:
    for one in diagnostics:
        fixes = [edit.span for fix in one.fixes for edit in fix.edits]
        for span in (one.span, *(label.span for label in one.related), *fixes):
            _examine_span(span, text)
    shown = render(diagnostics, {FILE: text})
    assert not set(shown) & {"\x1b", "\x00", "\u202e", "\u2066"}


def _examine_span(span: Span, text: str) -> None:
    assert span.file == FILE and 0 <= span.start <= span.end <= len(text), span
    for offset, line, column in (
        (span.start, span.line, span.column),
        (span.end, span.end_line, span.end_column),
    ):
        assert line == text.count("\n", 0, offset) + 1, span
        assert column == offset - text.rfind("\n", 0, offset), span


def _examine_format(text: str) -> None:
    done = format_text(FILE, text)
    if done.diagnostics:
        assert done.text == text
        return
    again = format_text(FILE, done.text)
    assert not again.diagnostics and again.text == done.text
    assert parse(FILE, done.text)[0] == parse(FILE, text)[0]


# --- values, for as long as wanted ------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description="Send odd values through every door of cij.")
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--from", dest="first", type=int, default=0, help="The first seed.")
    parser.add_argument("--seed", type=int, help="Only this one.")
    given = parser.parse_args()
    if given.seed is not None:
        examine_values(given.seed)
        return
    end, seed = time.monotonic() + given.minutes * 60, given.first
    commands = 0
    while time.monotonic() < end:
        commands += len(examine_values(seed).done)
        seed += 1
    print(f"seeds {given.first} to {seed - 1}: {commands} commands, and none was a bug")


if __name__ == "__main__":
    main()
