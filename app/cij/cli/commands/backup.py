"""`cij backup`: copies the state of a project."""

from pathlib import Path

import click

from cij.app.backup import back_up


@click.command(
    epilog="""\b
Examples:
  cij backup                         into .cij/backup, also while `cij run` goes on
  cij backup --to /safe/today.duckdb"""
)
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option("--to", "target", type=click.Path(path_type=Path), help="The file to write.")
def command(path: Path, target: Path | None) -> None:
    """Copy the state of the project at PATH, complete and readable by you alone.

    The state holds personal data, and so does a copy of it.
    """
    made = back_up(path, target)
    click.echo(f"wrote {made.path}, {made.bytes:,} bytes")
