"""`LABEL.outcome` of a send: what has become of the message, at once and behind waits."""

from datetime import datetime

import pytest

from cij.compiler.compilation import compile_project
from cij.runtime.story import run_story
from tests.testbed import DATA, DAY, SETTINGS, TestBed, program_of

NOW = datetime(2026, 3, 2, 10)
ASKING = """
journey asking {
  enter on visit
  again always

  steps {
    offer: send email offer
    if offer.outcome = "no_consent" {
      text: send sms text
      switch text.outcome {
        case "no_consent", "no_address" {
          end unreachable
        }
        else {
          set tier = text.outcome
        }
      }
    } else if offer.outcome in ["no_address", "suppressed"] {
      end no_mail
    }
    look: wait up to 1 day {
      when offer.outcome = "failed" or offer.outcome = "expired" {
        end broken
      }
      on opened(offer) {
        end opened
      }
    }
    if offer.outcome = "delivered" {
      end delivered
    }
  }
}
"""
_CUSTOMER = (
    '  clock 2026-03-02 10:00\n  given customer "ana" {{\n{fields}  }}\n  event visit by "ana"\n'
)
_EMAIL, _PHONE = '    email = "a@example.com"\n', '    phone = "+34600000001"\n'
_YES, _SMS = "    consent.news = true\n", "    consent.news.sms = true\n"
STORIES = {
    "it was sent": (_EMAIL + _YES, '  after 2 days\n  expect "ana" ended as delivered\n'),
    "no consent for either": (_EMAIL, '  expect "ana" ended as unreachable\n'),
    "consent for the other, and no address": (
        _EMAIL + _SMS,
        '  expect "ana" ended as unreachable\n',
    ),
    "the other is sent": (
        _EMAIL + _SMS + _PHONE,
        '  expect sent sms text to "ana"\n  after 2 days\n  expect "ana" ended as completed\n',
    ),
    "no address": (_YES, '  expect "ana" ended as no_mail\n'),
}
MISTAKES = {
    'if later.outcome = "failed" { end } later: send email tip': "has no field `later.outcome`",
    "s: send email tip if s.reason is known { end }": "`s.outcome` is all that can be read of it",
    's: send email tip if s.outcome = "bounced" { end }': "CIJ211",
}


@pytest.mark.slow
def test_stories() -> None:
    text = ASKING + "".join(
        f'\ntest "{title}" for asking {{\n{_CUSTOMER.format(fields=fields)}{body}}}\n'
        for title, (fields, body) in STORIES.items()
    )
    made = compile_project(SETTINGS, {"data.journey": DATA, "a.journey": text}, {}, {})
    assert made.program is not None, made.diagnostics
    for story in made.stories:
        failures = run_story(made.program, story).failures
        assert not failures, [story.title, *("\n".join([f.found, *f.trace]) for f in failures)]


@pytest.mark.parametrize("steps", MISTAKES)
def test_mistakes_are_reported(steps: str) -> None:
    with pytest.raises(AssertionError) as found:
        program_of(f"journey j {{ enter on visit steps {{ {steps} }} }}")
    assert MISTAKES[steps] in str(found.value)


def test_who_is_held_out_has_an_outcome_too_and_a_loop_the_latest() -> None:
    bed = TestBed(
        "journey j { enter on visit holdout = 50% steps { repeat up to 2 times every 1 day {"
        " s: send email offer set tier = s.outcome no: withdraw consent news } } }",
        NOW,
    )
    names = ("ana", "bob", "cleo", "dan", "eve", "finn", "gil", "hana")
    bed.people(*names)
    for name in names:
        bed.event("visit", name, NOW)
    bed.tick(NOW)
    tiers = "SELECT DISTINCT c.tier FROM customer AS c WHERE NOT c.tier IS NULL"
    assert bed.rows(tiers) == [("queued",)]
    bed.run_to(NOW + 2 * DAY)
    assert bed.rows(tiers) == [("no_consent",)]
    assert bed.rows("SELECT DISTINCT o.outcome FROM outbox AS o ORDER BY 1") == [
        ("no_consent",), ("queued",), ("withheld",)
    ]  # fmt: skip
