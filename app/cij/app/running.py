"""Runs a project: it opens and closes the store and the channels together."""

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cij.app.authorship import author, revision
from cij.app.check_cache import ask, is_as_found
from cij.app.compile import Compiled
from cij.app.deployed_program import keep_program
from cij.app.idle_run import IdleRun, Surroundings, idle_run, remember_idle, surroundings_of
from cij.app.kept_texts import kept_texts
from cij.app.open_store import ledger_of, open_when_free, other_ledgers, rewritten, store_path
from cij.app.project import Project
from cij.app.project_check import compile_found
from cij.app.status_file import write_status
from cij.app.transports import message_folders, open_transports, senders
from cij.compiler.program import Program
from cij.runtime.applied import Applied, history, note_applied
from cij.runtime.clock import LiveClock
from cij.runtime.clock_faults import set_right
from cij.runtime.current_state import accept, require_own
from cij.runtime.delivery import Recovery, release_failed, release_uncertain
from cij.runtime.due import next_work
from cij.runtime.engine import Engine
from cij.runtime.errors import StoreError
from cij.runtime.held_clicks import recover as recover_clicks
from cij.runtime.intake_log import recover as recover_log
from cij.runtime.long_run import run_until_stopped
from cij.runtime.private_files import private_files
from cij.runtime.report import report
from cij.runtime.report_data import Report
from cij.runtime.retention import Retention
from cij.runtime.runner import Runner, StepReport, open_runner, step
from cij.runtime.store import meta, prepare

if TYPE_CHECKING:
    from cij.app.writer_turn import Turn

_STATUS_S = 2.0
AfterStep = Callable[[StepReport, datetime], None]


@dataclass(slots=True)
class Run:
    """A running project. `recovery` tells what was done about messages of an interrupted run."""

    project: Project
    runner: Runner
    recovery: Recovery
    engine: Engine
    last_report: Report | None = None

    @property
    def zone(self) -> str:
        return self.project.settings.project.timezone

    def once(self) -> StepReport:
        """Refresh the data and do everything that is due now."""
        return step(self.runner, LiveClock().now(), with_refresh=True)

    def stop_by(self, stopped: threading.Event) -> None:
        """Let `stopped` end the run after the messages that connections have in their hands."""
        self.runner.stopped = stopped

    def until_stopped(
        self,
        stopped: threading.Event,
        poll_s: float,
        after_step: AfterStep,
        between: Callable[[datetime], bool] = lambda now: False,
    ) -> None:
        """Make steps until `stopped` is set. The status file is written after each.

        `between` is called between two steps, and returns whether it left something for the next one.

        Other commands read that file while this process has the store open.
        """

        written = -math.inf

        def noted(made: StepReport, now: datetime) -> None:
            nonlocal written
            after_step(made, now)
            # While messages are under way there are several steps in a second.
            is_poll = made.refresh is not None
            if is_poll or made.is_anything_done or time.monotonic() - written >= _STATUS_S:
                write_status(self.project.root, report(self.runner.world, now))
                written = time.monotonic()

        clock = LiveClock()
        run_until_stopped(
            self.runner, clock, stopped, poll_s=poll_s, after_step=noted, between=between
        )

    def release_failed(self) -> int:
        """Queue messages again that were refused for good, and return their number."""
        count = release_failed(self.engine, LiveClock().now())
        self.runner.dispatch.release_brakes()
        return count

    def release_uncertain(self) -> int:
        """Queue uncertain messages again, and return their number."""
        return release_uncertain(self.engine)

    def next_at(self) -> datetime | None:
        """Return the next instant at which time alone makes something due; None for never."""
        return next_work(self.runner.world)

    def report(self) -> Report:
        """Return the current numbers, and write them to the status file."""
        found = report(self.runner.world, LiveClock().now())
        write_status(self.project.root, found)
        self.last_report = found
        return found


