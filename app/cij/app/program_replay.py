"""`cij replay`: the events of a past period through the program that runs and through a new one."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cij.app.activity import limits, period
from cij.app.compared_sides import sides
from cij.app.comparison import program_of
from cij.app.compile import compiled
from cij.app.open_store import has_store, open_copy
from cij.app.project import Project, open_project
from cij.compiler.program import Program
from cij.runtime.backtest import Backtest, backtest
from cij.runtime.divergence import Divergences, divergences
from cij.runtime.engine import Engine
from cij.runtime.errors import ConfigError
from cij.runtime.insight.person import deployed
from cij.runtime.sample import Sample, sample_of

Progress = Callable[[datetime, str], None]


@dataclass(frozen=True, slots=True)
class Replay:
    """Both programs over the same events. `every` is the step to which their times were rounded.

    `sample` is None where all customers were replayed.
    """

    zone: str
    older: str
    newer: str
    events: int
    every: timedelta
    found: Divergences
    sample: Sample | None = None


def replay(
    path: Path,
    new: str | None,
    start: datetime,
    end: datetime | None,
    progress: Progress = lambda at, zone: None,
    count: int | None = None,
) -> Replay:
    """Replay a period with the program that runs and with `new`: a revision, a folder, or None for the files.

    `count` is the size of a sample of customers; None is for all. Times are local to the project's zone; None is now. Raises: ConfigError where nothing runs yet;
    RequestError for an unknown revision, or a period that ends before it begins; InvalidProject.
    """
    project = open_project(path)
    if not has_store(project):
        raise ConfigError("nothing has run here yet, so there is nothing to replay")
    newer = compiled(path)[1] if new is None else program_of(sides(path, new, None))
    begin, finish = period(start, end, project.settings.project.timezone)
    one, other = open_copy(project), open_copy(project)
    try:
        older = deployed(one)
        if older is None:
            raise ConfigError("nothing has run here yet, so there is nothing to replay")
        sample = sample_of(one, count) if count is not None else None
        was = _run(one, project, older, begin, finish, progress, sample)
        now = _run(other, project, newer, begin, finish, progress, sample)
        every = max(was.every, now.every)
        found = divergences(one, other, begin, every if every.total_seconds() > 1 else timedelta())
    finally:
        one.close()
        other.close()
    zone = project.settings.project.timezone
    return Replay(zone, older.hash, newer.hash, now.events, every, found, sample)


def _run(
    engine: Engine,
    project: Project,
    program: Program,
    begin: datetime,
    finish: datetime,
    progress: Progress,
    sample: Sample | None,
) -> Backtest:
    zone = project.settings.project.timezone
    return backtest(
        engine,
        program,
        project.root,
        begin,
        finish,
        lambda at: progress(at, zone),
        limits(project.settings),
        sample,
    )
