"""A value by cases: what it is, how it is written, and its mistakes."""

from datetime import datetime

import pytest

from cij.compiler import expression as ex
from cij.compiler.compilation import compile_project
from cij.compiler.proofs.verdicts import always, implies
from cij.compiler.unparse import words
from cij.grammar.format import format_text
from cij.runtime.engine import open_engine
from tests.testbed import DATA, SETTINGS, TestBed, program_of

NOW = datetime(2026, 3, 2, 10)
LEVEL = """measure level {
  value = when points > 1000 then "gold"
    when points > 100 or plan = "vip" then "silver"
    else plan
}
"""
JOURNEY = """journey j {
  enter from segment known
  steps {
    set seen = when level = "gold" then 2 when level = "silver" then points else 0
    rest: wait 1 day
  }
}

segment known {
  where (when points > 1 then 1.5 else 2) > 1.2
}
"""


def test_the_first_case_that_holds_gives_the_value() -> None:
    bed = TestBed(LEVEL + JOURNEY, NOW, open_engine(None, threads=1))
    for name, points, plan in (
        ("ana", 2000, "vip"),
        ("bob", 200, None),
        ("cyd", 5, "vip"),
        ("dan", 5, "basic"),
        ("eve", None, None),
    ):
        bed.people(name, points=points, plan=plan)
    bed.tick(NOW)
    found = dict(bed.rows("SELECT c.id, c.seen FROM customer AS c"))
    assert found == {"ana": 2, "bob": 200, "cyd": 5, "dan": 0, "eve": 0}


def _condition(text: str) -> ex.Expression:
    program = program_of(LEVEL + f"segment s {{\n  where {text}\n}}\n")
    return next(s.condition for s in program.segments if s.name == "s")


def test_it_is_formatted_explained_and_proven() -> None:
    loose = LEVEL.replace("\n    ", "   ").replace("= when", "=\n when")
    assert format_text("a.journey", loose).text == LEVEL
    short = 'measure m {\n  value = when points > 5 and points < 9 then "a" else "b"\n}\n'
    assert format_text("a.journey", short).text == short
    text = 'lower(when points > 5 then "A" else plan) = "a"'
    assert words(_condition(text)) == text
    program = program_of(LEVEL + 'segment s {\n  where level = "gold"\n}\n')
    model = compile_project(SETTINGS, {"d.journey": DATA, "a.journey": LEVEL}, {}, {}).model
    [gold] = [s.condition for s in program.segments if s.name == "s"]
    assert implies(gold, _condition('points > 50 or plan = "gold"'), model)
    assert not implies(gold, _condition("points > 50"), model)
    assert always(_condition("(when points > 5 then 1 else 2) < 3"), model)


def test_a_condition_that_begins_with_a_minus_is_in_parentheses() -> None:
    text = "(when (-points > 3) then 1 when points > 2 then 2 else 3) = 1"
    assert words(_condition(text)) == text


def test_a_field_may_be_called_when() -> None:
    event = "event called {\n  fields {\n    when = date\n    then = text\n  }\n}\n"
    head = "segment s {\n  where any(called where "
    for condition in ("when is known", "when = 2026-01-01", "when in [2026-01-01]", 'then = "a"'):
        assert program_of(event + head + condition + ")\n}\n").segments


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ('when points > 1 then "a" else 2', "cannot choose between text with an integer"),
        ("when points > 1 then 1 EUR else 2 USD", "two currencies|cannot choose"),
        ("when points then 1 else 2", "a condition is true or false"),
        ("when points > 1 then plan = plan else true", "cannot be boolean"),
        ("when points > 1 then 2 days else 3 days", "cannot be duration"),
        ("when points > 1 then nothing_known else 1", "nothing_known"),
        ("when points > 1 then 2", "a value by cases ends with `else`"),
    ],
)
def test_mistakes(value: str, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        program_of(f"measure m {{\n  value = {value}\n}}\n")


def test_a_value_that_an_enum_does_not_have() -> None:
    action = (
        'use std.actions\n\naction a {\n  parameters {\n    level = enum("low", "high")\n  }\n}\n'
    )
    step = 'journey j {\n  enter on visit\n  steps {\n    go: do a {\n      level = when points > 1 then "lo" else "high"\n    }\n  }\n}\n'
    with pytest.raises(AssertionError, match='"lo" is not a value of this enum'):
        program_of(action.replace("use std.actions\n\n", "") + step)
    assert program_of(action.replace("use std.actions\n\n", "") + step.replace('"lo"', '"low"'))
