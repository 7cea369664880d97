"""The scheduler tells what is due in time, also where the clock of the machine was set."""

import threading
import time
from datetime import datetime, timedelta, tzinfo

import apscheduler.schedulers.base
import pytest

import cij.runtime.clock
from cij.runtime.scheduler import Scheduler


class _Set(datetime):
    """The clock of a machine that somebody has set."""

    ahead = timedelta()

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "_Set":
        real = datetime.now(tz) + cls.ahead
        return cls.fromtimestamp(real.timestamp(), tz)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> type[_Set]:
    monkeypatch.setattr(apscheduler.schedulers.base, "datetime", _Set)
    monkeypatch.setattr(cij.runtime.clock, "datetime", _Set)
    monkeypatch.setattr(_Set, "ahead", timedelta())
    return _Set


def _polls(scheduler: Scheduler, seconds: float) -> int:
    """Return how often the poll is due in a time."""
    found, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        scheduler.next_in(seconds)
        found += scheduler.wait(threading.Event()).count("poll")
    return found


@pytest.mark.parametrize("hours", [-1, 0, 1, 24 * 365])
def test_polls_come_in_time_whatever_the_clock_says(clock: type[_Set], hours: int) -> None:
    scheduler = Scheduler()
    scheduler.every(0.02, "poll")
    assert _polls(scheduler, 0.1) >= 2
    clock.ahead = timedelta(hours=hours)
    assert 2 <= _polls(scheduler, 0.2) <= 12


def test_what_is_due_is_told_once(clock: type[_Set]) -> None:
    scheduler = Scheduler()
    scheduler.every(60, "poll")
    scheduler.next_in(0.5)
    scheduler.next_in(0.01)
    assert scheduler.wait(threading.Event()) == ["next"]
    stopped = threading.Event()
    stopped.set()
    assert scheduler.wait(stopped) == []
