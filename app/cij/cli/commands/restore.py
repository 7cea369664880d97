"""`cij restore`: puts a backup of the state back."""

from pathlib import Path

import click

from cij.app.backup import restore


@click.command(
    epilog="""\b
Examples:
  cij restore .cij/backup/20261202-031500-000000.duckdb
  cij restore /safe/today.duckdb examples/loyalty"""
)
@click.argument("backup", type=click.Path(path_type=Path))
@click.argument("path", default=".", type=click.Path(path_type=Path))
def command(backup: Path, path: Path) -> None:
    """Put BACKUP in the place of the state of the project at PATH.

    What was sent after the backup was made is not sent again: it is kept as `uncertain` when it comes
    up. The old state is kept beside the new one.
    """
    done = restore(path, backup)
    kept = f"; the old state is {done.before}" if done.before else ""
    click.echo(f"{backup} is the state from now on{kept}")
    if done.forgotten:
        click.echo(
            f"{done.forgotten} people of it were forgotten since then, and were erased again"
        )
    if done.sent:
        click.echo(f"{done.sent} messages were sent since then; they do not go out again")
