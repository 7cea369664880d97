"""`cij status`: where customers are, and what was sent."""

import json
from pathlib import Path

import click

from cij.app.status import status
from cij.cli.report_tables import print_report
from cij.runtime.report_data import as_json


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

    While `cij run` is running, the numbers are those of its last step.
    """
    found = status(path)
    if found.warning is not None:
        click.echo(f"warning: {found.warning}", err=True)
    if as_json_:
        click.echo(json.dumps(as_json(found.report), indent=2, ensure_ascii=False))
        return
    print_report(found.report, found.zone)
    if found.is_running:
        click.echo("a `cij run` is running; these are the numbers of its last step", err=True)
