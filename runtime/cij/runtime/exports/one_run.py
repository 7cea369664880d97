"""One run of an export. Its file appears as a whole and once, also where a run breaks off.

    draft beside the file --> commit: what was written, and the run --> rename --> the run is done

A run that broke off before the commit has done nothing. One that broke off behind it is finished by the
next: the draft is complete, and only the rename is missing.
"""

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from cij.compiler.program import Export, Program
from cij.compiler.sql import export_rows as queries
from cij.runtime.engine import ArrowStream, Engine
from cij.runtime.engine.duckdb.table_file import FORMATS, fill_file
from cij.runtime.errors import ConfigError, StoreError, reason_of
from cij.runtime.exports.into_table import write_table_rows
from cij.runtime.moments import fill_moments
from cij.runtime.private_files import make_inside, require_inside
from cij.runtime.store import export_runs as stored
from cij.runtime.zones import to_local

DONE, WRITING, FAILED = "done", "writing", "failed"


@dataclass(frozen=True, slots=True)
class ExportRun:
    """One run. `file` begins at the project folder; None where there was nothing to write. For a table it
    has its name.

    `outcome` is done, failed, or writing while the file is not in its place. `digest` is the SHA-256 of
    the file. `data_at` is when a source was loaded last before the run; None before the first load.
    """

    number: int
    export: str
    at: datetime
    data_at: datetime | None
    rows: int | None
    digest: str | None
    file: str | None
    outcome: str
    reason: str | None = None


def run_export(
    engine: Engine, program: Program, export: Export, root: Path, now: datetime
) -> ExportRun:
    """Run an export and keep the result, also of a failure. Raises: StoreError alone.

    The caller's `Calendar` shows other instants afterwards.
    """
    try:
        finish(engine, root, export.name)
        if export.table:
            return _in_table(engine, program, export, now)
        made = _written(engine, program, export, root, now)
        return _in_place(engine, root, made)
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the other exports and the run go on
        with engine.transaction():
            reason = reason_of(error)
            return _keep(engine, _run(engine, export, now, outcome=FAILED, reason=reason))


def _in_table(engine: Engine, program: Program, export: Export, now: datetime) -> ExportRun:
    """Replace the rows of a table. One that broke off before it was noted is made again."""
    fill_moments(engine, now)
    rows, names = _rows(engine, program, export, now), queries.column_names(export)
    count = write_table_rows(export, program, rows, names)
    return _keep(engine, _run(engine, export, now, rows=count, file=export.target, outcome=DONE))


def finish(engine: Engine, root: Path, name: str) -> None:
    """Put the file of a run that broke off in its place. Raises: ConfigError; OSError."""
    for row in engine.rows(stored.UNFINISHED, {"export": name}):
        _in_place(engine, root, ExportRun(*row))


def _run(engine: Engine, export: Export, now: datetime, **found: object) -> ExportRun:
    [(number, data_at)] = engine.rows(stored.NEXT)
    empty = {"rows": None, "digest": None, "file": None, **found}
    return ExportRun(number, export.name, now, data_at, **empty)  # type: ignore[arg-type]


def _keep(engine: Engine, run: ExportRun) -> ExportRun:
    row = {"number": run.number, "export": run.export, "at": run.at, "data_at": run.data_at}
    what = {"rows": run.rows, "digest": run.digest, "file": run.file}
    engine.execute(stored.ADD, {**row, **what, "outcome": run.outcome, "reason": run.reason})
    engine.execute(stored.TRIM, {"export": run.export})
    return run


# --- the draft --------------------------------------------------------------------------------


def file_of(export: Export, program: Program, now: datetime) -> str:
    """Return the path of a run's file, from the project folder."""
    return export.path_at(to_local(now, program.timezone).date(), now)


def _draft(root: Path, name: str, file: str) -> Path:
    # Each run of an export has the same draft in a folder, so that none stays behind.
    return (root / file).with_name(f".{name}.part")


def _written(
    engine: Engine, program: Program, export: Export, root: Path, now: datetime
) -> ExportRun:
    """Write the draft, and commit what is in it."""
    file = file_of(export, program, now)
    draft = _draft(root, export.name, file)
    _make_folder(root, draft.parent)
    try:
        with engine.transaction():
            return _keep(engine, _filled(engine, program, export, draft, file, now))
    except BaseException as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        if isinstance(error, OSError):
            # The rows of a server pass through a file as well.
            raise ConfigError(f"cannot write {file}: {error.strerror}") from error
        raise


def _make_folder(root: Path, folder: Path) -> None:
    try:
        make_inside(root, folder)
    except OSError as error:
        raise ConfigError(f"cannot make the folder {folder}: {error.strerror}") from error


def _filled(
    engine: Engine, program: Program, export: Export, draft: Path, file: str, now: datetime
) -> ExportRun:
    fill_moments(engine, now)
    names, format = queries.column_names(export), FORMATS[Path(export.path).suffix]
    count = fill_file(_rows(engine, program, export, now), names, draft, format, file)
    if export.rows == "changes":
        for statement in (queries.FORGET_ROWS, queries.KEEP_ROWS, queries.DROP_ROWS):
            engine.execute(statement, {"export": export.name})
        if not count:
            draft.unlink()
            return _run(engine, export, now, rows=0, outcome=DONE)
        if draft.with_name(Path(file).name).exists():
            # A reader may not have taken it yet, and nothing would tell them of it again.
            raise ConfigError(f"{file} is there already, and changes replace no file")
    with draft.open("rb") as made:
        os.fsync(made.fileno())
        digest = hashlib.file_digest(made, "sha256").hexdigest()
    return _run(engine, export, now, rows=count, digest=digest, file=file, outcome=WRITING)


def _rows(engine: Engine, program: Program, export: Export, now: datetime) -> ArrowStream:
    if export.rows == "whole":
        return engine.stream(queries.whole(export, program), {"now": now})
    engine.execute(queries.make_rows(export, program), {"now": now})
    return engine.stream(queries.changes(export), {"export": export.name})


def _in_place(engine: Engine, root: Path, run: ExportRun) -> ExportRun:
    """Rename the draft of a run, and note that it is done."""
    if run.outcome != WRITING:
        return run
    assert run.file is not None, "a run without a file is done when it is committed"
    file = root / run.file
    require_inside(root, file.parent)
    # Without a draft the rename was made, and only the note is missing.
    with suppress(FileNotFoundError):
        os.replace(_draft(root, run.export, run.file), file)
    engine.execute(stored.SET_DONE, {"number": run.number})
    return replace(run, outcome=DONE)


# --- questions --------------------------------------------------------------------------------


def count_rows(engine: Engine, program: Program, export: Export, now: datetime) -> int:
    """Return how many rows a run would write now."""
    fill_moments(engine, now)
    if export.rows == "changes":
        statement = queries.count_changes(export, program)
        return int(engine.rows(statement, {"now": now, "export": export.name})[0][0])
    return int(engine.rows(queries.count_whole(export, program), {"now": now})[0][0])


def last_runs(engine: Engine) -> dict[str, ExportRun]:
    """Return the last run of each export, by name."""
    runs = (ExportRun(*row) for row in engine.rows(stored.LAST))
    return {run.export: run for run in runs}


def runs_of(engine: Engine, name: str) -> list[ExportRun]:
    """Return the last hundred runs of an export, the newest first."""
    return [ExportRun(*row) for row in engine.rows(stored.OF_ONE, {"export": name})]
