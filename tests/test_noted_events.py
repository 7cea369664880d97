"""`wait for E as NAME`: fields of the event that ended a wait are read by its name."""

from datetime import datetime
from pathlib import Path

import pytest

from cij.compiler.compilation import compile_project
from cij.runtime.retention import Retention, age
from cij.runtime.story import run_story
from tests.testbed import DATA, DAY, HOUR, SETTINGS, TestBed, program_of

NOW = datetime(2026, 3, 2, 10)
ASKING = """
message sms thanks {
  topic = news
  locale "en" {
    text = "{{ answer.text | default: 'nothing' }} by {{ answer.channel | default: '-' }}"
  }
}

fragment ask_again() {
  again: send sms text
  second: wait for replied(again) as answer up to 1 day {
    if answer.text = "no" {
      end second_no
    }
  }
}

journey asking {
  enter on visit
  again always
  exit bought on purchase

  steps {
    ask: send sms text
    first: wait up to 1 day {
      on replied(ask) as answer where text != "?" {
        if lower(trim(answer.text)) = "yes" {
          ok: send sms thanks
        } else if answer.text = "stop" {
          set seen = 1
          end refused
        }
      }
      on cart as full {
        if full.total > 10 EUR {
          end full
        }
      }
    }
    pause: wait 1 day
    if answer.text is unknown and full.total is unknown {
      twice: run ask_again()
      end silent
    }
    late: send sms thanks
    later: wait until answer.at + 5 days
  }
}
"""
_GIVEN = """  clock 2026-03-02 10:00
  given customer "ana" {
    phone = "+34600000001"
    consent.news = true
  }
  event visit by "ana"
"""
STORIES = {
    "the answer is read at once, behind the wait, and in messages": """
  after 1 hour event replied(ask) by "ana" {
    text = " YES"
  }
  expect sent sms text to "ana"
  expect sent sms thanks to "ana" where text = " YES by sms"
  after 1 day
  expect sent sms thanks to "ana" where text = " YES by sms"
  expect "ana" waiting at later until 2026-03-07 11:00
""",
    "another arm": """
  after 1 hour event replied(ask) by "ana" {
    text = "?"
  }
  event cart by "ana" {
    total = 5 EUR
  }
  after 1 day
  expect sent sms text to "ana"
  expect sent sms thanks to "ana" where text = "nothing by -"
  expect "ana" ended as completed
""",
    "another arm reads its own event": """
  after 1 hour event cart by "ana" {
    total = 50 EUR
  }
  expect "ana" ended as full
""",
    "what was set before the exit": """
  after 1 hour event replied(ask) by "ana" {
    text = "stop"
  }
  expect "ana" ended as refused
  expect "ana" has seen = 1
""",
    "a name in a fragment is its own": """
  after 2 days
  after 1 hour event replied(`twice.again`) by "ana" {
    text = "no"
  }
  expect "ana" ended as second_no
""",
}
MISTAKES = {
    "w: wait for visit as w up to 1 day": "two steps are called `w`",
    "wait for visit as purchase up to 1 day": "`purchase.at` would have two meanings",
    'w: wait for visit as seen_it up to 1 day { if seen_it.pge = "a" { end } }': "event `visit` has no field `pge`",
    'wait for visit up to 1 day { if it.page = "a" { end } }': "has no field `it.page`",
}


@pytest.mark.slow
def test_stories() -> None:
    text = ASKING + "".join(
        f'\ntest "{title}" for asking {{\n{_GIVEN}{body}}}\n' for title, body in STORIES.items()
    )
    made = compile_project(SETTINGS, {"data.journey": DATA, "a.journey": text}, {}, {})
    assert made.program is not None, made.diagnostics
    for story in made.stories:
        failures = run_story(made.program, story).failures
        assert not failures, [
            story.title,
            *(f"{f.statement}: {f.found}\n" + "\n".join(f.trace) for f in failures),
        ]


@pytest.mark.parametrize("step", MISTAKES)
def test_mistakes_are_reported(step: str) -> None:
    with pytest.raises(AssertionError) as found:
        program_of(f"journey j {{ enter on visit steps {{ {step} }} }}")
    assert MISTAKES[step] in str(found.value)


def test_in_a_loop_it_is_that_of_the_latest_iteration() -> None:
    bed = TestBed(
        "journey j { enter on visit steps { repeat up to 3 times { w: wait for cart as it up to 1 day"
        " set tier = it.cart_id } } }",
        NOW,
    )
    bed.people("ana")
    bed.event("visit", "ana", NOW)
    bed.tick(NOW)
    found: list[object] = []
    for hour, name in ((1, "b1"), (2, "b2")):
        bed.event("cart", "ana", NOW + hour * HOUR, fields={"cart_id": name, "total": "1"})
        bed.tick(NOW + hour * HOUR)
        found += bed.rows("SELECT c.tier FROM customer AS c")[0]
    bed.run_to(NOW + 3 * DAY)
    # The last iteration ends by its deadline, which leaves the event of the one before.
    found += bed.rows("SELECT c.tier FROM customer AS c")[0]
    assert found == ["b1", "b2", "b2"]
    assert bed.rows("SELECT COUNT(*) FROM noted_event AS n") == [(1,)]


def test_retention_keeps_the_event_while_the_passage_goes_on_and_the_name_no_longer() -> None:
    bed = TestBed(
        "journey j { enter on visit steps { w: wait for cart as it up to 1 day  wait for cart up to 1 day"
        " wait 60 days set tier = it.cart_id  wait 1 day } }",
        NOW,
    )
    bed.people("ana")
    bed.event("visit", "ana", NOW)
    bed.tick(NOW)
    for hour, name in ((1, "b1"), (2, "b2")):
        bed.event("cart", "ana", NOW + hour * HOUR, fields={"cart_id": name, "total": "1"})
        bed.run_to(NOW + hour * HOUR)
    bed.run_to(NOW + 40 * DAY)
    program = bed.world.program
    retention = Retention({"events": 30 * DAY, "history": 30 * DAY})
    age(bed.engine, program, retention, Path(), NOW + 40 * DAY)
    bed.run_to(NOW + 70 * DAY)
    assert bed.rows("SELECT c.tier FROM customer AS c") == [("b1",)]
    assert bed.rows("SELECT COUNT(*) FROM noted_event AS n") == [(1,)]
    age(bed.engine, program, retention, Path(), NOW + 120 * DAY)
    assert bed.rows("SELECT COUNT(*) FROM noted_event AS n") == [(0,)]
