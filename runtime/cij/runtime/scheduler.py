"""When to work. The only importer of APScheduler, which decides nothing else.

APScheduler says what is due; `wait` returns it, and the caller does the work in its own thread, one
piece after the other. A piece that is late is done late and never dropped: a timer of a journey is a
row in the store and not a job here.

APScheduler goes by the wall clock, which can be set. A job at an interval is dated anew when that
happens, so the next look at the sources still comes in time.
"""

import logging
import time
from datetime import UTC, timedelta
from threading import Event
from typing import Any

from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.base import BaseScheduler

from cij.runtime.clock import LiveClock

_NEXT = "next"
# A slower or faster clock differs by less in a minute; one that was set, by more.
_JUMP_MIN = timedelta(seconds=0.5)
# How long it sleeps at most: the wall clock may be set forward while nothing is due for days.
_LONGEST_WAIT_S = 60.0
# Its log is about its own jobs, such as one that began late: nothing that a user could act on.
_LOG = logging.getLogger("apscheduler")
_LOG.addHandler(logging.NullHandler())
_LOG.propagate = False


class Scheduler(BaseScheduler):  # type: ignore[misc]
    """Tells which work is due: at intervals, and at one next instant."""

    def __init__(self) -> None:
        super().__init__(
            executors={"default": DebugExecutor()},
            job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
            timezone=UTC,
        )
        self._due: list[str] = []
        # APScheduler reads the clock of the machine, so this does too.
        self._wall = LiveClock()
        self._clocks = self._wall.now(), time.monotonic()
        self.start()

    def every(self, seconds: float, name: str) -> None:
        """Have `name` due at an interval, the first time after the first interval."""
        self._add(name, "interval", seconds=seconds)

    def next_in(self, seconds: float) -> None:
        """Have `next` due once, after some seconds. A new one takes the place of the old."""
        due = self._wall.now() + timedelta(seconds=min(seconds, _LONGEST_WAIT_S))
        self._add(_NEXT, "date", run_date=due.replace(tzinfo=UTC))

    def wait(self, stopped: Event) -> list[str]:
        """Wait for work, or until `stopped`, and return the names of what is due; maybe none."""
        seconds = self._look()
        if not self._due:
            stopped.wait(min(seconds, _LONGEST_WAIT_S))
            self._look()
        due, self._due = self._due, []
        return due

    def _add(self, name: str, trigger: str, **when: Any) -> None:
        # Not the method of the list: `wait` puts another list in its place.
        self.add_job(
            lambda: self._due.append(name), trigger, id=name, replace_existing=True, **when
        )

    def _look(self) -> float:
        """Note what is due, and return the seconds until something is."""
        self._follow_clock()
        seconds = self._process_jobs()
        return _LONGEST_WAIT_S if seconds is None else float(seconds)

    def _follow_clock(self) -> None:
        """Date the jobs at intervals anew, where the wall clock was set."""
        (wall, steady), self._clocks = self._clocks, (self._wall.now(), time.monotonic())
        jump = (self._clocks[0] - wall) - timedelta(seconds=self._clocks[1] - steady)
        for job in self.get_jobs() if abs(jump) > _JUMP_MIN else ():
            if job.id != _NEXT:
                job.modify(next_run_time=job.next_run_time + jump)

    def wakeup(self) -> None:
        """Do nothing: `wait` looks at all jobs before it sleeps."""

    def shutdown(self, wait: bool = True) -> None:
        """Forget all jobs."""
        super().shutdown(wait)
