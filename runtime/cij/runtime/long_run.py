"""Steps until an order to stop. One thread makes them, one after the other, when the scheduler says so."""

import logging
import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cij.runtime.clock import Clock
from cij.runtime.due import next_tick
from cij.runtime.exports.exporting import next_export
from cij.runtime.runner import Runner, StepReport, step

_log = logging.getLogger("cij.run")

# How long a step waits for providers, before timers and sources have their turn.
_SLICE_S = 0.5
# Work ahead takes less, so nobody waits for it.
_TIME_AHEAD = timedelta(seconds=1)
# While nothing is due for so long, the log of the state is folded into its file.
_FOLD_AHEAD = timedelta(seconds=5)
# What the scheduler calls the look at the sources.
_POLL = "poll"


@dataclass(slots=True)
class _Loop:
    """The steps of a long run. `wanted` is when the next one is due."""

    runner: Runner
    clock: Clock
    after_step: Callable[[StepReport, datetime], None]
    wanted: datetime | None = None
    source_errors: dict[str, str] = field(default_factory=dict)
    ready_for: datetime | None = None
    is_folded: bool = False

    def step(self, *, with_refresh: bool) -> None:
        """Make one step, and find out when the next one is due."""
        now = self.clock.now()
        report = step(self.runner, now, with_refresh=with_refresh, slice_s=_SLICE_S)
        if report.refresh is not None:
            self._tell(report.refresh.failed)
        self.after_step(report, now)
        self.is_folded = self.is_folded and not report.is_anything_done
        self._plan_next(now)

    def _tell(self, failed: Mapping[str, str]) -> None:
        # Every poll meets the same errors again.
        for name, reason in failed.items():
            if self.source_errors.get(name) != reason:
                _log.error("%s", reason)
        self.source_errors = dict(failed)

    def _plan_next(self, now: datetime) -> None:
        dispatch, world = self.runner.dispatch, self.runner.world
        # What is under way is looked at again at once: a step waits for it a while.
        found = [
            next_tick(world),
            next_export(world.engine, world.program, now),
            dispatch.next_due(now),
            now if dispatch.is_busy else None,
        ]
        self.wanted = min((due for due in found if due is not None), default=None)
        if self.wanted is None or self.wanted - now >= _FOLD_AHEAD:
            self._fold()
        self._work_ahead(now)

    def _fold(self) -> None:
        """Keep the log short: a copy of the state file alone is then nearly the whole state."""
        if not self.is_folded:
            self.runner.world.engine.maintain(is_thorough=True)
            self.is_folded = True

    def _work_ahead(self, now: datetime) -> None:
        world = self.runner.world
        timer = world.mover.next_timer(world)
        if timer is not None and timer != self.ready_for and timer - now >= _TIME_AHEAD:
            world.mover.prepare(world, timer)
            self.ready_for = timer

    def seconds_left(self) -> float:
        """How long nothing is due, by the wall clock of now."""
        if self.wanted is None:
            return math.inf
        # `datetime.min` means at once.
        now = self.clock.now()
        return 0.0 if self.wanted <= now else (self.wanted - now).total_seconds()


def run_until_stopped(
    runner: Runner,
    clock: Clock,
    stopped: threading.Event,
    *,
    poll_s: float,
    after_step: Callable[[StepReport, datetime], None],
    between: Callable[[datetime], bool] = lambda now: False,
) -> None:
    """Run until `stopped` is set; then messages that are under way are settled.

    `between` is called between two steps, in this thread. It returns whether there is something for a
    step to do. Raises what ended a step. A source that cannot be used for now is none of this.
    """
    # A single step needs no scheduler, and loading it takes a tenth of such a run.
    from cij.runtime.scheduler import Scheduler

    runner.stopped = stopped
    loop = _Loop(runner, clock, after_step)
    scheduler = Scheduler()
    scheduler.every(poll_s, _POLL)
    loop.step(with_refresh=False)
    while not stopped.is_set():
        scheduler.next_in(loop.seconds_left())
        is_poll = _POLL in scheduler.wait(stopped)
        is_work = between(clock.now())
        if not stopped.is_set() and (is_poll or is_work or loop.seconds_left() <= 0):
            loop.step(with_refresh=is_poll)
    scheduler.shutdown()
    runner.dispatch.finish(clock.now())
