"""The steps `give consent` and `withdraw consent`: consent, its event, its origin, and who reacts (S20)."""

from collections.abc import Callable
from datetime import datetime

import pytest

from cij.app.standard_library import library
from cij.compiler.compilation import Compilation, compile_project
from cij.compiler.declarations.fragment_names import named_parameters
from cij.grammar import syntax
from cij.grammar.parser import parse
from cij.runtime.consent_origin import ledger
from cij.runtime.intake import take_in
from cij.runtime.interactions import CONSENT
from cij.runtime.store import past
from cij.runtime.story import run_story
from tests.testbed import DATA, DAY, HOUR, SETTINGS, TestBed, program_of

NOW = datetime(2026, 3, 2, 10)
# Half of the customers are held out: what they agreed to is noted all the same.
JOURNEYS = """
journey confirming {
  enter on visit
  again always
  holdout = 50%
  steps {
    yes: give consent news by email
    offer: send email offer
    pause: wait 1 day
    no: withdraw consent news
    late: send email offer
    tip: send email tip
  }
}

journey welcomed {
  enter on subscribed where topic = "news" and channel = "email"
  again always
  steps {
    noted: set is_vip = true
    rest: wait 30 days
  }
}

segment readers {
  where consent.news.email
}

journey reading {
  enter from segment readers
  steps {
    rest: wait 30 days
  }
}
"""
PEOPLE = ("ana", "bob", "cleo", "dan")
_CONSENTS = 'SELECT c.id, c."consent.news.email", c."consent.news.sms", c.is_vip FROM customer AS c ORDER BY c.id'
_INSIDE = "SELECT p.journey, COUNT(*) FROM passage AS p GROUP BY p.journey"
_OUTCOMES = "SELECT DISTINCT o.step, o.outcome FROM outbox AS o"


def _bed(text: str = JOURNEYS) -> TestBed:
    found = TestBed(text, NOW)
    found.people(*PEOPLE)
    for name in PEOPLE:
        found.change(name, **{"consent.news.email": False, "consent.news.sms": False})
    return found


def _visit(bed: TestBed, at: datetime) -> None:
    for name in PEOPLE:
        bed.event("visit", name, at)
    bed.tick(at)


def test_everybody_agrees_and_other_journeys_react() -> None:
    bed = _bed()
    _visit(bed, NOW)
    assert bed.rows(_CONSENTS) == [(name, True, False, True) for name in PEOPLE]
    assert dict(bed.rows(_INSIDE)) == {"confirming": 4, "welcomed": 4, "reading": 4}
    bed.run_to(NOW + 2 * DAY)
    assert bed.rows(_CONSENTS) == [(name, False, False, True) for name in PEOPLE]
    outcomes = set(bed.rows(_OUTCOMES))
    # Who is held out gets nothing; the others get the first offer, and after the refusal none.
    assert outcomes == {("offer", "queued"), ("offer", "withheld"), ("late", "no_consent"),
                        ("late", "withheld"), ("tip", "queued"), ("tip", "withheld")}  # fmt: skip


def test_the_ledger_says_which_step_of_which_journey_it_was() -> None:
    bed = _bed()
    _visit(bed, NOW)
    bed.run_to(NOW + 2 * DAY)
    said = [
        (r["at"], r["is_granted"], r["topic"], r["channel"], r["origin"])
        for r in ledger(bed.engine, "ana")
    ]
    assert said == [
        (NOW, True, "news", "email", "journey confirming, step yes"),
        (NOW + DAY, False, "news", None, "journey confirming, step no"),
    ]


def _say(bed: TestBed, event: str, at: datetime, arrives: datetime) -> None:
    """Hand in what Ana said about the news, besides the journey."""
    fields = {"topic": "news"}
    row = {"event": event, "customer": "ana", "at": at, "id": "x", "fields": fields}
    assert not take_in(bed.engine, bed.world.program, [row], arrives).refused


def test_a_refusal_takes_back_what_was_agreed_to_for_later() -> None:
    bed = _bed("journey j { enter on visit steps { no: withdraw consent news by email } }")
    later = NOW + 3 * DAY
    _say(bed, "subscribed", later, NOW)
    bed.event("visit", "ana", NOW)
    bed.run_to(later + DAY)
    # The one for SMS was not taken back.
    assert bed.rows(_CONSENTS)[0][1:3] == (False, True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("refused_at", "expected"), [(NOW - HOUR, True), (NOW, False), (NOW + HOUR, False)]
)
def test_the_later_word_counts_and_at_one_instant_the_refusal(
    refused_at: datetime, expected: bool
) -> None:
    bed = _bed(
        "journey j { enter on visit again always steps { yes: give consent news by email } }"
    )
    _say(bed, "unsubscribed", refused_at, max(NOW, refused_at))
    bed.event("visit", "ana", NOW)
    bed.tick(NOW + 2 * HOUR)
    assert bed.rows(_CONSENTS)[0][1] is expected


