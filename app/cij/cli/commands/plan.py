"""`cij plan`: the changes that a run would make for customers (S21)."""

import json
from pathlib import Path

import click

from cij.app.deployment import Deployment, as_json as plain, deployment
from cij.app.zone_times import local
from cij.cli.exits import Exit
from cij.cli.failures import say_waiting
from cij.runtime.migrate import told


@click.command(
    epilog="""\b
Examples:
  cij plan
  cij plan examples/loyalty --json"""
)
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def command(path: Path, as_json: bool) -> None:
    """Show what a run of the project at PATH would change.

    Lists which journeys are new, changed or gone, which are paused or stopped (a new version does
    not change that), and where everybody inside a changed journey goes on. Reads the sources and says
    how many customers would be new, missing, merged or split, and how many would enter and leave the
    segments of journeys. `cij run` applies exactly this. The command fails (exit code 5) if somebody is at a step that the new version does
    not have.
    """
    found = deployment(path, say_waiting)
    if as_json:
        click.echo(json.dumps(plain(found), indent=2))
    else:
        for name, what in found.journeys.items():
            click.echo(f"{what:<9}  {name}{_held_words(name, found)}")
        for change in found.changes:
            click.echo(f"  {told(change)}")
        for line in found.kept:
            click.echo(f"  {line}")
        for line in found.foresight.lines() if found.foresight is not None else ():
            click.echo(line)
    if found.is_stuck:
        raise click.exceptions.Exit(Exit.STORE)


_GO_ON = {
    "paused": "`cij resume {}` lets it go on",
    "resuming": "it goes on with the next step of `cij run`",
    "failed": "put aside because it failed; the next `cij run` tries it again",
    "retrying": "put aside because it failed; the next `cij run` tries it again",
    "stopped": "`cij resume {} --again` starts it again",
}


def _held_words(name: str, found: Deployment) -> str:
    if name not in found.held:
        return ""
    state, since = found.held[name]
    return f"  ({state} since {local(since, found.zone)}; {_GO_ON[state].format(name)})"
