"""Idle runs: it finds out without opening the store that a run has nothing to do.

At its end a run caches what it depended on: the texts of the project, the files of the sources, the
state file, and the instant before which time alone makes nothing due. While all of this is
unchanged, the next `cij run --once` would do nothing and report the same numbers, so the cached
report is shown. In any uncertain case a whole run is made: a held lock, a file in the inbox, a
clock that went back, a source that is no file, a segment whose size changes with time.

`find_idle` loads neither the compiler nor the engine, because loading them takes most of an idle
run.
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

# The size, the time of the last change and the inode of each file; None for a missing file.
Stamps = Mapping[Path, tuple[int, int, int] | None]


class Surroundings(NamedTuple):
    """The state of everything that a run reads besides the project's texts, taken before the run
    reads it.

    A file that changes during the run then differs from its stamp, so the next run is a whole one.
    """

    question: Question
    sources: Stamps
    variables: Mapping[str, str]


class IdleRun(NamedTuple):
    """The fact that nothing is due from `since` until before `until`; None is for ever.

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
    """Return the idle run with the report of now; None where something may be due.

    Raises: ConfigError in a folder without a project.
    """
    question = ask(path)
    found = recalled(_KIND, question.root)
    if not isinstance(found, IdleRun) or found.key != question.key:
        return None
    # Cheap tests come first. The lock is tested last, so that it is fresh.
    holds = (
        found.since <= now
        and (found.until is None or now < found.until)
        and found.variables == _variables(found.variables)
        and found.stamps == stamps(found.stamps)
        and not any(found.inbox.glob("*.jsonl"))
        # What a service left that was killed.
        and not any(found.inbox.with_name("intake").glob("*.log"))
        and is_unchanged(question.root, found.contents)
        and _is_free(found.state)
    )
    return found._replace(report=replace(found.report, at=now)) if holds else None


def _is_free(state: Path) -> bool:
    """Tell whether no other process has the state file open.

    The test is the one of DuckDB's driver.
    """
    try:
        import fcntl
    except ImportError:
        return False  # Windows: only opening the store shows it, so a whole run is made.
    try:
        with state.open("rb") as file:
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def stamps(files: Iterable[Path]) -> Stamps:
    """Return the stamp of each file, to compare with a later one."""
    return {file: _stamp(file) for file in files}


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino


def _variables(names: Iterable[str]) -> dict[str, str]:
    """Return the digests of environment variables.

    Their values may be secrets, so they are not cached.
    """
    return {name: digest(os.environ.get(name, "\0")) for name in names}


# --- remembering ------------------------------------------------------------------------------


def surroundings_of(question: Question, compiled: "Compiled") -> Surroundings | None:
    """Return what a run depends on; None where a source is no file, so that a change is not
    visible."""
    from cij.app.config import variable_names
    from cij.app.project_files import FILE_NAME
    from cij.runtime.sources.reader import is_pattern

    names = set(variable_names(question.root / FILE_NAME))
    files: list[Path] = []
    for source in compiled.program.sources:
        # Size and time show a change only for files whose names are known.
        if "path" not in source.settings or is_pattern(source.settings["path"]):
            return None
        written = [v for v in source.settings.values() if v.startswith(_ENV)]
        names |= {value.removeprefix(_ENV) for value in written}
        where = source.settings["path"]
        if where.startswith(_ENV):
            where = os.environ.get(where.removeprefix(_ENV), "")
        files += _with_log(question.root / where)
    return Surroundings(question, stamps(files), _variables(names))


def _with_log(file: Path) -> list[Path]:
    # A database with a write-ahead log may change without a change of its main file.
    return [file, file.with_name(f"{file.name}-wal")]


def idle_run(
    around: Surroundings, compiled: "Compiled", world: "World", report: Report, state: Path
) -> IdleRun | None:
    """Return the idle run as of the instant of `report`; None where something is due.

    The state file is stamped now. So everything must be written, and the store must still be open,
    because another process could change it after it is closed.
    """
    from cij.compiler.compilation import needed_contents
    from cij.runtime.due import next_work
    from cij.runtime.inbox import folder_of
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
        inbox=root / folder_of(),
        since=now,
        until=until,
        next_at=next_work(world),
        report=report,
    )


def _with_state_log(state: Path) -> list[Path]:
    return [state, state.with_name(f"{state.name}.wal")]


def remember_idle(found: IdleRun) -> None:
    """Cache an idle run after the store is closed, unless the state file has changed since its
    stamp."""
    if found.stamps[found.state] == _stamp(found.state):
        remember(_KIND, found.root, found)


def forget_idle(root: Path) -> None:
    """Drop the cached idle run of a project: its report may name people."""
    remember(_KIND, root, None)