MISTAKES = {
    "give consent nws": "there is no topic `nws`",
    "give consent service": "topic `service` needs no consent",
    "withdraw consent tips by sms": "topic `tips` has no channel `sms`",
    "set consent.news.email = true": "is a consent and no field",
}


@pytest.mark.parametrize("step", MISTAKES)
def test_mistakes_are_reported(step: str) -> None:
    with pytest.raises(AssertionError) as found:
        program_of(f"journey j {{ enter on visit steps {{ {step} }} }}")
    assert MISTAKES[step] in str(found.value)


def test_what_an_event_makes_a_journey_say_must_not_start_it_again() -> None:
    with pytest.raises(AssertionError, match="raises itself again without a wait"):
        program_of("journey j { enter on subscribed again always steps { give consent news } }")


# --- the fragment of the library --------------------------------------------------------------

DOUBLE_OPT_IN = """
use std.consent

journey j {
  enter on visit
  steps {
    asked: run double_opt_in(news, tip, "https://shop.example.com/confirm")
    end confirmed
  }
}

test "who clicks the link agrees, others do not" for j {
  clock 2026-03-02 10:00
  given customer "ana" {
    email = "ana@example.com"
  }
  given customer "bob" {
    email = "bob@example.com"
  }
  event visit by "ana"
  event visit by "bob"
  expect sent email tip to "ana"
  after 1 hour event clicked(`asked.ask`) by "ana" {
    link = "https://shop.example.com/terms"
  }
  expect "ana" waiting at `asked.answer`
  after 1 hour event clicked(`asked.ask`) by "ana" {
    link = "https://shop.example.com/confirm?id=7"
  }
  expect "ana" has consent.news.email and not consent.news.sms
  expect "ana" ended as confirmed
  after 7 days
  expect "bob" ended as unconfirmed
  expect "bob" has not consent.news.email
}
"""
WRONG_NAMES = {
    "(nws, tip,": "there is no topic `nws`",
    "(news, tipp,": "there is no message `tipp`",
    '(news, "tip",': "`request` of fragment `double_opt_in` is the name of a message",
}


def _compiled(text: str) -> Compilation:
    files = {"data.journey": DATA, "a.journey": text}
    return compile_project(SETTINGS, files, {}, {}, library=library())


def test_a_fragment_hands_a_topic_on_to_another() -> None:
    bed = _bed(
        "fragment inner(t) { g: give consent t by email } fragment outer(t) { r: run inner(t) } "
        "journey j { enter on visit steps { x: run outer(news) } }"
    )
    bed.event("visit", "ana", NOW)
    bed.run_to(NOW + HOUR)
    assert bed.rows(_CONSENTS)[0][1]


def test_fragments_that_run_many_others_are_looked_at_once() -> None:
    found = _fragments(60, lambda n: " ".join(f"run f{m}(t)" for m in range(n + 1, 60)))
    assert named_parameters(found["f0"], found) == {}


@pytest.mark.slow
def test_fragments_that_run_each_other_too_deep_are_refused() -> None:
    chain = "".join(f"fragment f{n}(t) {{ r: run f{n + 1}(t) }}\n" for n in range(1500))
    text = chain + "fragment f1500(t) { g: give consent t }\n"
    with pytest.raises(AssertionError, match="more than 100 levels deep"):
        program_of(text + "journey j { enter on visit steps { x: run f0(news) } }")


def _fragments(count: int, steps: Callable[[int], str]) -> dict[str, syntax.Fragment]:
    text = "".join(f"fragment f{n}(t) {{ {steps(n)} }}\n" for n in range(count))
    found = parse("a.journey", text)[0].declarations
    return {f.name.text: f for f in found if isinstance(f, syntax.Fragment)}


def test_double_opt_in_is_a_fragment_of_the_library() -> None:
    made = _compiled(DOUBLE_OPT_IN)
    assert made.program is not None, made.diagnostics
    assert run_story(made.program, made.stories[0]).failures == ()
    for wrong, message in WRONG_NAMES.items():
        found = _compiled(DOUBLE_OPT_IN.replace("(news, tip,", wrong)).diagnostics
        assert [d.message for d in found] == [message]
        assert found[0].span.file == "a.journey"


def test_a_backtest_forgets_what_journeys_gave() -> None:
    bed = _bed("journey j { enter on visit steps { yes: give consent news } }")
    _visit(bed, NOW)
    engine = bed.engine
    for statement in past.REMEMBER:
        engine.execute(statement, {"start": NOW - DAY})
    count = "SELECT COUNT(*) FROM past_consent AS p"
    assert bed.rows(count) == [(8,)]
    for event, is_granted in CONSENT.items():
        engine.execute(past.forget_own_consents(event, is_granted))
    assert bed.rows(count) == [(0,)]
