"""A wall clock that is a year ahead, an hour behind, or set while a run goes on."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from cij.compiler.sql import query
from cij.compiler.sql.plan import recheck
from cij.runtime.clock_faults import set_right
from cij.runtime.delivery import Defaults, FileSettings, open_transport
from cij.runtime.long_run import run_until_stopped
from cij.runtime.report import report
from cij.runtime.runner import Runner, StepReport, step
from tests.attack.outbox_bed import NOW
from tests.testbed import DAY, HOUR, TestBed

YEAR = timedelta(days=365)
JOURNEY = """
message email hello {
  topic = news
  from = "Shop <shop@shop.example>"
  locale "en" {
    subject = "Hello"
    body = "Hello"
  }
}
journey greeting {
  enter from segment everybody
  steps {
    first: send email hello
    wait 1 day
    second: send email hello
  }
}
segment everybody { where email is known }
"""


@contextmanager
def bed(folder: Path, *names: str) -> Iterator[tuple[TestBed, Runner]]:
    made = TestBed(JOURNEY, NOW - DAY)
    made.people(*names)
    ways = {"email": open_transport(FileSettings(folder / "outbox"))}
    runner = Runner(made.world, folder, ways, Defaults(), recheck(made.world.program))
    yield made, runner
    runner.dispatch.leave()
    made.engine.close()


def sent(made: TestBed) -> list[tuple[str, str]]:
    """Return (customer, step) of what was delivered."""
    return [
        (name, of)
        for name, of in made.rows(
            "SELECT o.customer, o.step FROM outbox AS o WHERE o.outcome = 'delivered' "
            "ORDER BY o.settled_at, o.customer"
        )
    ]


def test_after_a_run_a_year_ahead_new_customers_get_their_mail_at_once(tmp_path: Path) -> None:
    with bed(tmp_path, "ana") as (made, runner):
        assert step(runner, NOW + YEAR, with_refresh=False).clock_fault is None
        made.people("bob")
        found = step(runner, NOW, with_refresh=False)
        assert "one of the two is wrong" in (found.clock_fault or "")
        assert ("bob", "first") in sent(made)
        assert [(f.kind, f.name) for f in report(made.world, NOW).failed] == [
            ("clock", "of this machine")
        ]


def test_the_operator_says_that_the_clock_is_right(tmp_path: Path) -> None:
    with bed(tmp_path, "ana") as (made, runner):
        step(runner, NOW + YEAR, with_refresh=False)
        made.people("bob")
        step(runner, NOW, with_refresh=False)
        assert set_right(made.engine, NOW + HOUR)
        made.world.mover.forget()
        found = step(runner, NOW + HOUR, with_refresh=False)
        assert found.clock_fault is None and not report(made.world, NOW).failed
        # The waits are as long as they were written.
        step(runner, NOW + HOUR + DAY - timedelta(minutes=1), with_refresh=False)
        assert len(sent(made)) == 2
        step(runner, NOW + HOUR + DAY, with_refresh=False)
        assert sent(made)[2:] == [("ana", "second"), ("bob", "second")]
        assert not set_right(made.engine, NOW + HOUR + DAY)


def test_an_hour_back_stops_nobody_who_is_new(tmp_path: Path) -> None:
    with bed(tmp_path, "ana") as (made, runner):
        step(runner, NOW, with_refresh=False)
        made.people("bob")
        assert step(runner, NOW - HOUR, with_refresh=False).clock_fault
        assert sent(made) == [("bob", "first"), ("ana", "first")]
        # The wait of the first one ends when it would have.
        step(runner, NOW + DAY, with_refresh=False)
        assert ("ana", "second") in sent(made)


def test_a_clock_of_two_machines_that_differs_a_little_is_right(tmp_path: Path) -> None:
    with bed(tmp_path, "ana") as (_, runner):
        step(runner, NOW, with_refresh=False)
        assert step(runner, NOW - timedelta(seconds=90), with_refresh=False).clock_fault is None


class _Jumping:
    """A clock that is set by some hours after the first step."""

    def __init__(self, hours: int) -> None:
        self.hours, self.steps = hours, 0

    def now(self) -> datetime:
        return NOW + (timedelta(hours=self.hours) if self.steps else timedelta())


def _jumped(folder: Path, hours: int) -> list[tuple[str, str]]:
    with bed(folder, "ana") as (made, runner):
        stopped, clock = threading.Event(), _Jumping(hours)

        def after_step(made_step: StepReport, now: datetime) -> None:
            clock.steps += 1
            if clock.steps == 2:
                made.people("bob")
            if clock.steps == 4:
                stopped.set()

        run_until_stopped(runner, clock, stopped, poll_s=0.02, after_step=after_step)
        return sent(made)


def test_a_clock_that_is_set_back_in_a_running_run_stops_no_poll(tmp_path: Path) -> None:
    assert sorted(_jumped(tmp_path, -1)) == [("ana", "first"), ("bob", "first")]


def test_a_clock_that_is_set_forward_in_a_running_run_wakes_who_is_due(tmp_path: Path) -> None:
    found = _jumped(tmp_path, 30)
    assert sorted(found) == [("ana", "first"), ("ana", "second"), ("bob", "first")]


def test_no_bookkeeping_is_left_in_the_future(tmp_path: Path) -> None:
    with bed(tmp_path, "ana", "bob") as (made, runner):
        step(runner, NOW + YEAR, with_refresh=False)
        set_right(made.engine, NOW)
        at = made.engine.rows(
            query("SELECT p.entered_at, p.since, p.wake_at FROM passage AS p WHERE p.id = 1")
        )
        assert at == [(NOW, NOW, NOW + DAY)]
