"""Late ticks: what was due before a tick is worked off in the order of its own time (S12, S7).

The agreement suite compares whole traces; these tests show each rule by itself.
"""

from datetime import datetime, timedelta

import pytest

from cij.runtime import tick as ticking
from cij.runtime.refresh import take_in
from tests import testbed
from tests.testbed import DAY, HOUR, TestBed, names

# A Wednesday, 10:00 in Madrid.
NOW = datetime(2026, 3, 4, 9)
MINUTE = timedelta(minutes=1)

EACH = """
journey each {
  enter on visit
  again always
  steps {
    hello: send email first
    w: wait 2 hours
  }
}
"""


def bed(text: str, *people: str, **fields: object) -> TestBed:
    """Return a bed that has ticked at its start, with people in it."""
    found = TestBed(text, NOW)
    found.people(*(people or ("ana",)), **fields)
    found.tick(NOW)
    return found


def visited(text: str, *people: str) -> TestBed:
    """Return a bed in which these people have visited at its start, and a tick has seen it."""
    found = bed(text, *people)
    for name in people or ("ana",):
        found.event("visit", name, NOW)
    found.tick(NOW)
    return found


def waits_until(found: TestBed) -> list[tuple[str, datetime]]:
    rows = found.rows("SELECT p.customer, p.wake_at FROM passage AS p WHERE p.ended_at IS NULL")
    return sorted((name, at) for name, at in rows)


# --- timers and events ------------------------------------------------------------------------


def test_a_timer_that_was_due_before_an_event_fires_before_it() -> None:
    found = bed(EACH)
    found.event("visit", "ana", NOW + MINUTE)
    found.tick(NOW + MINUTE)
    # The passage is over at 11:01, and she comes back at 11:30. One tick at 12:00 finds both.
    found.event("visit", "ana", NOW + 150 * MINUTE)
    found.tick(NOW + 3 * HOUR)
    assert found.entered() == [("ana", NOW + MINUTE), ("ana", NOW + 150 * MINUTE)]
    assert found.ended()["ana"] == ("completed", NOW + 121 * MINUTE)
    assert [at for *_, at in found.sent()] == [NOW + MINUTE, NOW + 3 * HOUR]


def test_a_message_that_was_due_before_an_exit_is_sent() -> None:
    text = "journey j { enter on visit exit on purchase steps { w: wait 1 hour s: send email first w2: wait 1 day } }"
    found = visited(text)
    found.event("purchase", "ana", NOW + 90 * MINUTE)
    found.tick(NOW + 2 * HOUR)
    assert found.sent() == [("ana", "first", NOW + 2 * HOUR)]
    # It went out at the real instant, so she cannot have left before.
    assert [at for _, at in found.ended().values()] == [NOW + 2 * HOUR]


def test_an_event_that_came_before_the_timer_ends_the_wait() -> None:
    text = "journey j { enter on visit steps { w: wait for purchase up to 1 hour { end bought } else { end not_bought } } }"
    found = visited(text, "ana", "bob")
    found.event("purchase", "ana", NOW + 59 * MINUTE)
    found.event("purchase", "bob", NOW + 61 * MINUTE)
    found.tick(NOW + 5 * HOUR)
    assert found.ended() == {
        "ana": ("bought", NOW + 59 * MINUTE),
        "bob": ("not_bought", NOW + HOUR),
    }


def test_several_timers_of_one_customer_go_in_order_over_all_journeys() -> None:
    # `late` writes the field that `early` reads an hour later.
    text = """
journey writer { enter on visit steps { w: wait 1 hour s: set seen = 7 } }
journey reader { enter on visit steps { w: wait 2 hours if seen = 7 { end after } else { end before } } }
journey sooner { enter on visit steps { w: wait 30 minutes if seen = 7 { end after } else { end before } } }
"""
    found = visited(text)
    found.tick(NOW + 10 * DAY)
    outcomes = dict(found.rows("SELECT p.journey, p.outcome FROM passage AS p"))
    assert outcomes == {"writer": "completed", "reader": "after", "sooner": "before"}


