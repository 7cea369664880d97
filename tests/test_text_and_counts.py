"""`count(distinct …)`, `starts with any of`, `contains any of`, `replace`: what they find, and mistakes."""

from datetime import datetime

import pytest

from cij.compiler.compilation import compile_project
from cij.compiler.unparse import words
from cij.grammar.format import format_text
from tests.testbed import DATA, DAY, SETTINGS, TestBed, program_of

NOW = datetime(2026, 3, 2, 10)
SEGMENT = "segment {name} {{\n  where {condition}\n}}\n"
JOURNEY = "journey in_{name} {{\n  enter from segment {name}\n  steps {{\n    rest: wait 1 day\n  }}\n}}\n"
PEOPLE: dict[str, set[str]] = {
    "count(distinct purchase.coupon) = 2": {"ana"},
    "count(distinct purchase.coupon within last 36 hours) = 1": {"ana", "bob"},
    'count(distinct purchase.coupon where coupon != "A") = 1': {"ana"},
    "count(distinct purchase.coupon) = 0": {"eve"},
    'plan starts with any of ["go", "si"]': {"ana", "bob"},
    'not plan starts with any of ["go"]': {"bob", "eve"},
    'plan contains any of ["ilve", "nothing"]': {"bob"},
    'replace(plan, "go", "") = "ld"': {"ana"},
    'replace(plan, "", "x") = "gold"': {"ana"},
    "replace(plan, plan, plan) is unknown": {"eve"},
}


@pytest.fixture(scope="module")
def entered() -> set[tuple[str, str]]:
    parts = [
        text.format(name=f"s{n}", condition=condition)
        for n, condition in enumerate(PEOPLE)
        for text in (SEGMENT, JOURNEY)
    ]
    bed = TestBed("".join(parts), NOW)
    bed.people("ana", plan="gold")
    bed.people("bob", plan="silver")
    bed.people("eve")
    for days, coupon in ((3, "B"), (2, "A"), (1, "A")):
        bed.event("purchase", "ana", NOW - days * DAY, coupon=coupon)
    bed.event("purchase", "ana", NOW - DAY)
    bed.event("purchase", "bob", NOW - DAY, coupon="A")
    bed.tick(NOW)
    return {(j, c) for j, c in bed.rows("SELECT p.journey, p.customer FROM passage AS p")}


@pytest.mark.slow
@pytest.mark.parametrize(("place", "condition"), [*enumerate(PEOPLE)])
def test_whom_it_finds(place: int, condition: str, entered: set[tuple[str, str]]) -> None:
    assert {c for j, c in entered if j == f"in_s{place}"} == PEOPLE[condition]


def test_it_is_formatted_and_explained_as_it_is_written() -> None:
    written = 'count ( distinct   purchase.coupon ) >= 2 and plan  starts  with any  of [ "a" ]'
    wanted = 'count(distinct purchase.coupon) >= 2\n    and plan starts with any of ["a"]'
    text = SEGMENT.format(name="s", condition=written)
    formatted = SEGMENT.format(name="s", condition=wanted)
    assert format_text("a.journey", text).text == formatted
    [segment] = [s for s in program_of(formatted).segments if s.name == "s"]
    assert (
        words(segment.condition) == 'count(distinct purchase.coupon) >= 2 and plan starts with "a"'
    )


def test_an_event_may_be_called_distinct() -> None:
    text = "event distinct {\n  fields {\n    x = text\n  }\n}\n"
    conditions = "count(distinct) = 1 and count(distinct where x is known) = 1 and count(distinct distinct.x) = 1"
    assert program_of(text + SEGMENT.format(name="s", condition=conditions)).segments


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("count(distinct purchase) = 1", "counts the different values of one field"),
        ("sum(distinct purchase.amount) > 1 EUR", "counts the different values of one field"),
        ('lower(distinct plan) = "a"', "no window, `where` or `distinct`"),
        ("plan starts with any of []", "the list is empty"),
        ("plan starts with any of [1]", "compares texts"),
        ('replace(plan, "a") = "b"', "takes 3 arguments"),
    ],
)
def test_mistakes_name_it(condition: str, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        program_of(SEGMENT.format(name="s", condition=condition))


@pytest.mark.parametrize(
    ("duration", "found"),
    [
        ("1 hour 30 minutes", "wait 90 minutes"),
        ("1 week 2 days", "wait 9 days"),
        ("1 year  6 months", "wait 18 months"),
        ("2 days 3 hours", "wait 2 days 3 hours"),
        ("2 days 0 hours", "wait 2 days"),
        ("0 days 3 hours", "wait 3 hours"),
        ("1 month 2 weeks", "wait 1 month 2 weeks"),
        ("3 minutes 2 months", "wrong order"),
        ("5 days 1 year", "wrong order"),
        ("30 minutes 1 hour", "wrong order"),
        ("1 day 2 days", "one unit twice"),
        ("1 day 2 weeks", "wrong order"),
    ],
)
def test_a_duration_of_two_units(duration: str, found: str) -> None:
    text = f"journey j {{\n  enter on visit\n  steps {{\n    wait {duration}\n    end\n  }}\n}}\n"
    if not found.startswith("wait"):
        with pytest.raises(AssertionError, match=found):
            program_of(text)
        return
    [journey] = program_of(text).journeys
    assert journey.start == found


def test_timeout_is_the_else_of_a_wait() -> None:
    head = "journey j {\n  enter on visit\n\n  steps {\n"
    one = "    look: wait for purchase up to 1 day {\n      end bought\n    } WORD {\n      end silent\n    }\n"
    many = (
        "    look: wait up to 1 day {\n      on purchase {\n        end bought\n      }\n"
        "      WORD {\n        end silent\n      }\n    }\n"
    )
    for form in (one, many):
        texts = [head + form.replace("WORD", word) + "  }\n}\n" for word in ("else", "timeout")]
        assert [format_text("a.journey", text).text for text in texts] == texts
        first, second = (program_of(text).journeys[0].version for text in texts)
        assert first == second


def test_a_field_compared_with_itself_is_told_of_the_entering_event() -> None:
    text = """journey j {
  enter on cart
  per = cart_id
  steps {
    look: wait for cart where cart_id = event.cart_id up to 1 day
    end
  }
}
"""
    found = compile_project(SETTINGS, {"data.journey": DATA, "a.journey": text}, {}, {})
    [warning] = [d for d in found.diagnostics if "itself" in d.message]
    assert "write `trigger.cart_id`" in (warning.help or "")
