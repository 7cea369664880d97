"""When to tick. The only importer of APScheduler, which decides nothing else.

One thread does all work, one piece at a time, and a piece that is late is done late, never
dropped: a timer of a journey is a row in the store and not a job here.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

_NEXT = "next"
# Its log is about its own jobs, such as one that began late: nothing that a user could act on.
_LOG = logging.getLogger("apscheduler")
_LOG.addHandler(logging.NullHandler())
_LOG.propagate = False


class Scheduler:
    """Calls functions at intervals and at one next instant."""

    def __init__(self) -> None:
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
            timezone=UTC,
        )

    def every(self, seconds: float, work: Callable[[], None], *, name: str) -> None:
        """Call `work` at an interval, the first time after the first interval."""
        self._scheduler.add_job(work, "interval", seconds=seconds, id=name, replace_existing=True)

    def next_at(self, instant: datetime, work: Callable[[], None]) -> None:
        """Call `work` once at an instant, UTC without a zone; a past one means at once.

        There is one such instant: a new one takes the place of the old.
        """
        due = instant.replace(tzinfo=UTC)
        self._scheduler.add_job(work, "date", run_date=due, id=_NEXT, replace_existing=True)

    def forget_next(self) -> None:
        """Call nothing at the next instant."""
        if self._scheduler.get_job(_NEXT):
            self._scheduler.remove_job(_NEXT)

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        """Wait for the piece of work that is being done, and stop."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)
