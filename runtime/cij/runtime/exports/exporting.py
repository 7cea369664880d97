"""Which exports are due, and when the next one is. One that fails stops nothing else (S28)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cij.compiler.program import Export, Program
from cij.runtime.engine import Engine
from cij.runtime.exports.one_run import DONE, ExportRun, last_runs, run_export
from cij.runtime.schedule import next_call
from cij.runtime.store import export_runs as stored

# A long run looks at its sources every few seconds, and a full disk stays so for longer.
_AGAIN = timedelta(minutes=5)
# A schedule such as every 2 weeks counts from here, a Monday, so that it is the same for each store.
_FIRST = datetime(2001, 1, 1)


@dataclass(slots=True)
class Exporting:
    """The exports of one process. `tried` is when each failed last, so that a new process tries at once."""

    root: Path
    tried: dict[str, datetime] = field(default_factory=dict)

    def run_due(self, engine: Engine, program: Program, now: datetime) -> list[ExportRun]:
        """Run all exports that are due, in the order of the files. Raises: StoreError.

        One is due when its calendar says so, or when a source was loaded since its last run; one that has
        failed is due again after a while.
        """
        if not program.exports:
            return []
        last, [(_, data_at)] = last_runs(engine), engine.rows(stored.NEXT)
        due = [e for e in program.exports if self._is_due(e, program, last, now, data_at)]
        return [self._run(engine, program, export, now) for export in due]

    def _run(self, engine: Engine, program: Program, export: Export, now: datetime) -> ExportRun:
        found = run_export(engine, program, export, self.root, now)
        if found.outcome != DONE:
            self.tried[export.name] = now
        return found

    def _is_due(
        self,
        export: Export,
        program: Program,
        last: Mapping[str, ExportRun],
        now: datetime,
        data_at: datetime | None,
    ) -> bool:
        found, tried = last.get(export.name), self.tried.get(export.name)
        if found is not None and found.outcome != DONE and export.when is not None:
            return tried is None or not timedelta() <= now - tried < _AGAIN
        if export.when == "refresh":
            return data_at is not None and (found is None or found.data_at != data_at)
        at = next_run(export, program, found, now)
        return at is not None and at <= now


def next_export(engine: Engine, program: Program, now: datetime = datetime.max) -> datetime | None:
    """Return when the next calendar of all exports is due; None where there is none.

    `datetime.min` means at once. An export that failed waits for its next turn here: until then each
    look at the sources tries it again.
    """
    if not any(export.every for export in program.exports):
        return None
    last = last_runs(engine)
    found = [next_run(e, program, last.get(e.name), now) for e in program.exports]
    return min((at for at in found if at is not None), default=None)


def next_run(
    export: Export, program: Program, last: ExportRun | None, now: datetime
) -> datetime | None:
    """Return when the calendar of an export is due next; None where it has none.

    One that never ran is due at once: whoever adds it sees at the first run whether it works.
    """
    if export.every is None:
        return None
    if last is None:
        return datetime.min
    # A run whose clock was ahead must not stop the calendar until then.
    return next_call(export.every, export.every.zone or program.timezone, _FIRST, min(last.at, now))
