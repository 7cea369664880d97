"""Diagnostics as people and programs see them, against golden files."""

import json
import re
from collections.abc import Callable

import pytest

from cij.app.version import own_version
from cij.cli.render import FORMATS, render
from cij.cli.render.colour import painted
from cij.grammar.codes import DUPLICATE_NAME, UNKNOWN_NAME, UNUSED_PARAMETER
from cij.grammar.diagnostic import Diagnostic, Edit, Fix, Label
from cij.grammar.span import Span, file_start

Golden = Callable[[str, str], None]

LOYALTY = """\
segment loyal {
  where point > 1000
    and consent.rewards
}

message email reward {
\ttopic = `Puntos de fidelización`
  body = "忠诚度 {{ code }}"
}
"""
OTHER = "segment loyal {\n  where points > 5\n}\n"
SOURCES = {"journeys/loyalty.journey": LOYALTY, "journeys/other.journey": OTHER}


def span_of(words: str, file: str = "journeys/loyalty.journey") -> Span:
    """Return the span of the first place where `words` stand."""
    text = SOURCES[file]
    start = text.index(words)
    end = start + len(words)
    return Span(file, start, end, *_position(text, start), *_position(text, end))


def _position(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def unknown_field() -> Diagnostic:
    span = span_of("point ")
    span = Span(span.file, span.start, span.end - 1, 2, 9, 2, 14)
    return UNKNOWN_NAME.at(
        span,
        "`customer` has no field `point`",
        label="not a field of `customer`",
        help="did you mean `points`?",
        fixes=[Fix("write `points`", (Edit(span, "points"),))],
    )


def declared_twice() -> Diagnostic:
    return DUPLICATE_NAME.at(
        span_of("segment loyal", "journeys/other.journey"),
        "there are two segments `loyal`",
        label="declared again",
        related=[
            Label(span_of("segment loyal"), "first declared here"),
            Label(span_of("and consent.rewards"), "which asks for 100%: more"),
        ],
        notes=["names are shared by all files of a project"],
    )


CASES = {
    "unknown_field": [unknown_field()],
    "two_files": [declared_twice()],
    "several": [unknown_field(), declared_twice()],
    "tab_and_quoted": [UNKNOWN_NAME.at(span_of("`Puntos de fidelización`"), "no such topic")],
    "wide_characters": [UNUSED_PARAMETER.at(span_of("{{ code }}"), "unused", label="here")],
    "several_lines": [UNKNOWN_NAME.at(span_of(LOYALTY[:60]), "a whole segment", label="all")],
    "whole_file": [UNKNOWN_NAME.at(file_start("missing.journey"), "nothing to show")],
    "nothing": [],
}


@pytest.mark.parametrize("case", CASES)
def test_the_text_form_points_at_the_place(case: str, golden: Golden) -> None:
    golden(f"render/{case}.txt", render(CASES[case], SOURCES))


@pytest.mark.parametrize("format", [f for f in FORMATS if f != "text"])
def test_the_forms_for_programs(format: str, golden: Golden) -> None:
    text = render([unknown_field(), declared_twice()], SOURCES, format)
    own = f'"version": "{own_version()}"'
    golden(f"render/{format}.txt", text.replace(own, '"version": "VERSION"'))


def test_colour_changes_nothing_but_colour() -> None:
    text = render(CASES["several"], SOURCES, paint=painted)
    assert text != render(CASES["several"], SOURCES)
    assert re.sub(r"\x1b\[[\d;]*m", "", text) == render(CASES["several"], SOURCES)


def test_carets_stand_below_the_words_however_wide_they_are() -> None:
    lines = render(CASES["wide_characters"], SOURCES).splitlines()
    source = next(line for line in lines if "忠诚度" in line)
    caret = next(line for line in lines if "^" in line)
    # Three characters of two cells each stand before.
    assert caret.index("^") == source.index("{{") + 3


def test_control_and_bidirectional_characters_do_not_reach_the_terminal() -> None:
    sources = {"a.journey": "x = \x1b[31m \u202e\n"}
    diagnostic = UNKNOWN_NAME.at(Span("a.journey", 0, 1, 1, 1, 1, 2), "bad \x1b[2J name")
    text = render([diagnostic], sources)
    assert "\x1b" not in text and "\u202e" not in text


def test_a_very_long_line_is_cut_around_the_place() -> None:
    line = "x" * 10_000 + " here " + "y" * 10_000
    diagnostic = UNKNOWN_NAME.at(Span("a", 10_001, 10_005, 1, 10_002, 1, 10_006), "m")
    text = render([diagnostic], {"a": line})
    source, caret = text.splitlines()[3:5]
    assert len(source) < 200
    assert source[caret.index("^") :].startswith("here")


def test_github_gives_no_columns_for_several_lines_and_escapes_line_feeds() -> None:
    span = span_of(LOYALTY[:60])
    text = render([UNKNOWN_NAME.at(span, "50%", help="a\nb")], SOURCES, "github")
    assert "col=" not in text
    assert text.endswith("::50%25%0Ahelp: a%0Ab\n")


def test_json_and_sarif_parse_even_with_nothing_to_say() -> None:
    assert json.loads(render([], {}, "json"))["diagnostics"] == []
    assert json.loads(render([], {}, "sarif"))["runs"][0]["results"] == []
