"""`cij plan`: what would change for people, if this were run."""

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
    """Show what the project at PATH would change in what runs there.

    Which journeys are new, changed or gone, which were paused or stopped (a new version changes
    nothing about that), and for everybody who is inside a changed journey where
    they go on. `cij run` applies exactly this. It fails (exit code 5) where somebody stands on a step
    for which the new version has no counterpart.
    """
    found = deployment(path, say_waiting)
    if as_json:
        click.echo(json.dumps(plain(found), indent=2))
    else:
        for name, what in found.journeys.items():
            click.echo(f"{what:<9}  {name}{_held_words(name, found)}")
        for change in found.changes:
            click.echo(f"  {told(change)}")
    if found.is_stuck:
        raise click.exceptions.Exit(Exit.STORE)


_GO_ON = {
    "paused": "`cij resume {}` has it go on",
    "resuming": "it goes on with the next step of `cij run`",
    "stopped": "`cij resume {} --again` has it begin anew",
}


def _held_words(name: str, found: Deployment) -> str:
    if name not in found.held:
        return ""
    state, since = found.held[name]
    return f"  ({state} since {local(since, found.zone)}; {_GO_ON[state].format(name)})"
