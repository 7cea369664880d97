"""Goals and exits by condition: when they are tested, and what is recorded (S8)."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from cij.runtime.due import next_tick
from tests.town import DAY, HOUR, Town

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


def town_of(*rules: str, steps: str = "pause: wait 10 days") -> Town:
    town = Town(journey(*rules, steps=steps), NOW)
    town.people("ana", "bob", points=0)
    for name in ("ana", "bob"):
        town.event("cart", name, NOW)
    town.tick(NOW)
    return town


def conversions(town: Town) -> list[tuple[Any, ...]]:
    return town.rows("SELECT v.goal, v.customer, v.at FROM conversion AS v ORDER BY v.at, v.goal")


def test_a_conversion_by_condition_has_the_time_of_its_event_and_is_recorded_once() -> None:
    town = town_of("goal rich when points > 100 and stay")
    town.change("ana", points=200)
    town.event("visit", "ana", NOW + HOUR)
    town.tick(NOW + 2 * HOUR)
    for hours in (3, 4):
        town.event("visit", "ana", NOW + hours * HOUR)
        town.tick(NOW + hours * HOUR)
    assert conversions(town) == [("rich", "ana", NOW + HOUR)]


def test_new_data_alone_records_goals_that_stay() -> None:
    town = town_of("goal rich when points > 100 and stay")
    town.change("ana", points=200)
    assert next_tick(town.world) == datetime.min
    town.tick(NOW + HOUR)
    assert conversions(town) == [("rich", "ana", NOW + HOUR)]
    assert town.ended() == {} and next_tick(town.world) == NOW + 10 * DAY


@pytest.mark.parametrize("step", ["", "done: end over"])
def test_who_wakes_only_to_leave_reaches_goals_that_stay(step: str) -> None:
    goal = "goal calm when not any(cart within last 1 hour) and stay"
    town = town_of(goal, steps=f"pause: wait 1 day\n    {step}")
    assert conversions(town) == []
    town.tick(NOW + DAY)
    assert conversions(town) == [("calm", name, NOW + DAY) for name in ("ana", "bob")]
    assert len(town.ended()) == 2


def test_new_data_alone_lets_nobody_leave_before_waking() -> None:
    town = town_of("goal rich when points > 100", "exit poor when points < 0")
    town.change("ana", points=200)
    town.change("bob", points=-1)
    town.tick(NOW + HOUR)
    assert conversions(town) == [] and town.ended() == {}
    town.run_to(NOW + 10 * DAY)
    later = NOW + 10 * DAY
    assert town.ended() == {"ana": ("converted", later), "bob": ("poor", later)}
    assert conversions(town) == [("rich", "ana", later)]


@pytest.mark.parametrize("way", ["event", "data"])
def test_a_conversion_counts_inside_its_window_after_the_passage_ended(way: str) -> None:
    town = town_of("goal rich when points > 100 within 3 days", steps="end done")
    assert len(town.ended()) == 2
    town.tick(NOW + 2 * DAY)
    town.change("ana", points=200)
    if way == "event":
        town.event("visit", "ana", NOW + 2 * DAY)
    town.tick(NOW + 2 * DAY)
    town.change("bob", points=200)
    late = NOW + 3 * DAY + timedelta(seconds=1)
    if way == "event":
        town.event("visit", "bob", late)
    town.tick(late)
    assert conversions(town) == [("rich", "ana", NOW + 2 * DAY)]
    assert town.ended()["ana"][0] == "done"


def test_the_last_instant_of_a_window_belongs_to_it() -> None:
    town = town_of("goal rich when points > 100 within 3 days")
    town.tick(NOW + DAY)
    town.change("ana", points=200)
    town.event("visit", "ana", NOW + 3 * DAY)
    town.tick(NOW + 3 * DAY)
    assert conversions(town) == [("rich", "ana", NOW + 3 * DAY)]


def test_a_goal_that_stays_is_recorded_at_a_waking() -> None:
    steps = """first: wait 1 day
    if points > 100 {
      hello: send email first
    }
    second: wait 5 days"""
    town = town_of(
        "goal rich when any(cart) and stay", "goal never when spent > 5 EUR", steps=steps
    )
    assert conversions(town) == [("rich", "ana", NOW), ("rich", "bob", NOW)]


def test_goals_and_exits_by_condition_read_the_entering_event() -> None:
    town = Town(
        journey(
            "goal more when spent > trigger.total within 30 days",
            "exit none when spent < trigger.total and points > 5",
        ),
        NOW,
    )
    town.people("ana", "bob", points=0)
    for name in ("ana", "bob"):
        town.event("cart", name, NOW, fields={"total": 50})
    town.tick(NOW)
    town.event("purchase", "ana", NOW + HOUR, fields={"amount": 60})
    town.change("bob", points=10)
    town.event("visit", "bob", NOW + HOUR)
    town.tick(NOW + HOUR)
    assert town.ended() == {"ana": ("converted", NOW + HOUR), "bob": ("none", NOW + HOUR)}


def test_an_event_that_is_late_and_from_before_the_entry_tests_nothing() -> None:
    town = town_of("exit rich when points > 100")
    town.change("ana", points=200)
    town.event("visit", "ana", NOW - HOUR)
    town.tick(NOW + HOUR)
    assert town.ended() == {}


def test_in_a_pause_goals_and_exits_by_condition_are_tested_on_events() -> None:
    town = town_of("goal rich when points > 100", "exit poor when points < 0")
    town.order("pause", "saving", NOW)
    town.change("ana", points=200)
    town.change("bob", points=-1)
    for name in ("ana", "bob"):
        town.event("visit", name, NOW + HOUR)
    town.tick(NOW + HOUR)
    assert town.ended() == {"ana": ("converted", NOW + HOUR), "bob": ("poor", NOW + HOUR)}
