"""`cij export-person`: prints all that is kept of a person."""

import json
from pathlib import Path

import click

from cij.app.forget import export
from cij.cli.failures import say_waiting
from cij.cli.order_options import project_option


@click.command(
    epilog="""\b
Examples:
  cij export-person ana@example.com > ana.json
  cij export-person shop:17 --project examples/loyalty"""
)
@click.argument("person")
@project_option
def command(person: str, path: Path) -> None:
    """Print all that the state has of PERSON as JSON: the rows of each table, for an answer to them.

    PERSON is an id, a key such as `shop:17`, or an address. Instants are in UTC. Stop `cij run` before.
    """
    found = export(path, person, say_waiting)
    click.echo(json.dumps(found, indent=2, ensure_ascii=False, default=str))
