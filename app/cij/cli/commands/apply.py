"""`cij apply`: puts the program of a saved plan into its environment."""

from pathlib import Path
from typing import Any

import click

from cij.app.apply_plan import apply_plan
from cij.cli.failures import say_waiting
from cij.cli.order_options import json_option, project_option
from cij.cli.render.plan_words import group_line


class Share(click.ParamType):
    """A percentage such as `5%`, as a share."""

    name = "PERCENT"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, float):
            return value
        text = str(value).strip().removesuffix("%")
        if not text.isascii() or not text.isdigit() or int(text) > 100:
            self.fail(f"`{value}` is no percentage; write `5%`", param, ctx)
        return int(text) / 100


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
    type=Share(),
    default=0.0,
    metavar="PERCENT",
    help="By how much counts of people may differ from the plan; default: not at all.",
)
@project_option
@json_option
def command(file: Path, drift: float, path: Path, as_json: bool) -> None:
    """Apply PLAN, a file of `cij plan -o`, to the environment that it was made for.

    Does exactly what was printed. If the files, the program that runs, the journeys that are paused, or the
    people who are affected are not as in the plan, the command changes nothing and says what has moved (exit
    code 5). It sends nothing: the next `cij run` goes on with the new program.
    """
    done = apply_plan(file, path, say_waiting, drift=drift)
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