def test_an_event_that_a_timer_raises_comes_before_a_later_event() -> None:
    text = """
event raised { }
journey raiser { enter on visit steps { w: wait 1 hour e: emit raised {} } }
journey j { enter on visit steps {
  f: wait up to 1 day { on raised { end by_raised } on purchase { end by_purchase } }
} }
"""
    found = visited(text)
    found.event("purchase", "ana", NOW + 2 * HOUR)
    found.tick(NOW + 3 * HOUR)
    rows = found.rows("SELECT p.outcome, p.ended_at FROM passage AS p WHERE p.journey = 'j'")
    assert rows == [("by_raised", NOW + HOUR)]


# --- what counts from the own instant ---------------------------------------------------------


def test_waits_go_on_from_the_instant_at_which_the_timer_was_due() -> None:
    text = "journey j { enter on visit steps { a: wait 1 hour b: wait 1 hour c: wait 1 day } }"
    found = visited(text)
    found.tick(NOW + 5 * HOUR)
    assert waits_until(found) == [("ana", NOW + 2 * HOUR + DAY)]


def test_what_is_sent_late_leaves_now_and_waits_after_it_count_from_now() -> None:
    text = "journey j { enter on visit steps { a: wait 1 hour s: send email first b: wait 1 day t: send email second } }"
    found = visited(text)
    back = NOW + 9 * DAY
    found.tick(back)
    assert found.sent() == [("ana", "first", back)]
    assert waits_until(found) == [("ana", back + DAY)]


def test_a_window_is_asked_as_of_the_instant_at_which_the_timer_was_due() -> None:
    text = "journey j { enter on visit steps { a: wait 2 hours if any(purchase within last 1 hour) { end bought } else { end not_bought } } }"
    found = visited(text, "ana", "bob")
    found.event("purchase", "ana", NOW + 90 * MINUTE)
    # At 12:00 it is not there yet.
    found.event("purchase", "bob", NOW + 121 * MINUTE)
    found.tick(NOW + 6 * HOUR)
    assert {name: outcome for name, (outcome, _) in found.ended().items()} == {
        "ana": "bought",
        "bob": "not_bought",
    }


def test_calendar_steps_count_from_the_instant_of_each_customer() -> None:
    text = "journey j { enter on visit steps { a: wait 1 hour b: wait 3 days at 09:00 } }"
    people = [f"p{n}" for n in range(6)]
    found = bed(text, *people)
    for n, name in enumerate(people):
        found.event("visit", name, NOW + n * 5 * HOUR)
        found.tick(NOW + n * 5 * HOUR)
    late = TestBed(text, NOW)
    late.people(*people)
    late.tick(NOW)
    for n, name in enumerate(people):
        late.event("visit", name, NOW + n * 5 * HOUR)
    late.tick(NOW + 26 * HOUR)
    found.run_to(NOW + 26 * HOUR)
    assert waits_until(late) == waits_until(found)
    assert len({at for _, at in waits_until(late)}) == 2


def test_a_late_event_acts_when_it_arrived() -> None:
    text = "journey j { enter on visit steps { a: wait 1 day } }"
    found = bed(text)
    found.tick(NOW + 10 * HOUR)
    row = {"event": "visit", "customer": "ana", "at": NOW + HOUR, "id": "late"}
    arrived = NOW + 11 * HOUR
    assert not take_in(found.engine, found.world.program, [row], arrived).refused
    found.tick(NOW + 20 * HOUR)
    assert found.entered() == [("ana", arrived)]
    assert waits_until(found) == [("ana", arrived + DAY)]


# --- entries by the calendar, and limits ------------------------------------------------------


def test_an_entry_that_was_missed_is_made_up_as_of_its_instant() -> None:
    text = "journey weekly { enter from segment keen every monday at 09:00 again always steps { w: wait 2 hours s: send email first } }"
    found = bed(text, points=20)
    monday = datetime(2026, 3, 9, 8)
    found.tick(monday + DAY)
    assert found.entered() == [("ana", monday)]
    assert found.sent() == [("ana", "first", monday + DAY)]


