"""Goals and exits by condition: when they are tested, and what is recorded (S8)."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from cij.runtime.due import next_tick
from tests.testbed import DAY, HOUR, TestBed

NOW = datetime(2026, 3, 4, 9)


def journey(*rules: str, steps: str = "pause: wait 10 days") -> str:
    lines = "\n  ".join(rules)
    return f"""
journey saving {{
  enter on cart
  {lines}
  steps {{
    {steps}
  }}
}}
"""


def bed_of(*rules: str, steps: str = "pause: wait 10 days") -> TestBed:
    bed = TestBed(journey(*rules, steps=steps), NOW)
    bed.people("ana", "bob", points=0)
    for name in ("ana", "bob"):
        bed.event("cart", name, NOW)
    bed.tick(NOW)
    return bed


def conversions(bed: TestBed) -> list[tuple[Any, ...]]:
    return bed.rows("SELECT v.goal, v.customer, v.at FROM conversion AS v ORDER BY v.at, v.goal")


def test_a_conversion_by_condition_has_the_time_of_its_event_and_is_recorded_once() -> None:
    bed = bed_of("goal rich when points > 100 and stay")
    bed.change("ana", points=200)
    bed.event("visit", "ana", NOW + HOUR)
    bed.tick(NOW + 2 * HOUR)
    for hours in (3, 4):
        bed.event("visit", "ana", NOW + hours * HOUR)
        bed.tick(NOW + hours * HOUR)
    assert conversions(bed) == [("rich", "ana", NOW + HOUR)]


def test_new_data_alone_records_goals_that_stay() -> None:
    bed = bed_of("goal rich when points > 100 and stay")
    bed.change("ana", points=200)
    assert next_tick(bed.world) == datetime.min
    bed.tick(NOW + HOUR)
    assert conversions(bed) == [("rich", "ana", NOW + HOUR)]
    assert bed.ended() == {} and next_tick(bed.world) == NOW + 10 * DAY


@pytest.mark.parametrize("step", ["", "done: end over"])
def test_who_wakes_only_to_leave_reaches_goals_that_stay(step: str) -> None:
    goal = "goal calm when not any(cart within last 1 hour) and stay"
    bed = bed_of(goal, steps=f"pause: wait 1 day\n    {step}")
    assert conversions(bed) == []
    bed.tick(NOW + DAY)
    assert conversions(bed) == [("calm", name, NOW + DAY) for name in ("ana", "bob")]
    assert len(bed.ended()) == 2


def test_new_data_alone_lets_nobody_leave_before_waking() -> None:
    bed = bed_of("goal rich when points > 100", "exit poor when points < 0")
    bed.change("ana", points=200)
    bed.change("bob", points=-1)
    bed.tick(NOW + HOUR)
    assert conversions(bed) == [] and bed.ended() == {}
    bed.run_to(NOW + 10 * DAY)
    later = NOW + 10 * DAY
    assert bed.ended() == {"ana": ("converted", later), "bob": ("poor", later)}
    assert conversions(bed) == [("rich", "ana", later)]


@pytest.mark.parametrize("way", ["event", "data"])
def test_a_conversion_counts_inside_its_window_after_the_passage_ended(way: str) -> None:
    bed = bed_of("goal rich when points > 100 within 3 days", steps="end done")
    assert len(bed.ended()) == 2
    bed.tick(NOW + 2 * DAY)
    bed.change("ana", points=200)
    if way == "event":
        bed.event("visit", "ana", NOW + 2 * DAY)
    bed.tick(NOW + 2 * DAY)
    bed.change("bob", points=200)
    late = NOW + 3 * DAY + timedelta(seconds=1)
    if way == "event":
        bed.event("visit", "bob", late)
    bed.tick(late)
    assert conversions(bed) == [("rich", "ana", NOW + 2 * DAY)]
    assert bed.ended()["ana"][0] == "done"


def test_the_last_instant_of_a_window_belongs_to_it() -> None:
    bed = bed_of("goal rich when points > 100 within 3 days")
    bed.tick(NOW + DAY)
    bed.change("ana", points=200)
    bed.event("visit", "ana", NOW + 3 * DAY)
    bed.tick(NOW + 3 * DAY)
    assert conversions(bed) == [("rich", "ana", NOW + 3 * DAY)]


def test_a_goal_that_stays_is_recorded_at_a_waking() -> None:
    steps = """first: wait 1 day
    if points > 100 {
      hello: send email first
    }
    second: wait 5 days"""
    bed = bed_of("goal rich when any(cart) and stay", "goal never when spent > 5 EUR", steps=steps)
    assert conversions(bed) == [("rich", "ana", NOW), ("rich", "bob", NOW)]


def test_goals_and_exits_by_condition_read_the_entering_event() -> None:
    bed = TestBed(
        journey(
            "goal more when spent > trigger.total within 30 days",
            "exit none when spent < trigger.total and points > 5",
        ),
        NOW,
    )
    bed.people("ana", "bob", points=0)
    for name in ("ana", "bob"):
        bed.event("cart", name, NOW, fields={"total": 50})
    bed.tick(NOW)
    bed.event("purchase", "ana", NOW + HOUR, fields={"amount": 60})
    bed.change("bob", points=10)
    bed.event("visit", "bob", NOW + HOUR)
    bed.tick(NOW + HOUR)
    assert bed.ended() == {"ana": ("converted", NOW + HOUR), "bob": ("none", NOW + HOUR)}


def test_an_event_that_is_late_and_from_before_the_entry_tests_nothing() -> None:
    bed = bed_of("exit rich when points > 100")
    bed.change("ana", points=200)
    bed.event("visit", "ana", NOW - HOUR)
    bed.tick(NOW + HOUR)
    assert bed.ended() == {}


def test_in_a_pause_goals_and_exits_by_condition_are_tested_on_events() -> None:
    bed = bed_of("goal rich when points > 100", "exit poor when points < 0")
    bed.order("pause", "saving", NOW)
    bed.change("ana", points=200)
    bed.change("bob", points=-1)
    for name in ("ana", "bob"):
        bed.event("visit", name, NOW + HOUR)
    bed.tick(NOW + HOUR)
    assert bed.ended() == {"ana": ("converted", NOW + HOUR), "bob": ("poor", NOW + HOUR)}


@pytest.mark.parametrize(
    ("rule", "outcome"), [("goal came on visit", "converted"), ("exit came on visit", "came")]
)
def test_an_event_that_ends_a_wait_too_ends_the_passage_first(rule: str, outcome: str) -> None:
    steps = "look: wait for visit up to 5 days { mail: send email first }"
    bed = bed_of(rule, steps=steps)
    bed.event("visit", "ana", NOW + HOUR)
    bed.tick(NOW + HOUR)
    assert bed.sent() == []
    assert bed.ended()["ana"][0] == outcome
    assert bed.rows("SELECT COUNT(*) FROM move AS m") == [(3,)], "nobody moved twice"
