"""`cij apply`: puts the program of a saved plan into its environment."""

from pathlib import Path

import click

from cij.app.apply_plan import apply_plan
from cij.cli.arguments import PERCENT
from cij.cli.failures import say_waiting
from cij.cli.order_options import json_option, project_option
from cij.cli.render.plan_words import group_line


@click.command(
    epilog="""\b
Examples:
  cij plan prod -o plan.json      # read it, then
  cij apply plan.json
  cij apply plan.json --drift 5%  # in a store where people come and go all the time"""
)
@click.argument("file", metavar="PLAN", type=click.Path(path_type=Path))
@click.option(
    "--drift",
    type=PERCENT,
    default=0,
    metavar="PERCENT",
    help="By how much counts of people may differ from the plan; default: not at all.",
)
@project_option
@json_option
def command(file: Path, drift: int, path: Path, as_json: bool) -> None:
    """Apply PLAN, a file of `cij plan -o`, to the environment that it was made for.

    Does exactly what was printed. If the files, the program that runs, the journeys that are paused, or the
    people who are affected are not as in the plan, the command changes nothing and says what has moved (exit
    code 5). It sends nothing: the next `cij run` goes on with the new program.
    """
    done = apply_plan(file, path, say_waiting, drift=drift / 100)
    if as_json:
        click.echo(done.model_dump_json(indent=2, by_alias=True))
        return
    where = f" to {done.environment}" if done.environment else ""
    click.echo(f"applied {done.hash[:8]}{where}")
    for group in done.people:
        click.echo(f"  {group_line(group)}")
    command = f"cij --env {done.environment} run" if done.environment else "cij run"
    click.echo(
        f"`{command}` goes on with it; `cij rollback {done.environment}`".rstrip()
        + " takes it back"
    )
