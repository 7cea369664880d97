"""Durations of two units: `2 days 3 hours` is two days of the calendar and then three hours (S2)."""

from datetime import datetime, timedelta

import pytest

from cij.compiler import expression as ex
from cij.compiler.expression import Period, Remainder
from cij.compiler.program import content_hash, from_json, to_json
from cij.compiler.proofs.bounds import seconds
from cij.compiler.proofs.caps import window_of
from cij.compiler.proofs.verdicts import implies
from cij.compiler.types import DATETIME
from cij.compiler.unparse import words
from cij.grammar.format import format_text
from cij.runtime import zones
from cij.runtime.explore.contact import shortest
from cij.runtime.explore.draw import _short_of
from cij.runtime.story import story_clock
from tests.calling import journey, said
from tests.oracle import Catalog
from tests.testbed import TestBed, program_of

MADRID = "Europe/Madrid"
# At 02:00 on Sunday the clock goes to 03:00.
SATURDAY = zones.to_instant(datetime(2026, 3, 28, 1, 30), MADRID)
JOURNEY = "journey j {{\n  enter from segment reachable\n  steps {{\n{steps}\n  }}\n}}\n"


def _length(count: int, unit: ex.Unit, more: int, smaller: ex.Unit) -> Period:
    return Period(count=count, unit=unit, rest=Remainder(count=more, unit=smaller))


TWO = _length(2, "day", 3, "hour")


def _local(at: datetime) -> str:
    return zones.to_local(at, MADRID).isoformat(" ", "minutes")


def _sent(steps: str, start: datetime, days: int = 70) -> list[str]:
    bed = TestBed(JOURNEY.format(steps=steps), start)
    bed.people("ana")
    bed.run_to(start + timedelta(days=days))
    return [_local(at) for _, _, at in bed.sent()]


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        # The local time of the day after, and then an hour that the clock skips.
        ("1 day 1 hour", "2026-03-29 03:30"),
        ("25 hours", "2026-03-29 03:30"),
        ("1 day 30 minutes", "2026-03-29 03:00"),
        ("1 week 5 hours", "2026-04-04 06:30"),
        ("1 month 2 days", "2026-04-30 01:30"),
        ("1 month 2 weeks", "2026-05-12 01:30"),
        ("1 month 3 days at 09:00", "2026-05-01 09:00"),
    ],
)
def test_a_wait_steps_by_the_calendar_and_then_by_the_hour(length: str, expected: str) -> None:
    assert _sent(f"pause: wait {length}\nmail: send email first", SATURDAY) == [expected]


def test_hours_come_after_the_days() -> None:
    friday = zones.to_instant(datetime(2026, 3, 27, 23, 30), MADRID)
    # Saturday at 23:30, and three hours that end after the change: 3 hours first would be 02:30 on
    # Sunday, which the clock skips.
    assert _sent("pause: wait 1 day 3 hours\nmail: send email first", friday) == [
        "2026-03-29 03:30"
    ]


@pytest.mark.parametrize(
    "wait",
    [
        "wait for purchase up to 2 days 3 hours { end bought }",
        "wait up to 2 days 3 hours { on purchase { end bought } }",
    ],
)
def test_a_deadline_has_two_units(wait: str) -> None:
    found = _sent(f"look: {wait}\nmail: send email first", SATURDAY)
    assert found == ["2026-03-30 04:30"]


def test_a_pause_of_a_month_and_days_goes_on_from_where_it_ended() -> None:
    start = zones.to_instant(datetime(2027, 1, 31, 9), MADRID)
    steps = "repeat up to 3 times every 1 month 1 day { mail: send email first }"
    assert [at[:10] for at in _sent(steps, start)] == ["2027-01-31", "2027-03-01", "2027-04-02"]


# A day later the clock has gone forward, so one day and three hours are 26 hours.
AT_THREE = zones.to_instant(datetime(2026, 3, 28, 3), MADRID)
WINDOW, MINUTE = timedelta(hours=26), timedelta(minutes=1)


@pytest.mark.parametrize(("minutes", "outcome"), [(-1, "inside"), (1, "outside")])
def test_an_event_is_in_a_window_of_two_units(minutes: int, outcome: str) -> None:
    pause = int(WINDOW.total_seconds()) // 60 + minutes
    steps = (
        f"pause: wait {pause} minutes\n"
        "if any(purchase within last 1 day 3 hours) { end inside } else { end outside }"
    )
    bed = TestBed(JOURNEY.format(steps=steps), AT_THREE)
    bed.people("ana")
    bed.event("purchase", "ana", AT_THREE)
    bed.run_to(AT_THREE + timedelta(days=2))
    assert bed.ended() == {"ana": (outcome, AT_THREE + timedelta(minutes=pause))}


def test_a_segment_changes_when_an_event_leaves_its_window() -> None:
    segment = (
        "segment quiet { where any(purchase) and not any(purchase within last 1 day 3 hours)\n"
        "  refresh = 1 minute }\n"
    )
    text = JOURNEY.format(steps="end").replace("segment reachable", "segment quiet")
    bed = TestBed(segment + text, AT_THREE)
    bed.people("ana")
    bed.event("purchase", "ana", AT_THREE)
    for at in (AT_THREE, AT_THREE + WINDOW - MINUTE, AT_THREE + WINDOW + MINUTE):
        assert bed.entered() == []
        bed.tick(at)
    assert bed.entered() == [("ana", AT_THREE + WINDOW + MINUTE)]
    assert story_clock.later(AT_THREE, _length(1, "day", 3, "hour"), MADRID) == AT_THREE + WINDOW


