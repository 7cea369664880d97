"""`first`, `last` and `latest` take the row also where its value is unknown; `last known` does not (S5)."""

from datetime import datetime

import pytest

from cij.compiler.unparse import words
from cij.grammar.format import format_text
from cij.runtime.insight.why import why
from tests.testbed import DAY, TestBed, program_of

NOW = datetime(2026, 3, 2, 10)
SEGMENT = "segment s {{\n  where {condition}\n}}\n"
JOURNEY = "journey j {\n  enter from segment s\n  steps {\n    rest: wait 1 day\n  }\n}\n"


def _bed(condition: str) -> TestBed:
    bed = TestBed(SEGMENT.format(condition=condition) + JOURNEY, NOW)
    bed.people("ana", "bob", "eve")
    bed.event("purchase", "ana", NOW - 3 * DAY, coupon="OLD")
    bed.event("purchase", "ana", NOW - 2 * DAY, coupon="NEW")
    bed.event("purchase", "ana", NOW - DAY)
    bed.event("purchase", "bob", NOW - DAY)
    return bed


@pytest.mark.parametrize(
    ("condition", "people"),
    [
        ('last(purchase.coupon) = "NEW"', set()),
        ('last known(purchase.coupon) = "NEW"', {"ana"}),
        ('last known(purchase.coupon where coupon != "NEW") = "OLD"', {"ana"}),
        ('last known(purchase.coupon within last 36 hours) = "NEW"', set()),
        ('last known(purchase.coupon since 2026-02-28) = "NEW"', {"ana"}),
        ("last known(purchase.coupon) is unknown", {"bob", "eve"}),
        ("last(purchase.coupon) is unknown", {"ana", "bob", "eve"}),
    ],
)
def test_whom_it_finds(condition: str, people: set[str]) -> None:
    bed = _bed(condition)
    bed.tick(NOW)
    assert {name for name, _ in bed.entered()} == people


def test_why_shows_the_events_that_have_a_value() -> None:
    bed = _bed('last known(purchase.coupon) = "NEW"')
    bed.tick(NOW)
    found = why(bed.engine, bed.world.program, "ana", "j", NOW + DAY)
    text = str(found.entering)
    assert '"NEW"' in text and '"OLD"' in text and "2026-03-01" not in text


def test_it_is_formatted_and_explained_as_it_is_written() -> None:
    text = SEGMENT.format(condition='last   known ( purchase.coupon )  = "NEW"')
    wanted = SEGMENT.format(condition='last known(purchase.coupon) = "NEW"')
    assert format_text("a.journey", text).text == wanted
    [segment] = [s for s in program_of(wanted).segments if s.name == "s"]
    assert words(segment.condition) == 'last known(purchase.coupon) = "NEW"'


def test_a_field_or_an_event_may_be_called_last_or_known() -> None:
    bed = TestBed("", NOW)
    text = "event last {\n  fields {\n    known = text\n  }\n}\n"
    found = program_of(text + SEGMENT.format(condition='last known(last.known) = "x"'))
    assert [e.name for e in found.events if e.name == "last"] == ["last"] and bed.world.program


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("last known(purchase)", "`last known` needs a field of the event"),
        ("last known(points)", "there is no event `points`"),
        ("last known() = 1", "`last known` takes one event"),
    ],
)
def test_mistakes_name_it(condition: str, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        program_of(SEGMENT.format(condition=condition))
