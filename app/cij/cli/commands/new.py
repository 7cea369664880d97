"""`cij new`: makes a small project that works at once."""

import shlex
from pathlib import Path

import click

from cij.app.new_project import make_project


@click.command(
    epilog="""\b
Examples:
  cij new my-journeys
  cij new my-journeys --timezone Europe/Madrid"""
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--timezone",
    default="UTC",
    show_default=True,
    metavar="ZONE",
    help="IANA time zone of customers without one.",
)
def command(folder: Path, timezone: str) -> None:
    """Make a small working project in DIR, which must be new or empty."""
    make_project(folder, timezone)
    _say_what_next(folder)


def _say_what_next(folder: Path) -> None:
    click.echo(f"Made a project in {folder}. Next:\n")
    click.echo(f"  cd {shlex.quote(str(folder))}")
    click.echo("  cij check          # find mistakes")
    click.echo("  cij test           # play the stories in journeys/welcome.journey")
    click.echo("  cij run --once     # write the messages that are due into outbox/")
    click.echo("\nREADME.md there says what each file is for.")