@pytest.mark.parametrize("length", ["1 day 3 hours", "1 month 3 hours", "1 month 2 days"])
def test_before_undoes_after(length: str) -> None:
    there = f"last(purchase.at) + {length}"
    text = f"segment back {{ where {there} - {length} = last(purchase.at) }}\n"
    text += JOURNEY.format(steps="end").replace("segment reachable", "segment back")
    bed = TestBed(text, AT_THREE)
    bed.people("ana")
    bed.event("purchase", "ana", AT_THREE - timedelta(days=10))
    bed.run_to(AT_THREE + timedelta(hours=1))
    assert len(bed.entered()) == 1


def test_a_cap_counts_a_window_of_two_units() -> None:
    text = (
        "policy p { at most 1 email per 2 days 3 hours }\n"
        "journey j { enter from segment reachable\n"
        "steps { a: send email first  w: wait 2 days 2 hours  b: send email first\n"
        "x: wait 2 hours  c: send email first } }"
    )
    bed = TestBed(text, SATURDAY)
    bed.people("ana")
    bed.run_to(SATURDAY + timedelta(days=5))
    found = bed.rows("SELECT o.outcome, o.reason FROM outbox AS o ORDER BY o.created_at")
    assert [outcome for outcome, _ in found] == ["queued", "capped", "queued"]
    assert "at most 1 email per 2 days 3 hours" in found[1][1]


def test_an_action_gets_it_by_iso_8601() -> None:
    action = "action call {\n  parameters {\n    within = duration ?? 1 week 2 hours\n  }\n}\n"
    for given, expected in (("within = 1 month 2 weeks", "P1M14D"), ("", "P7DT2H")):
        block = f" {{ {given} }}" if given else ""
        bed = TestBed(action + JOURNEY.format(steps=f"c: do call{block}"), SATURDAY)
        bed.people("ana")
        bed.run_to(SATURDAY + timedelta(hours=1))
        [(parameters,)] = bed.rows("SELECT o.parameters FROM outbox AS o")
        assert expected in str(parameters)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("wait 2 days 3 hours at 09:00", "`at` says the hour already, so `2 days 3 hours` cannot"),
        ("wait 3 hours at 09:00", "`at` needs calendar days, not elapsed hours"),
    ],
)
def test_hours_and_a_time_of_day_do_not_go_together(step: str, message: str) -> None:
    [(code, found)] = said(journey(f"w: {step}"))
    assert code == "CIJ207" and found.startswith(message)


def test_a_date_has_no_hours_and_a_calendar_entry_has_one_unit() -> None:
    assert [code for code, _ in said(journey("w: wait until born_on + 2 days 3 hours"))] == [
        "CIJ207"
    ]
    assert not said(journey("w: wait until born_on + 1 month 3 days"))
    enter = "from segment everybody every 1 month 2 days at 09:00"
    assert [code for code, _ in said(journey("end", enter=enter, head="again always"))] == [
        "CIJ206"
    ]


def test_a_month_and_days_have_no_length_to_compare_with() -> None:
    segment = "segment s {{ where now() - seen_at > {length} }}\n"
    assert not said(segment.format(length="2 days 3 hours"))
    assert [code for code, _ in said(segment.format(length="1 month 3 days"))] == ["CIJ207"]


def test_it_is_kept_in_the_program_and_in_the_text() -> None:
    text = JOURNEY.format(steps="    pause: wait 2 days 3 hours")
    program = program_of(text)
    assert from_json(to_json(program)) == program
    assert words(TWO) == "2 days 3 hours"
    found = format_text("a.journey", text.replace("2 days 3", "2  days\t3"))
    assert "wait 2 days 3 hours\n" in found.text


def test_programs_without_it_keep_their_hashes() -> None:
    # Taken from before there was a second unit.
    assert content_hash(Period(count=7, unit="day")).startswith(HASH_OF_7_DAYS)


HASH_OF_7_DAYS = "a1d08cf3abef194aefe470cfab76feb1"


# --- what is proved -----------------------------------------------------------------------------


def test_lengths_are_bounded_from_below_and_above() -> None:
    assert seconds(TWO) == 51 * 3600
    assert seconds(_length(1, "month", 2, "day")) == 30 * 86400
    assert shortest(TWO) == timedelta(hours=49)
    cap = ex.Cap(policy="p", count=1, channel=None, is_calendar=False, waits=False, period=TWO)
    assert window_of(cap) == TWO
    months = cap.model_copy(update={"period": _length(1, "month", 2, "week")})
    assert window_of(months) == Period(count=45, unit="day")
    hours = cap.model_copy(update={"period": _length(1, "month", 5, "hour")})
    assert window_of(hours) == _length(31, "day", 5, "hour")


def test_a_minute_short_of_it_is_a_minute_before_it() -> None:
    at = SATURDAY
    for statement in _short_of(TWO):
        at = story_clock.later(at, statement.period, MADRID)
    assert at + timedelta(minutes=1) == story_clock.later(SATURDAY, TWO, MADRID)


def test_nothing_is_proved_by_a_distance_of_two_units() -> None:
    def since(period: Period) -> ex.Expression:
        then = ex.Arithmetic(type=DATETIME, operator="-", left=ex.Now(), right=period)
        field = ex.Field(type=DATETIME, name="seen", is_nullable=True)
        return ex.Compare(operator=">", left=field, right=then)

    assert implies(since(TWO), since(TWO), Catalog())
    assert not implies(since(TWO), since(Period(count=2, unit="day")), Catalog())
    assert not implies(since(TWO), since(Period(count=51, unit="hour")), Catalog())