def test_after_weeks_of_downtime_nobody_gets_a_series_at_once() -> None:
    text = "journey daily { enter from segment keen every day at 09:00 again always steps { s: send email first } }"
    found = bed(text, points=20)
    found.tick(NOW + 20 * DAY)
    assert len(found.sent()) == 1


def test_a_limit_lets_in_as_many_of_each_period_as_it_would_have() -> None:
    text = "journey j { enter on visit limit = 2 per day again always steps { w: wait 30 days } }"
    people = [f"p{n}" for n in range(5)]
    found = bed(text, *people)
    for n, name in enumerate(people):
        found.event("visit", name, NOW + n * MINUTE)
    found.tick(NOW + 3 * DAY)
    midnight = datetime(2026, 3, 4, 23)
    expected = [NOW, NOW + MINUTE, midnight, midnight, midnight + DAY]
    assert [at for _, at in found.entered()] == expected


# --- the right to enter (S7) ------------------------------------------------------------------

_JOIN = "journey j {{ enter from segment keen again {again} {more} steps {{ w: wait {wait} }} }}"


@pytest.mark.parametrize("more", ["", "limit = 5 per day"])
@pytest.mark.parametrize("again", ["always", "after 3 days"])
def test_who_joins_while_inside_enters_as_soon_as_they_can(again: str, more: str) -> None:
    found = bed(_JOIN.format(again=again, more=more, wait="10 days"), points=20)
    found.change("ana", points=0)
    found.tick(NOW + DAY)
    found.change("ana", points=20)
    found.tick(NOW + 2 * DAY)
    found.run_to(NOW + 30 * DAY)
    free = NOW + 10 * DAY + (timedelta(0) if again == "always" else 3 * DAY)
    # The next time she is in the segment all along, so she has no right.
    assert found.entered() == [("ana", NOW), ("ana", free)]


def test_the_right_lapses_with_the_membership() -> None:
    found = bed(_JOIN.format(again="always", more="", wait="10 days"), points=20)
    for day, points in ((1, 0), (2, 20), (3, 0)):
        found.change("ana", points=points)
        found.tick(NOW + day * DAY)
    found.run_to(NOW + 30 * DAY)
    assert found.entered() == [("ana", NOW)]


def test_a_right_outlasts_a_pause_and_is_used_once() -> None:
    found = bed(_JOIN.format(again="always", more="", wait="5 days"), points=20)
    found.change("ana", points=0)
    found.tick(NOW + DAY)
    found.change("ana", points=20)
    found.tick(NOW + 2 * DAY)
    found.order("pause", "j", NOW + 4 * DAY)
    found.run_to(NOW + 8 * DAY)
    found.order("resume", "j", NOW + 8 * DAY)
    found.tick(NOW + 8 * DAY)
    found.run_to(NOW + 40 * DAY)
    assert found.entered() == [("ana", NOW), ("ana", NOW + 8 * DAY)]


def test_with_again_never_there_is_no_right_and_with_a_calendar_neither() -> None:
    never = bed(_JOIN.format(again="never", more="", wait="5 days"), points=20)
    text = "journey j { enter from segment keen every day at 09:00 again always steps { w: wait 30 hours } }"
    daily = bed(text, points=20)
    for found in (never, daily):
        for day, points in ((1, 0), (2, 20)):
            found.change("ana", points=points)
            found.tick(NOW + day * DAY)
        found.run_to(NOW + 6 * DAY)
    assert names(never.entered()) == ["ana"]
    assert all(at.hour == 8 for _, at in daily.entered())


# --- what is easily lost ----------------------------------------------------------------------

_RAISER = """
event raised { }
event heard { }
journey raiser { enter on visit steps { w: wait 1 hour e: emit raised {} } }
journey j { enter on visit exit bought on purchase steps { w: wait 10 days } }
"""


