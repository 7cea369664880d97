"""One step of running: refresh the data, take in events, tick, deliver.

refresh --> tick --> deliver --> when next?
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from cij.compiler.program import Program
from cij.compiler.sql import Statement, row_locator
from cij.compiler.sql.identity import follow
from cij.compiler.sql.plan import recheck
from cij.runtime import absence, inbox
from cij.runtime.answers import take_answers
from cij.runtime.clock_faults import note_clock
from cij.runtime.containment import contained_tick, leave_out_failed
from cij.runtime.current_state import identify
from cij.runtime.deliveries import note_deliveries
from cij.runtime.delivery import (
    Defaults,
    Dispatch,
    Done,
    DrainReport,
    Recovery,
    Transport,
    check_again,
    recover,
)
from cij.runtime.delivery.ledger import Ledger
from cij.runtime.deploy import deploy
from cij.runtime.due import next_tick
from cij.runtime.engine import Engine
from cij.runtime.errors import WorldError, reason_of
from cij.runtime.event_rounds import has_arrivals
from cij.runtime.exports.exporting import Exporting
from cij.runtime.exports.one_run import ExportRun
from cij.runtime.intake import Refused
from cij.runtime.refresh import RefreshReport, refresh
from cij.runtime.retention import Retention, age
from cij.runtime.retry_failed import write_again
from cij.runtime.segments import data_changed
from cij.runtime.sources.load import TornLoad
from cij.runtime.sources.standing_still import Looks
from cij.runtime.store import aside
from cij.runtime.store.passages import END_MERGED
from cij.runtime.tick import TickReport
from cij.runtime.world import World

_log = logging.getLogger("cij.run")

# What belongs to a customer follows them when they are merged with another (S26).
_FOLLOW = tuple(
    follow(table)
    for table in (
        "passage_row",
        "outbox_row",
        "conversion",
        "entry_queue",
        "suppression",
        "suppression_ahead",
    )
)
# How long a delivery waits before it looks into the inbox again.
_LOOK_S = 0.2
# How long an order waits for messages that connections have taken, to count them rightly.
_PATIENCE_S = 0.5
# Quiet hours may begin in the middle of a long batch.
_CHECK_S = 30.0
_CATCH_UP_MAX = 10_000
# How often a step delivers what follows from answers to it; the rest is for the next step.
_ROUNDS_MAX = 10


@dataclass(slots=True)
class Runner:
    """A project that is being run.

    `steady` counts seconds by a clock that nobody can set: a long delivery goes on in its instants. As a
    default no time passes in a step.
    """

    world: World
    root: Path
    transports: Mapping[str, Transport]
    defaults: Defaults
    recheck: tuple[Statement, ...]
    stopped: threading.Event = field(default_factory=threading.Event)
    ledger: Ledger = field(default_factory=lambda: Ledger(None))
    looks: Looks = field(default_factory=Looks)
    steady: Callable[[], float] = lambda: 0.0
    retention: Retention = field(default_factory=Retention)
    dispatch: Dispatch = field(init=False)
    exports: Exporting = field(init=False)

    def __post_init__(self) -> None:
        world = self.world
        self.exports = Exporting(self.root)
        self.dispatch = Dispatch(world.engine, self.transports, self.defaults, ledger=self.ledger)


@dataclass(slots=True)
class StepReport:
    """What one step did. `refresh` is None when the data was not looked at; `refused` are handed-in
    events that were put aside.
    """

    refresh: RefreshReport | None = None
    entered: int = 0
    moves: int = 0
    events: int = 0
    refused: list[Refused] = field(default_factory=list)
    clock_fault: str | None = None
    aged: dict[str, int] = field(default_factory=dict)
    delivery: DrainReport = field(default_factory=DrainReport)
    exports: list[ExportRun] = field(default_factory=list)

    @property
    def is_anything_done(self) -> bool:
        """Tell whether the step changed something that a report shows."""
        has_loaded = self.refresh is not None and self.refresh.changed
        has_moved = self.refused or self.events or self.entered or self.moves
        return bool(has_loaded or has_moved or self.delivery.counts or self.exports)

    @property
    def is_anything_aside(self) -> bool:
        """Tell whether rows or events were put aside in this step."""
        loaded = self.refresh.sources if self.refresh else ()
        return bool(self.refused) or any(s.bad for s in loaded if not s.is_unchanged)


def open_runner(
    engine: Engine,
    program: Program,
    root: Path,
    transports: Mapping[str, Transport],
    defaults: Defaults,
    now: datetime,
    ledger: Ledger | None = None,
    steady: Callable[[], float] = lambda: 0.0,
) -> tuple[Runner, Recovery]:
    """Deploy `program` and settle what an earlier run left half done.

    `ledger` is what was sent, beside the state. Without one nobody notices that a state went back.
    `steady` is as in `Runner`.
    """
    world = deploy(engine, program, now)
    identify(engine, program.project, now)
    recovery = recover(engine, transports, now)
    write_again(engine, program, defaults, now)
    sent = ledger or Ledger(None)
    rules = recheck(program)
    return Runner(world, root, transports, defaults, rules, ledger=sent, steady=steady), recovery


def step(
    runner: Runner, now: datetime, *, with_refresh: bool, slice_s: float | None = None
) -> StepReport:
    """Bring everything to the instant `now`. What fails stops nothing else: the report has it (S28).

    With `slice_s` it does not wait longer for providers: what is under way is settled by later steps.
    """
    report = StepReport(clock_fault=note_clock(runner.world, now))
    if with_refresh:
        report.aged = _age(runner, now)
        report.refresh = _refresh_what_stands_still(runner, now, may_wait=slice_s is None)
        if report.refresh.changed:
            # Consent may have been withdrawn in the data.
            runner.dispatch.recall(now, 0)
    delivering = Delivering(runner, report, now, slice_s)
    delivering.look()
    _catch_up(runner, now, report)
    delivering.run()
    rounds = 1
    # What was done or delivered at once may be waited for, and what follows be done at once as well.
    while has_arrivals(runner.world) and rounds < _ROUNDS_MAX and not runner.stopped.is_set():
        _catch_up(runner, now, report)
        delivering.run()
        rounds += 1
    report.exports = _export(runner, now)
    runner.world.engine.maintain()
    return report


def _export(runner: Runner, now: datetime) -> list[ExportRun]:
    """Run the exports that are due: last, so that they have what the step did."""
    if runner.stopped.is_set():
        return []
    world = runner.world
    made = runner.exports.run_due(world.engine, world.program, now)
    if made:
        world.calendar.forget()
    return made


def _age(runner: Runner, now: datetime) -> dict[str, int]:
    """Delete what is too old. Where it fails, nothing else stops (S28)."""
    world = runner.world
    try:
        return age(world.engine, world.program, runner.retention, runner.root, now)
    except WorldError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it is of old rows and files
        _log.error("retention: %s", reason_of(error))
        return {}


def _refresh_what_stands_still(runner: Runner, now: datetime, *, may_wait: bool) -> RefreshReport:
    look = runner.looks.still if may_wait else runner.looks.moving
    moving = look(runner.world.program, runner.root)
    report = refresh_what_can_be(runner.world, runner.root, now, moving)
    # A run that makes no other look has to tell.
    return replace(report, failed={**report.failed, **moving}) if may_wait else report


def _catch_up(runner: Runner, now: datetime, report: StepReport) -> None:
    leave_out_failed(runner.world)
    due = next_tick(runner.world)
    turns = 0
    while due is not None and due <= now and not runner.stopped.is_set():
        _add(report, contained_tick(runner.world, now))
        due = next_tick(runner.world)
        turns += 1
        assert turns < _CATCH_UP_MAX, "the tick leaves something due behind it, again and again"


def _add(report: StepReport, ticked: TickReport) -> None:
    report.entered += ticked.entered
    report.moves += ticked.moves
    report.events += ticked.events


def refresh_data(world: World, root: Path, now: datetime) -> RefreshReport:
    """Load what changed in the sources, and have passages follow their customers.

    Raises: DataError when a source cannot be used.
    """
    return _refreshed(world, root, now, None)


def refresh_what_can_be(
    world: World, root: Path, now: datetime, moving: Mapping[str, str] | None = None
) -> RefreshReport:
    """As `refresh_data`, but a source that cannot be used keeps its old data and stops no other (S28).

    Those that are `moving` are left for the next look. One that had failed before still counts as failed.
    """
    waiting = moving or {}
    failed = {**waiting}
    while True:
        try:
            report = _refreshed(world, root, now, failed)
            break
        except TornLoad as error:
            # The transaction is undone: once more without this source.
            failed[error.source] = f"source {error.source}: {reason_of(error.cause)}"
    known = aside.reasons(world.engine, "source")
    now_failed = {name: reason for name, reason in failed.items() if name not in waiting}
    now_failed |= {name: reason for name, reason in known.items() if name in waiting}
    _note_failed(world, known, now_failed, now)
    return replace(report, failed=now_failed)


def _note_failed(
    world: World, known: Mapping[str, str], failed: Mapping[str, str], now: datetime
) -> None:
    """Keep why sources failed for `cij status`, until they load again."""
    if known != failed:
        with world.engine.transaction():
            for name in known.keys() - failed.keys():
                aside.forget(world.engine, "source", name)
            for name, reason in failed.items() - known.items():
                aside.put(world.engine, "source", name, reason, now)


def _refreshed(
    world: World, root: Path, now: datetime, failed: dict[str, str] | None
) -> RefreshReport:
    with world.engine.transaction():
        report = refresh(world.engine, world.program, root, now, failed)
        if report.changed:
            for statement in _FOLLOW if report.merged else ():
                world.engine.execute(statement)
            absence.follow(world.engine)
            world.engine.execute(END_MERGED, {"now": now})
            data_changed(world)
    if report.is_unified_anew:
        # Timers may have been taken, or given back.
        world.mover.forget()
        if world.engine.traits.has_row_ids:
            # Only now: rows of a transaction that goes on have no place yet.
            world.engine.execute(row_locator.NOTE_ROWS)
    return report


@dataclass(slots=True)
class Delivering:
    """The delivery of one step. It looks into the inbox all the time: an order or an unsubscribe that
    came after the messages were queued acts on all that no connection has taken (S20, S22, S23).
    """

    runner: Runner
    report: StepReport
    began: datetime
    slice_s: float | None
    end: float = field(init=False)
    start: float = field(init=False)
    is_checked: bool = False

    def __post_init__(self) -> None:
        self.start = self.runner.steady()
        self.end = time.monotonic() + (math.inf if self.slice_s is None else self.slice_s)

    @property
    def now(self) -> datetime:
        """The instant of the step, which a long delivery leaves behind."""
        return self.began + timedelta(seconds=int(self.runner.steady() - self.start))

    def run(self) -> None:
        """Deliver what is due: all of it, or what goes in the time of a slice."""
        dispatch = self.runner.dispatch
        self.is_checked = False
        # Answers are taken in by the world of now, which a deployment replaces.
        dispatch.take_done = self._take_done
        dispatch.collect(self.now)
        while not self.runner.stopped.is_set():
            self._check()
            dispatch.begin(self.now)
            if not dispatch.is_busy or self._is_over():
                break
            dispatch.wait(_LOOK_S)
            dispatch.collect(self.now)
            self.look()
        if self.runner.stopped.is_set():
            dispatch.finish(self.now)
        self._report()

    def _check(self) -> None:
        """Check again what is due, before a lane begins with it and each half minute."""
        dispatch = self.runner.dispatch
        if dispatch.age_s >= _CHECK_S:
            dispatch.recall(self.now, 0)
            self.is_checked = False
        if not self.is_checked and dispatch.is_free(self.now):
            check_again(self.runner.world.engine, self.runner.recheck, self.now)
            self.is_checked = True

    def look(self) -> None:
        """Take in what was handed in. Messages are called back before, so that it acts on them."""
        runner = self.runner
        if not inbox.is_empty(runner.root):
            runner.dispatch.recall(self.now, _PATIENCE_S)
            self.is_checked = False
        self.report.refused += inbox.take_all(runner.world, runner.root, self.now)

    def _is_over(self) -> bool:
        return time.monotonic() >= self.end

    def _take_done(self, done: Sequence[Done]) -> None:
        world = self.runner.world
        take_answers(world.engine, world.program, done, self.now)

    def _report(self) -> None:
        found = self.runner.dispatch.take_report(self.now)
        self.report.delivery.merge(found)
        if found.counts["delivered"] or found.counts["failed"]:
            note_deliveries(self.runner.world, self.began, self.began)
