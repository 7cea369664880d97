"""A refusal works at once; a grant acts from its own time on, unless a later refusal took it back (S20)."""

from datetime import datetime

import pytest

from cij.runtime.intake import take_in
from tests.testbed import DAY, HOUR, TestBed

NOW = datetime(2026, 3, 2, 10)
AHEAD = NOW + 3 * DAY


@pytest.fixture
def bed() -> TestBed:
    found = TestBed("", NOW)
    found.people("ana")
    found.change("ana", **{"consent.news.email": False})
    return found


def _say(bed: TestBed, now: datetime, *said: tuple[str, datetime]) -> None:
    rows = [
        {"event": event, "customer": "ana", "at": at, "id": f"{event} {at} {now} {n}",
         "fields": {"topic": "news"}}
        for n, (event, at) in enumerate(said)
    ]  # fmt: skip
    assert not take_in(bed.engine, bed.world.program, rows, now).refused


def _consents(bed: TestBed) -> bool:
    found: bool = bed.rows('SELECT c."consent.news.email" FROM customer AS c')[0][0]
    return found


def test_a_grant_acts_when_its_time_has_come(bed: TestBed) -> None:
    _say(bed, NOW, ("subscribed", AHEAD))
    bed.tick(NOW)
    assert not _consents(bed)
    bed.tick(AHEAD - HOUR)
    assert not _consents(bed)
    bed.tick(AHEAD)
    assert _consents(bed)


def test_its_time_makes_a_tick_due(bed: TestBed) -> None:
    _say(bed, NOW, ("subscribed", AHEAD))
    bed.run_to(AHEAD)
    assert _consents(bed)


def test_a_later_refusal_takes_it_back(bed: TestBed) -> None:
    _say(bed, NOW, ("subscribed", AHEAD))
    _say(bed, NOW + HOUR, ("unsubscribed", NOW + HOUR))
    bed.tick(AHEAD + DAY)
    assert not _consents(bed)


def test_a_later_refusal_in_the_same_file_takes_it_back(bed: TestBed) -> None:
    _say(bed, NOW, ("subscribed", AHEAD), ("unsubscribed", NOW))
    bed.tick(AHEAD + DAY)
    assert not _consents(bed)


def test_a_grant_after_the_refusal_acts(bed: TestBed) -> None:
    _say(bed, NOW, ("unsubscribed", NOW), ("subscribed", AHEAD))
    bed.tick(AHEAD)
    assert _consents(bed)


@pytest.mark.parametrize("dated", [NOW - DAY, NOW + HOUR, AHEAD, AHEAD + 100 * DAY])
def test_a_refusal_works_at_once_whatever_its_date(bed: TestBed, dated: datetime) -> None:
    _say(bed, NOW, ("subscribed", NOW))
    assert _consents(bed)
    _say(bed, NOW + HOUR, ("unsubscribed", dated))
    assert not _consents(bed)
    bed.tick(AHEAD + 200 * DAY)
    assert not _consents(bed)


def test_a_refusal_dated_ahead_does_not_undo_a_grant_that_comes_after_it(bed: TestBed) -> None:
    _say(bed, NOW, ("unsubscribed", AHEAD))
    _say(bed, NOW + HOUR, ("subscribed", NOW + HOUR))
    bed.tick(AHEAD + DAY)
    assert _consents(bed)
