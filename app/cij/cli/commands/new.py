"""`cij new`: makes a small project that works at once."""

import shlex
from pathlib import Path

import click

from cij.app.new_project import make_project


@click.command(
    epilog="""\b
Examples:
  cij new my-journeys
  cij new my-journeys --timezone Europe/Madrid
  cij new my-carts --from abandoned_cart"""
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--timezone",
    metavar="ZONE",
    help="IANA time zone of customers without one. Default: UTC, or that of the example.",
)
@click.option(
    "--from",
    "example",
    metavar="EXAMPLE",
    help="Copy an example, with its data and tests. For a name that does not exist, the error lists all.",
)
def command(folder: Path, timezone: str | None, example: str | None) -> None:
    """Make a small working project in DIR, which must be new or empty."""
    make_project(folder, timezone, example)
    _say_what_next(folder, "the stories in journeys/" + ("" if example else "welcome.journey"))


def _say_what_next(folder: Path, stories: str) -> None:
    click.echo(f"Made a project in {folder}. Next:\n")
    click.echo(f"  cd {shlex.quote(str(folder))}")
    click.echo("  cij check          # find mistakes")
    click.echo(f"  cij test           # play {stories}")
    click.echo("  cij run --once     # write the messages that are due into outbox/")
    click.echo("\nREADME.md there says what each file is for.")
