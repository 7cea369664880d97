"""The result of exploring in words."""

import sys

import click

from cij.app.exploration import Explored
from cij.cli.output import write_over
from cij.cli.render.colour import painter


def print_explored(explored: Explored) -> None:
    """Print that all rules hold, or the smallest story that breaks one."""
    paint = painter(sys.stdout)
    broken, count = explored.found.broken, explored.found.played
    stories = "1 story" if count == 1 else f"{count} stories"
    head = f"explored {stories} from seed {explored.seed} ({explored.seconds:.1f} s)"
    if broken is None:
        click.echo(f"{head}: nothing found")
        return
    click.echo(f"{paint('error', 'FAIL')}  {head}: broken rule: {broken.violation.rule}")
    click.echo(f"      {broken.violation.journey}: {broken.violation.text}")
    click.echo("      the smallest story in which it happens:\n")
    click.echo("".join(f"  {line}\n" for line in broken.test.splitlines()))
    click.echo("".join(f"      {line}\n" for line in broken.trace), nl=False)
    click.echo(f"      again: cij test --explore {broken.number} --seed {explored.seed}")


def progress(played: int, count: int) -> None:
    """Show how many stories were played, if standard error is a terminal.

    A count of 0 clears the line.
    """
    write_over(f"explored {played} of {count}" if count else "")
