"""`cij status`: who is where, and what was sent."""

import json
from pathlib import Path
from typing import Any

import click

from cij.app.compile import compiled
from cij.app.open_store import open_store, store_path
from cij.app.project import Project
from cij.app.status_file import read_status
from cij.cli.summary import print_report
from cij.compiler.program import Program
from cij.runtime.clock import LiveClock
from cij.runtime.deploy import look
from cij.runtime.errors import ConfigError, StoreLocked
from cij.runtime.report import Report, as_json, from_json, report


@click.command(
    epilog="""\b
Examples:
  cij status
  cij status examples/loyalty --json"""
)
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option("--json", "as_json_", is_flag=True, help="Print the numbers as JSON.")
def command(path: Path, as_json_: bool) -> None:
    """Show the state of the project at PATH: customers, journeys, messages, timers.

    While `cij run` has the state file, the numbers are those of its last step.
    """
    project, program = compiled(path)
    found, note = _found(project, program)
    if as_json_:
        click.echo(json.dumps(as_json(found), indent=2, ensure_ascii=False))
        return
    print_report(found, project.settings.project.timezone)
    if note:
        click.echo(note, err=True)


def _found(project: Project, program: Program) -> tuple[Report, str]:
    if not store_path(project).is_file():
        raise ConfigError("nothing has run here yet; start with `cij run`")
    try:
        engine = open_store(project)
    except StoreLocked:
        kept: dict[str, Any] | None = read_status(project.root)
        if kept is None:
            raise
        return from_json(kept), "`cij run` is going; these are the numbers of its last step"
    try:
        return report(look(engine, program), LiveClock().now()), ""
    finally:
        engine.close()
