"""The formatter: what is written right stays; anything else comes out the same every time.

It is tried on 1,500 scrambled declarations and 600 generated files.
"""

import re
from pathlib import Path

import pytest
from hypothesis import assume, given, settings, strategies as st

from cij.grammar.format import COLUMNS_MAX, format_text
from cij.grammar.parser import parse
from tests.draws import draws
from tests.strategies import programs

FOLDER = Path(__file__).parent / "fixtures" / "grammar"
FILES = sorted(path.stem for path in FOLDER.glob("*.journey"))
# Space that may change, and what may not: a text, a comment, a name in back-quotes.
_KEPT = r'"""(?:[^\\]|\\.)*?"""|"(?:[^"\\\n]|\\.)*"|`[^`\n]*`'
_SPACE = re.compile(rf"({_KEPT}|#[^\n]*\n)|[ \n]+", re.DOTALL)
_COMMENT = re.compile(rf"{_KEPT}|(#[^\n]*)", re.DOTALL)


def source(name: str) -> str:
    return (FOLDER / f"{name}.journey").read_text("utf-8")


def formatted(text: str) -> str:
    result = format_text("a.journey", text)
    assert not result.diagnostics
    return result.text


@pytest.mark.parametrize("name", FILES)
def test_what_is_written_right_stays(name: str) -> None:
    assert formatted(source(name)) == source(name)


CASES = {
    "": "",
    "\n\n# only\n\n\n# comments  \n\n": "# only\n\n# comments\n",
    "\ufeffuse b\r\nuse a\r\n": "use b\nuse a\n",
    "segment a{}segment b{}": "segment a {}\n\nsegment b {}\n",
    "segment a { where b or c and(d or e) }": (
        "segment a {\n  where b\n    or c\n    and (d or e)\n}\n"
    ),
    "segment a { where b between 1 and 2 }": "segment a {\n  where b between 1 and 2\n}\n",
    "segment a {\n\n x = -  1\n\n\n y = [ 1,2 ,]\n\n}": (
        "segment a {\n  x = -1\n\n  y = [1, 2]\n}\n"
    ),
    "segment a { # one\n# two\nx # three\n = # four\n 1 # five\n# six\n}": (
        "segment a { # one\n  # two\n  x # three\n    = # four\n    1 # five\n  # six\n}\n"
    ),
    "# doc\nsegment a {}\n# about b\nsegment b {}": (
        "# doc\nsegment a {}\n\n# about b\nsegment b {}\n"
    ),
    'test "" for j { after 2  days  event e by "a" }': (
        'test "" for j {\n  after 2 days event e by "a"\n}\n'
    ),
    'test "" for j { after 2  days\n event e by "a" }': (
        'test "" for j {\n  after 2 days\n  event e by "a"\n}\n'
    ),
    'test "" for j { cases(a,b){"x"(1,2 days)"y" (3 , 4 days)} after case.b }': (
        'test "" for j {\n  cases (a, b) {\n    "x" (1, 2 days)\n    "y" (3, 4 days)\n  }\n'
        "  after case.b\n}\n"
    ),
    "fragment f { if a { } # why\n else { } }": ("fragment f {\n  if a {} # why\n  else {}\n}\n"),
    'source a { b { c = """\n x\n   y\n""" } }': (
        'source a {\n  b {\n    c = """\n      x\n        y\n    """\n  }\n}\n'
    ),
    'source a { c = """x\n   y""" }': 'source a {\n  c = """x\n   y"""\n}\n',
    'source a { c = """\n""" }': 'source a {\n  c = """\n  """\n}\n',
    "source a { c = 2.5 %  d = 21:00 ..  08:00  e = 5  EUR }": (
        "source a {\n  c = 2.5%\n  d = 21:00..08:00\n  e = 5 EUR\n}\n"
    ),
    "segment a { where not\n in\n segment b }": "segment a {\n  where not in segment b\n}\n",
}


@pytest.mark.parametrize(("text", "expected"), CASES.items())
def test_cases(text: str, expected: str) -> None:
    assert formatted(text) == expected
    assert formatted(expected) == expected


def test_a_long_list_has_one_item_a_line() -> None:
    items = [f'"{letter * 20}"' for letter in "abcdef"]
    text = formatted(f"source a {{ x = [{','.join(items)}] }}")
    assert text == "source a {\n  x = [\n" + "".join(f"    {i},\n" for i in items) + "  ]\n}\n"
    assert formatted(text) == text


def test_a_long_condition_has_one_part_a_line() -> None:
    parts = [f"{letter * 20} > 1" for letter in "abcdef"]
    text = formatted(f"fragment f {{ if {' and '.join(parts)} {{ end }} }}")
    assert all(len(line) <= COLUMNS_MAX for line in text.splitlines())
    assert text.count("\n      and ") == 0 and text.count("\n    and ") == 5
    assert formatted(text) == text


def test_a_file_with_a_mistake_is_left_alone() -> None:
    text = "segment a {\n where  b ==  c }"
    result = format_text("a.journey", text)
    assert result.text == text and result.diagnostics


# --- any layout -------------------------------------------------------------------------------

_GAPS = [" ", "  ", "\t", "\n", "\n\n\n", " \r\n\t"]


# A file at a time would cost ten times as much and try no more.
PARTS = [part for name in FILES for part in re.split(r"(?<=\n}\n)\n", source(name))]


@st.composite
def scrambled(draw: st.DrawFn) -> tuple[str, str]:
    """Return declarations and the same with other space, more comments and no layout."""
    text = draw(st.sampled_from(PARTS))
    choices = draw(st.randoms(use_true_random=False))

    def gap(match: re.Match[str]) -> str:
        if match[1]:
            return match[1]
        if "\n" in match[0] and choices.random() < 0.1:
            return f" # {choices.randrange(100)}\n"
        # An event on the line of its `after` and one on a line of its own mean different things.
        if text[match.end() :].startswith("event "):
            return "\n" if "\n" in match[0] else " "
        # The parts of one literal, such as `7 days`, share a line, and so do `name:` and its step.
        return choices.choice(_GAPS if "\n" in match[0] else _GAPS[:3])

    return text, re.sub(_SPACE, gap, text)


@pytest.mark.slow
@settings(max_examples=draws(80))
@given(scrambled())
def test_scrambled_files(pair: tuple[str, str]) -> None:
    text, other = pair
    result = format_text("a.journey", other)
    assume(not result.diagnostics)
    assert formatted(result.text) == result.text
    assert parse("a.journey", result.text)[0] == parse("a.journey", text)[0]
    assert comments(result.text) == comments(other)


def comments(text: str) -> list[str]:
    return [match[1].rstrip() for match in _COMMENT.finditer(text) if match[1]]


# --- any program ------------------------------------------------------------------------------


@pytest.mark.slow
@settings(max_examples=draws(60))
@given(st.data())
def test_generated_programs(data: st.DataObject) -> None:
    text = data.draw(programs())
    result = format_text("a.journey", text)
    if not result.diagnostics:
        assert formatted(result.text) == result.text
        assert comments(result.text) == comments(text)
