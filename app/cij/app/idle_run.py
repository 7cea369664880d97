"""A run that has nothing to do, known without opening the store.

At its end a run remembers what it depended on: the texts of the project, the files of the sources,
the state file, and until when time alone gives nothing to do. While all of that is the same, the
next `cij run --once` would read it all, do nothing and report the same numbers, so the report is
kept and shown. Anything that is not certain makes a whole run: a held lock, a file in the inbox, a
clock that went back, a source that is no file, a segment whose size changes with time.

Light on purpose: `find_idle` loads neither the compiler nor the engine.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cij.app.cache import digest, recalled, remember
from cij.app.check_cache import Question, ask, contents_digests, is_unchanged
from cij.runtime.report_data import Report

if TYPE_CHECKING:
    from cij.app.compile import Compiled
    from cij.runtime.world import World

_KIND = "idle"
_ENV = "env:"

# Size, time of the last change and number of each file; None for one that is not there.
Stamps = Mapping[Path, tuple[int, int, int] | None]


class Surroundings(NamedTuple):
    """What a run reads outside of the project's texts, taken before the run reads it.

    A file that changes later differs from its stamp here, so the next run is a whole one.
    """

    question: Question
    sources: Stamps
    variables: Mapping[str, str]


class IdleRun(NamedTuple):
    """Nothing is to be done from `since` until before `until`; None is never.

    `key` and `contents` are those of the check cache. `stamps` has the sources and the state file.
    """

    root: Path
    zone: str
    key: str
    contents: Mapping[str, str | None]
    variables: Mapping[str, str]
    stamps: Stamps
    state: Path
    inbox: Path
    since: datetime
    until: datetime | None
    next_at: datetime | None
    report: Report


def find_idle(path: Path, now: datetime) -> IdleRun | None:
    """Return what a whole run would report now if it had nothing to do, None where it may have.

    Raises: ConfigError, as for any command in a folder without a project.
    """
    question = ask(path)
    found = recalled(_KIND, question.root)
    if not isinstance(found, IdleRun) or found.key != question.key:
        return None
    holds = (
        found.since <= now
        and (found.until is None or now < found.until)
        and found.variables == _variables(found.variables)
        and found.stamps == stamps(found.stamps)
        and not any(found.inbox.glob("*.jsonl"))
        and is_unchanged(question.root, found.contents)
        and _is_free(found.state)
    )
    return found._replace(report=replace(found.report, at=now)) if holds else None


def _is_free(state: Path) -> bool:
    """Tell whether no other process has the state file open, as its driver would find out."""
    try:
        import fcntl
    except ImportError:
        return False  # Windows: only opening the store tells, so that is done.
    try:
        with state.open("rb") as file:
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def stamps(files: Iterable[Path]) -> Stamps:
    """Return what tells of each file whether it is the same as before."""
    return {file: _stamp(file) for file in files}


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino


def _variables(names: Iterable[str]) -> dict[str, str]:
    """Return digests of variables: their values may be secrets, and are kept nowhere."""
    return {name: digest(os.environ.get(name, "\0")) for name in names}


# --- remembering ------------------------------------------------------------------------------


def surroundings_of(question: Question, compiled: "Compiled") -> Surroundings | None:
    """Return what a run depends on; None where a source is no file, so that nobody can tell."""
    from cij.app.config import variable_names
    from cij.app.project_files import FILE_NAME

    names = set(variable_names(question.root / FILE_NAME))
    files: list[Path] = []
    for source in compiled.program.sources:
        # Only of a file do size and time show whether it changed.
        if "path" not in source.settings:
            return None
        written = [v for v in source.settings.values() if v.startswith(_ENV)]
        names |= {value.removeprefix(_ENV) for value in written}
        where = source.settings["path"]
        if where.startswith(_ENV):
            where = os.environ.get(where.removeprefix(_ENV), "")
        files += _with_log(question.root / where)
    return Surroundings(question, stamps(files), _variables(names))


def _with_log(file: Path) -> list[Path]:
    # Where a database writes ahead, its file alone does not show a change.
    return [file, file.with_name(f"{file.name}-wal")]


def idle_run(
    around: Surroundings, compiled: "Compiled", world: "World", report: Report, state: Path
) -> IdleRun | None:
    """Return that nothing is left to do at the instant of `report`, or None where something is.

    The stamp of the state file is of now: call it when all is written, before the store is closed.
    """
    from cij.compiler.compilation import needed_contents
    from cij.runtime.due import next_work
    from cij.runtime.inbox import FOLDER
    from cij.runtime.report import stays_until

    now, root = report.at, around.question.root
    until = stays_until(world, now)
    if until is not None and until <= now:
        return None
    needed = needed_contents(compiled.compilation.files)
    return IdleRun(
        root=root,
        zone=compiled.project.settings.project.timezone,
        key=around.question.key,
        contents=contents_digests(needed, compiled.texts),
        variables=around.variables,
        stamps={**around.sources, **stamps(_with_state_log(state))},
        state=state,
        inbox=root / FOLDER,
        since=now,
        until=until,
        next_at=next_work(world),
        report=report,
    )


def _with_state_log(state: Path) -> list[Path]:
    return [state, state.with_name(f"{state.name}.wal")]


def remember_idle(found: IdleRun) -> None:
    """Keep it, after the store is closed: unless somebody else has changed the state since."""
    if found.stamps[found.state] == _stamp(found.state):
        remember(_KIND, found.root, found)