def test_an_event_is_not_lost_when_a_timer_before_it_raises_one_that_nobody_awaits() -> None:
    found = visited(_RAISER)
    found.event("purchase", "ana", NOW + 2 * HOUR)
    found.tick(NOW + 3 * HOUR)
    rows = found.rows("SELECT p.outcome, p.ended_at FROM passage AS p WHERE p.journey = 'j'")
    assert rows == [("bought", NOW + 2 * HOUR)]


@pytest.mark.slow
def test_events_keep_their_order_when_a_timer_before_them_raises_one() -> None:
    text = (
        _RAISER
        + """
journey k { enter on raised exit on purchase steps { w: wait 10 days } }
"""
    )
    found = visited(text)
    found.event("purchase", "ana", NOW + 2 * HOUR)
    found.tick(NOW + 3 * HOUR)
    rows = found.rows("SELECT p.entered_at, p.ended_at FROM passage AS p WHERE p.journey = 'k'")
    assert rows == [(NOW + HOUR, NOW + 2 * HOUR)]


def test_a_right_in_a_journey_that_has_closed_stops_no_tick() -> None:
    more = "ends = 2026-03-09"
    found = bed(_JOIN.format(again="always", more=more, wait="10 days"), points=20)
    for day, points in ((1, 0), (2, 20)):
        found.change("ana", points=points)
        found.tick(NOW + day * DAY)
    found.tick(NOW + 20 * DAY)
    found.run_to(NOW + 40 * DAY)
    assert found.entered() == [("ana", NOW)]


def test_a_long_outage_costs_no_step_for_each_period_of_a_limit() -> None:
    text = "journey j { enter on visit limit = 2 per hour again always steps { w: wait 30 days } }"
    found = bed(text)
    steps = 0

    def counted(*_: object, **__: object) -> int:
        nonlocal steps
        steps += 1
        return 0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ticking, "admit_from_segments", counted)
        found.tick(NOW + 400 * DAY)
    assert steps < 5


def test_a_field_of_customers_may_have_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        testbed, "DATA", testbed.DATA.replace("tier = text", "tier = text as_of = integer")
    )
    text = """
segment third { where as_of = 3 }
journey writer { enter on visit steps { w: wait 1 hour s: set as_of = 3 } }
journey reader { enter from segment third steps { w: wait 1 hour if as_of = 3 { end right } else { end wrong } } }
"""
    found = visited(text)
    found.tick(NOW + HOUR)
    found.tick(NOW + 3 * HOUR)
    rows = found.rows("SELECT p.outcome FROM passage AS p WHERE p.journey = 'reader'")
    assert rows == [("right",)]


def test_a_field_may_have_the_name_of_a_column_of_the_store() -> None:
    text = """
event stamped { fields { as_of = integer acted_at = integer } }
journey j { enter on stamped where as_of = 7 steps {
  w: wait 1 hour
  if trigger.as_of = 7 and any(stamped where as_of = 7 and acted_at = 8) { end right } else { end wrong }
} }
"""
    found = bed(text)
    found.event("stamped", "ana", NOW + MINUTE, fields={"as_of": 7, "acted_at": 8})
    found.tick(NOW + 3 * HOUR)
    assert found.ended() == {"ana": ("right", NOW + HOUR + MINUTE)}


def test_a_late_message_is_valid_from_when_it_can_be_sent() -> None:
    """A passage comes to a place in front of the send at the instant of its timer, and is not held."""
    text = """
journey j { enter on visit steps { w: wait 1 hour  x: set seen = 7  s: send email brief } }
message email brief { topic = news  expires = 2 hours
  locale "en" { subject = "Brief"  body = "Brief" } }
policy rare { quiet 21:00..23:00  at most 2 email per 7 days }
"""
    found = visited(text)
    found.tick(NOW + 9 * HOUR)
    assert found.rows("SELECT o.outcome FROM outbox AS o") == [("queued",)]
