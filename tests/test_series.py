"""A series counts from its first date: monthly from 31 January is 28 February, 31 March (S2)."""

from datetime import datetime, timedelta

import pytest

from cij.runtime import zones
from cij.runtime.deploy import deploy
from tests.testbed import TestBed, program_of
from tests.ways import DEFAULT, WAYS, Way

JANUARY = datetime(2027, 1, 31, 9)
MONTHLY = ["01-31", "02-28", "03-31", "04-30", "05-31", "06-30", "07-31"]

PAUSE = "repeat up to 7 times every 1 month { mail: send email first }"
# The same series, written with a wait.
WAIT = "repeat up to 7 times { mail: send email first  on: wait 1 month }"
AT = "repeat up to 7 times { mail: send email first  on: wait 1 month at 10:00 }"
EVENT = "repeat up to 7 times { mail: send email first  on: wait for purchase up to 1 month }"
FIRST = (
    "repeat up to 7 times { mail: send email first  on: wait up to 1 month { on purchase { } } }"
)


def _sent(
    steps: str, first: datetime = JANUARY, years: int = 1, zone: str = "UTC", way: Way = DEFAULT
) -> list[str]:
    text = f"journey j {{ enter from segment reachable steps {{ {steps} }} }}"
    bed = TestBed(text, first, way.engine())
    bed.world = deploy(bed.engine, program_of(text), first, way.mover())
    zones.ensure(bed.engine, [zone])
    bed.people("ana", zone=zone)
    bed.run_to(first + timedelta(days=366 * years))
    return [at.isoformat(" ", "minutes") for _, _, at in bed.sent()]


def _days(found: list[str]) -> list[str]:
    return [at[5:10] for at in found]


@pytest.mark.slow
@pytest.mark.parametrize("steps", [PAUSE, WAIT, AT, EVENT, FIRST])
def test_a_monthly_series_returns_to_the_day_of_its_first_date(steps: str) -> None:
    assert _days(_sent(steps)) == MONTHLY


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_move_people_gives_the_same_series(way: str) -> None:
    assert _days(_sent(PAUSE, way=WAYS[way])) == MONTHLY


@pytest.mark.slow
def test_a_series_from_the_30th_and_the_29th_comes_back_as_well() -> None:
    for day in (30, 29):
        found = _days(_sent(PAUSE, datetime(2027, 1, day, 9)))
        assert found == [f"01-{day}", "02-28", *(f"0{month}-{day}" for month in range(3, 8))]


def test_a_series_of_several_months_keeps_its_day() -> None:
    steps = "repeat up to 5 times every 3 months { mail: send email first }"
    found = _days(_sent(steps, datetime(2027, 8, 31, 9), 2))
    assert found == ["08-31", "11-30", "02-29", "05-31", "08-31"]


@pytest.mark.slow
def test_a_yearly_series_returns_to_the_29th_of_february() -> None:
    steps = "repeat up to 6 times every 1 year { mail: send email first }"
    found = _sent(steps, datetime(2028, 2, 29, 9), 6)
    assert [at[:10] for at in found] == [
        *("2028-02-29", "2029-02-28", "2030-02-28"),
        *("2031-02-28", "2032-02-29", "2033-02-28"),
    ]


@pytest.mark.slow
def test_the_day_is_that_of_the_zone_of_the_customer() -> None:
    # 30 January, 21:00 UTC is 31 January in Tokyo.
    first = datetime(2027, 1, 30, 21)
    assert _days(_sent(PAUSE, first, zone="UTC"))[:4] == ["01-30", "02-28", "03-30", "04-30"]
    assert _days(_sent(PAUSE, first, zone="Asia/Tokyo"))[:4] == ["01-30", "02-27", "03-30", "04-29"]


def test_an_iteration_that_takes_time_begins_a_new_series_at_its_end() -> None:
    steps = "repeat up to 4 times every 1 month { mail: send email first  rest: wait 1 day }"
    # The pauses begin on 1 February, 2 March, 3 April.
    assert _days(_sent(steps)) == ["01-31", "03-01", "04-02", "05-03"]


@pytest.mark.slow
def test_a_month_outside_a_loop_is_a_step_of_its_own() -> None:
    steps = "one: wait 1 month  two: wait 1 month  mail: send email first"
    assert _days(_sent(steps)) == ["03-28"]


def test_a_loop_that_is_entered_again_begins_a_new_series() -> None:
    inner = "inner: repeat up to 2 times every 1 month { mail: send email first }"
    steps = f"outer: repeat up to 2 times {{ {inner}  rest: wait 1 day }}"
    assert _days(_sent(steps)) == ["01-31", "02-28", "03-01", "04-01"]
