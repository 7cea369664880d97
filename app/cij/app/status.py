"""The status of a project: customers, journeys, messages, timers."""

from dataclasses import dataclass
from pathlib import Path

from cij.app.compile import compiled
from cij.app.local_service import ask
from cij.app.open_store import (
    has_store,
    ledger_of,
    nothing_yet,
    open_for_questions,
    other_ledgers,
)
from cij.app.project import Project
from cij.app.status_file import read_status
from cij.compiler.program import Program
from cij.runtime.clock import LiveClock
from cij.runtime.current_state import fault_of
from cij.runtime.deploy import look
from cij.runtime.errors import StoreLocked
from cij.runtime.report import from_json, report
from cij.runtime.report_data import Report


@dataclass(frozen=True, slots=True)
class Status:
    """The numbers of a project.

    With `is_running` they are those of the last step of a running `cij run`. `warning` says why a run is
    refused: messages were sent from another store of the project since.
    """

    report: Report
    zone: str
    is_running: bool
    warning: str | None = None


def status(path: Path) -> Status:
    """Return the numbers of the project at `path`.

    Raises: ConfigError where nothing has run yet.
    """
    project, program = compiled(path)
    return _found(project, program)


def _found(project: Project, program: Program) -> Status:
    zone = project.settings.project.timezone
    if not has_store(project):
        raise nothing_yet(project)
    if (found := ask(project.root, "status", {})) is not None:
        return Status(from_json(found), zone, is_running=True)
    try:
        engine = open_for_questions(project, patience_s=0.0)
    except StoreLocked:
        # A run without a service writes this file after each step.
        kept = read_status(project.root)
        if kept is None:
            raise
        return Status(from_json(kept), zone, is_running=True)
    try:
        numbers = report(look(engine, program), LiveClock().now())
        ledgers = ledger_of(project), other_ledgers(project)
        why = fault_of(engine, project.settings.project.name, *ledgers)
        return Status(numbers, zone, is_running=False, warning=why)
    finally:
        engine.close()
