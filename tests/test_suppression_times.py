"""A suppression that is dated in the future acts in its time, unless a later order replaced it (S20)."""

from datetime import datetime

import pytest

from cij.runtime import suppression
from cij.runtime.due import next_work
from cij.runtime.intake import take_in
from tests.testbed import DAY, HOUR, TestBed

NOW = datetime(2026, 3, 2, 10)
AHEAD = NOW + 3 * DAY
JOURNEY = """
journey j { enter on visit  again always  steps { mail: send email first } }
"""
SUPPRESSING = ("bounced", "complained")


@pytest.fixture
def bed() -> TestBed:
    found = TestBed(JOURNEY, NOW)
    found.people("ana")
    found.tick(NOW)
    return found


def _happens(bed: TestBed, event: str, now: datetime, at: datetime) -> None:
    row = {"event": event, "customer": "ana", "at": at, "id": f"{event} {at} {now}"}
    assert not take_in(bed.engine, bed.world.program, [row], now).refused


def _outcome(bed: TestBed, now: datetime) -> str:
    """Return what becomes of a message at an instant."""
    bed.event("visit", "ana", now)
    bed.tick(now)
    found = bed.rows("SELECT o.outcome FROM outbox AS o ORDER BY o.created_at DESC LIMIT 1")
    return str(found[0][0])


def _order(bed: TestBed, action: str, now: datetime, **who: str) -> int:
    return suppression.apply(bed.engine, {"suppress": action, **who}, now).count


@pytest.mark.parametrize("event", SUPPRESSING)
def test_it_acts_when_its_time_has_come(bed: TestBed, event: str) -> None:
    _happens(bed, event, NOW, AHEAD)
    assert _outcome(bed, NOW + HOUR) == "queued"
    assert next_work(bed.world) is not None
    assert _outcome(bed, AHEAD) == "suppressed"


@pytest.mark.parametrize("event", SUPPRESSING)
def test_its_time_makes_a_tick_due(bed: TestBed, event: str) -> None:
    _happens(bed, event, NOW, AHEAD)
    bed.run_to(AHEAD)
    assert bed.rows("SELECT s.at FROM suppression AS s") == [(AHEAD,)]


@pytest.mark.parametrize(
    ("event", "who"),
    [
        ("bounced", {"address": "ana@example.com"}),
        ("complained", {"address": "ana@example.com"}),
        ("complained", {"customer": "ana"}),
    ],
)
def test_a_later_removal_takes_it_back(bed: TestBed, event: str, who: dict[str, str]) -> None:
    _happens(bed, event, NOW, AHEAD)
    assert _order(bed, "remove", NOW + HOUR, **who) == 1
    assert _outcome(bed, AHEAD + DAY) == "queued"


def test_a_removal_on_another_channel_takes_nothing_back(bed: TestBed) -> None:
    _happens(bed, "bounced", NOW, AHEAD)
    assert _order(bed, "remove", NOW + HOUR, address="ana@example.com", channel="sms") == 0
    assert _outcome(bed, AHEAD + DAY) == "suppressed"


@pytest.mark.parametrize("event", SUPPRESSING)
@pytest.mark.parametrize("dated", [NOW - DAY, NOW])
def test_what_is_not_ahead_acts_at_once(bed: TestBed, event: str, dated: datetime) -> None:
    _happens(bed, event, NOW, dated)
    assert _outcome(bed, NOW + HOUR) == "suppressed"


def test_it_is_not_put_on_the_list_twice(bed: TestBed) -> None:
    _happens(bed, "bounced", NOW, AHEAD)
    _happens(bed, "bounced", NOW, AHEAD + HOUR)
    _order(bed, "add", NOW, address="ana@example.com", channel="email")
    bed.run_to(AHEAD + DAY)
    assert len(bed.rows("SELECT s.at FROM suppression AS s")) == 1


def test_the_list_shows_it_with_its_time(bed: TestBed) -> None:
    _happens(bed, "bounced", NOW, AHEAD)
    [entry] = suppression.entries(bed.engine)
    assert (entry.address, entry.at) == ("ana@example.com", AHEAD)
