"""The patterns of `matches`: what is read, what is refused and why, and that it stays a name elsewhere."""

import pytest

from cij.compiler.text_patterns import BadPattern, portable
from cij.compiler.unparse import words
from cij.grammar.format import format_text
from cij.grammar.parser import parse
from tests.testbed import program_of

READ = {
    "a": "^(?:a)$",
    "(a|b)+ c?": "^(?:(?:a|b){1,} c{0,1})$",
    "[^a-z]{2,}": "^(?:[^a-z]{2,})$",
    "a.": r"^(?:a(?:.|\n))$",
    r"\+[-0-9]": r"^(?:\+[\-0-9])$",
}
REFUSED = {
    "": "is empty",
    "a|": "is empty",
    "()": "is empty",
    "(a": "`(` has no `)`",
    "a)": "`)` closes no group",
    "a**": "`*` follows another repetition",
    "+a": "`+` does not belong here",
    "a{": "followed by a number of times",
    "a{,3}": "followed by a number of times",
    "a{²}": "followed by a number of times",
    "a{3,1}": "is no number of times",
    "a{0}": "is no number of times",
    "a{201}": "is no number of times",
    "[": "followed by characters",
    "[]": "followed by characters",
    "[a-": "is not a range",
    "[a-Z]": "is not a range",
    "[ä-ö]": "is not a range",
    "[[:alpha:]]": "`[` does not belong here",
    r"\d": r"`\d` is not part of a pattern",
    r"(a)\1": r"`\1` is not part of a pattern",
    "a\\": "a backslash at the end",
    "^a": "`^` is not needed",
    "(?i)a": "`(?` is not part",
    "a*?": "`?` follows another repetition",
    "((a{100}){100}){100}": "more than 500 characters",
    "(" * 30 + "a" + ")" * 30: "more than 20 groups",
    "a" * 501: "more than 500 characters",
}


def test_a_pattern_is_written_anew_or_refused() -> None:
    assert {pattern: portable(pattern) for pattern in READ} == READ
    for pattern, wanted in REFUSED.items():
        with pytest.raises(BadPattern) as found:
            portable(pattern)
        assert wanted in found.value.message, pattern


def test_it_is_explained_as_it_is_written() -> None:
    text = 'segment s {\n  where not plan matches "\\\\+[0-9]{2}"\n}\n'
    assert format_text("a.journey", text.replace(" matches ", "  matches\n ")).text == text
    [segment] = [s for s in program_of(text).segments if s.name == "s"]
    assert words(segment.condition) == 'not plan matches "\\\\+[0-9]{2}"'


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ('points matches "a"', "`matches` compares texts, and this is an integer"),
        ('plan matches "^a"', "not needed"),
        ("plan matches plan", "followed by a pattern in quotes"),
        ('plan matches "a" ?? "b"', "a pattern is one text in quotes"),
    ],
)
def test_mistakes_name_it(condition: str, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        program_of(f"segment s {{\n  where {condition}\n}}\n")


def test_matches_stays_a_name_everywhere_else() -> None:
    text = """\
source matches {
  a = matches
  matches {
    matches = text
  }
  matches x {
    b = any(matches) and matches > 1
  }
  where matches matches "a"
}

journey j {
  enter on matches where matches
  steps {
    matches: send sms matches
    end matches
  }
}
"""
    assert parse("a.journey", text)[1] == []
