"""`cij simulate`: what would happen in the coming days. Nothing is sent."""

from datetime import datetime
from pathlib import Path

import click

from cij.app.activity import simulated
from cij.cli.activity_table import clear_progress, exit_with, print_activity, progress
from cij.cli.arguments import LocalTime


@click.command(
    epilog="""\b
Examples:
  cij simulate examples/loyalty --days 30
  cij simulate --from 2026-12-01 --days 7 --json
  cij simulate --svg december.svg"""
)
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option(
    "--days",
    default=30,
    show_default=True,
    type=click.IntRange(1, 3660),
    help="How many days to simulate.",
)
@click.option(
    "--from",
    "start",
    type=LocalTime(["%Y-%m-%d", "%Y-%m-%d %H:%M"]),
    help="When to begin. Default: now.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as JSON.")
@click.option("--svg", type=click.Path(path_type=Path), help="Draw the numbers into this file.")
def command(path: Path, days: int, start: datetime | None, as_json: bool, svg: Path | None) -> None:
    """Show what the journeys of the project at PATH would do in the coming days.

    Works on a copy of the state, or on the sources alone if nothing has run yet. Nobody opens or
    clicks anything, so waits end by their timers. Shows for each day who enters, reaches goals and
    leaves, how many are at each step, the busiest hours, what is not sent and why, and the hours
    with more messages than `per_hour` in cij.toml. Messages are written as in a run, so a template
    that fails shows up. Times are local to the project's zone.
    """
    found = simulated(path, days, start, progress)
    clear_progress()
    for name in found.paused:
        click.echo(f"`{name}` is paused and stays paused here: nobody moves in it", err=True)
    print_activity(found, "nothing is sent", is_json=as_json, svg=svg)
    exit_with(found.course)
