"""Exports of a project: what there is, what became of it, and one that runs now.

They are those of the program of the last run.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cij.app.idle_run import forget_idle
from cij.app.known_names import LAST_RUN, require_known
from cij.app.open_store import has_store, nothing_yet, open_when_free
from cij.app.project import open_project
from cij.app.store_view import StoreView, store_view
from cij.compiler.program import Export
from cij.compiler.unparse import schedule_words
from cij.runtime.clock import LiveClock
from cij.runtime.deploy import prepare
from cij.runtime.errors import StoreLocked
from cij.runtime.exports.exporting import next_run
from cij.runtime.exports.one_run import ExportRun, count_rows, last_runs, run_export, runs_of
from cij.runtime.insight.person import deployed
from cij.runtime.private_files import private_files

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ListedExport:
    """An export with its last run. `next_at` is in UTC, and None where no calendar has a next one."""

    export: Export
    last: ExportRun | None
    next_at: datetime | None

    @property
    def when(self) -> str:
        """When it runs, in words."""
        if self.export.every is not None:
            return schedule_words(self.export.every)
        return "after a refresh" if self.export.when == "refresh" else "by command"

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        export, last = self.export, self.last
        what = {"segment": export.segment, "measure": export.measure}
        how = {"kind": export.kind, "to": export.target, "rows": export.rows, "when": self.when}
        made = {"next_at": instant(self.next_at), "last": None if last is None else plain_run(last)}
        return {"name": export.name, **what, **how, **made}


def plain_run(run: ExportRun) -> dict[str, Any]:
    """Return a run as plain values."""
    return {
        "export": run.export,
        "at": instant(run.at),
        "outcome": run.outcome,
        "rows": run.rows,
        "file": run.file,
        "sha256": run.digest,
        "data_at": instant(run.data_at),
        "reason": run.reason,
    }


def instant(at: datetime | None) -> str | None:
    """Return an instant as text; None for none, and for one that is due at once."""
    return None if at is None or at == datetime.min else f"{at.isoformat()}Z"


def listed_exports(path: Path, on_wait: Say) -> tuple[list[ListedExport], str]:
    """Return all exports, and the zone to show times in. Raises: ConfigError; StoreLocked."""
    with store_view(path, on_wait) as view:
        last, now = last_runs(view.engine), LiveClock().now()
        found = [
            ListedExport(e, last.get(e.name), next_run(e, view.program, last.get(e.name), now))
            for e in view.program.exports
        ]
        return found, view.program.timezone


def export_runs(path: Path, name: str, on_wait: Say) -> tuple[Export, list[ExportRun], str]:
    """Return an export with its last hundred runs, the newest first, and the zone to show times in.

    Raises: RequestError for an unknown name; ConfigError; StoreLocked.
    """
    with store_view(path, on_wait) as view:
        [export] = _chosen(view, [name])
        return export, runs_of(view.engine, name), view.program.timezone


def export_counts(path: Path, names: Sequence[str], on_wait: Say) -> dict[str, int]:
    """Return how many rows each export would write now. Raises: as `export_runs`."""
    with store_view(path, on_wait) as view:
        now = LiveClock().now()
        chosen = _chosen(view, names)
        return {e.name: count_rows(view.engine, view.program, e, now) for e in chosen}


def run_exports(path: Path, names: Sequence[str], on_wait: Say) -> list[ExportRun]:
    """Run exports now, in the order of `names`. One that fails stops no other.

    Raises: as `export_runs`; StoreLocked also while `cij run` is running.
    """
    root = open_project(path).root
    with _writable(path, on_wait) as view, private_files():
        chosen, now = _chosen(view, names), LiveClock().now()
        made = [run_export(view.engine, view.program, e, root, now) for e in chosen]
    forget_idle(root)
    return made


@contextmanager
def _writable(path: Path, on_wait: Say) -> Iterator[StoreView]:
    project = open_project(path)
    nothing = nothing_yet(project)
    if not has_store(project):
        raise nothing
    try:
        engine = open_when_free(project, on_wait=on_wait)
    except StoreLocked as error:
        raise StoreLocked(f"{error}. A run makes the exports that are due by itself") from error
    with closing(engine):
        program = deployed(engine)
        if program is None:
            raise nothing
        prepare(engine, program)
        yield StoreView(engine, program)


def _chosen(view: StoreView, names: Sequence[str]) -> list[Export]:
    known = {export.name: export for export in view.program.exports}
    return [require_known("export", name, known, LAST_RUN) for name in dict.fromkeys(names)]
