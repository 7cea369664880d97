"""The status of a project: customers, journeys, messages, timers."""

from dataclasses import dataclass
from pathlib import Path

from cij.app.compile import compiled
from cij.app.local_service import ask
from cij.app.open_store import has_store, open_for_questions
from cij.app.project import Project
from cij.app.status_file import read_status
from cij.compiler.program import Program
from cij.runtime.clock import LiveClock
from cij.runtime.deploy import look
from cij.runtime.errors import ConfigError, StoreLocked
from cij.runtime.report import from_json, report
from cij.runtime.report_data import Report


@dataclass(frozen=True, slots=True)
class Status:
    """The numbers of a project.

    With `is_running` they are those of the last step of a running `cij run`.
    """

    report: Report
    zone: str
    is_running: bool


def status(path: Path) -> Status:
    """Return the numbers of the project at `path`.

    Raises: ConfigError where nothing has run yet.
    """
    project, program = compiled(path)
    report, is_running = _found(project, program)
    return Status(report, project.settings.project.timezone, is_running)


def _found(project: Project, program: Program) -> tuple[Report, bool]:
    if not has_store(project):
        raise ConfigError("nothing has run here yet; start with `cij run`")
    if (found := ask(project.root, "status", {})) is not None:
        return from_json(found), True
    try:
        engine = open_for_questions(project, patience_s=0.0)
    except StoreLocked:
        # A run without a service writes this file after each step.
        kept = read_status(project.root)
        if kept is None:
            raise
        return from_json(kept), True
    try:
        return report(look(engine, program), LiveClock().now()), False
    finally:
        engine.close()