@contextmanager
def open_run(
    path: Path,
    on_wait: Callable[[str], None] = lambda text: None,
    *,
    accepts: Callable[[int], None] | None = None,
    sets_clock: bool = False,
    turn: "Turn | None" = None,
) -> Iterator[Run]:
    """Deploy the project at `path` into its store and open its channels.

    With `accepts` the run uses a state that went back. It calls `accepts` with the number of messages that
    a newer state had sent. `sets_clock` says that the clock is right, and the state was ahead. `turn` has
    the store that a standby waited for, open.

    If the block ends without an error and nothing is due, this fact is cached (`idle_run`), so that
    the next run can answer quickly. Raises: InvalidProject, ConfigError, StoreError.
    """
    question = ask(path)
    compiled = turn.compiled_as(question) if turn is not None else compile_found(question)
    # Stamps are taken before the run reads its sources, so that a change during the run is noticed.
    around = surroundings_of(question, compiled) if is_as_found(question) else None
    opens = turn.engine_of if turn is not None else lambda p: open_when_free(p, on_wait=on_wait)
    with _opened(compiled, opens, accepts, sets_clock) as run:
        yield run
        idle = _idle(run, compiled, around)
    if idle is not None:
        remember_idle(idle)


@contextmanager
def _opened(
    compiled: Compiled,
    opens: Callable[[Project], Engine],
    accepts: Callable[[int], None] | None,
    sets_clock: bool,
) -> Iterator[Run]:
    program, project = compiled.program, compiled.project
    with ExitStack() as stack:
        # The log of the state and what does not fit into memory are made by the engine.
        stack.enter_context(private_files())
        # Transports come first, so that a wrong setting stops the run before anything is deployed.
        transports = open_transports(project, program)
        for transport in transports.values():
            stack.callback(transport.close)
        engine = rewritten(project, opens(project))
        stack.callback(engine.close)
        now, root = LiveClock().now(), project.root
        # What a service had on the disk when it was killed.
        recover_log(root)
        recover_clicks(root, now)
        ledger, others = ledger_of(project), other_ledgers(project)
        if accepts is not None:
            prepare(engine)
            accepts(accept(engine, program.project, ledger, now, others))
        require_own(engine, program.project, ledger, others)
        _require_applied(engine, project, program)
        if sets_clock:
            prepare(engine)
            set_right(engine, now)
        opened = open_runner(
            engine,
            program,
            root,
            transports,
            senders(project, program),
            now,
            ledger,
            time.monotonic,
        )
        opened[0].retention = Retention(
            project.settings.retention.ages(), message_folders(project), store_path(project)
        )
        keep_program(root, program)
        _note(engine, compiled, now)
        stack.callback(opened[0].dispatch.leave)
        yield Run(project, *opened, engine)


def _note(engine: Engine, compiled: Compiled, now: datetime) -> None:
    """Add the program to the history of the store, if another one ran there before."""
    made = history(engine)
    if not made or made[0].hash != compiled.program.hash:
        root = compiled.project.root
        with engine.transaction():
            note_applied(
                engine,
                compiled.program.hash,
                now,
                what="run",
                who=author(root),
                revision=revision(root),
                texts=kept_texts(compiled),
            )


def _require_applied(engine: Engine, project: Project, program: Program) -> None:
    """Refuse a program that nobody applied, in a protected environment. Raises: StoreError."""
    here = project.settings.environment
    made = history(engine) if here.is_protected else []
    if here.is_protected and (not made or made[0].hash != program.hash):
        raise StoreError(_refusal(here.name or "", made))


def _refusal(name: str, made: Sequence[Applied]) -> str:
    what = f"the program of the files was not applied to `{name}`, which is protected. "
    if made:
        files = f" (revision {made[0].revision})" if made[0].revision else ""
        what += f"{made[0].hash[:8]}{files} runs there. "
    return what + (
        f"See what the files would change: `cij plan {name} -o plan.json`; then `cij apply plan.json`"
    )


def _idle(run: Run, compiled: Compiled, around: Surroundings | None) -> IdleRun | None:
    if around is None or run.last_report is None or run.engine.traits.is_shared:
        return None
    if meta.value(run.engine, meta.REWRITE) == "yes":
        # The next run writes the state file anew.
        return None
    if run.last_report.failed:
        # The next run has work to do: it retries what was put aside.
        return None
    # Without this, closing the store would write a checkpoint and change the file after its stamp.
    run.engine.maintain(is_thorough=True)
    state = store_path(run.project)
    found = idle_run(around, compiled, run.runner.world, run.last_report, state)
    if found is None or not run.runner.retention.ages:
        return found
    # Retention is due each day.
    tomorrow = datetime.combine(found.since.date() + timedelta(days=1), datetime.min.time())
    return found._replace(until=min(found.until or tomorrow, tomorrow))
