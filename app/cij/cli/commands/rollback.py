"""`cij rollback`: brings the program back that ran before."""

from pathlib import Path

import click

from cij.app.open_environment import open_word
from cij.app.rollback import Rollback, rollback
from cij.cli.confirmation import confirm
from cij.cli.exits import Exit
from cij.cli.failures import say_waiting
from cij.cli.order_options import project_option
from cij.runtime.migrate import told
from cij.runtime.state_folder import environment


@click.command(
    epilog="""\b
Examples:
  cij rollback prod                 # print what it means, and ask
  cij rollback prod --yes           # for scripts
  cij rollback prod --to 3f9c41d2   # to a certain program of `cij history prod`
  cij rollback prod --dry-run       # only print"""
)
@click.argument("word", metavar="[ENV | PATH]", required=False)
@click.option("--to", metavar="HASH", help="The program to go back to; default: the one before.")
@click.option("--dry-run", "is_dry", is_flag=True, help="Print what it means, and change nothing.")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
@project_option
def command(word: str | None, to: str | None, is_dry: bool, is_sure: bool, path: Path) -> None:
    """Go back to the previous version in ENV, an environment of cij.toml.

    First prints what happens to customers inside, and to those who enter later. Sent messages stay sent.
    Your files do not change. So in an environment without `protected` the next `cij run` applies them again.
    """
    name, where = open_word(word, path)
    with environment(name), rollback(where, to, say_waiting) as found:
        _print(found)
        if found.found.is_stuck:
            raise click.exceptions.Exit(Exit.STORE)
        if is_dry:
            return
        if not is_sure:
            confirm("Go back?", "nothing was changed")
        found.carry_out()
        click.echo(f"{found.program.hash[:8]} runs again")
        _say_next(found)


def _print(found: Rollback) -> None:
    by = f" ({found.to.what} by {found.to.who}{_revision(found)})"
    click.echo(f"from {found.runs.hash[:8]} back to {found.program.hash[:8]}{by}")
    for journey, what in found.found.journeys.items():
        click.echo(f"{what:<9}  {journey}")
    for change in found.found.changes:
        click.echo(f"  {told(change)}")
    if not found.found.changes:
        click.echo("  nobody is inside a journey that changes")
    for line in found.found.foresight.lines() if found.found.foresight is not None else ():
        click.echo(line)


def _revision(found: Rollback) -> str:
    return f", revision {found.to.revision}" if found.to.revision else ""


def _say_next(found: Rollback) -> None:
    commit = found.to.revision.partition(" ")[0]
    files = f"`git checkout {commit}`" if commit else "the files of that program"
    if found.project.settings.environment.is_protected:
        click.echo(f"`cij run` needs the files of that program: {files}")
    else:
        click.echo(f"The next `cij run` applies the files that are here; to keep it use {files}")
