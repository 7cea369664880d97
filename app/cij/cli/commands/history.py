"""`cij history`: who applied what, when, and from which revision."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from cij.app.environment_history import environment_history
from cij.app.open_environment import open_word
from cij.app.zone_times import local
from cij.cli.failures import say_waiting
from cij.cli.order_options import project_option
from cij.cli.render.width import shown
from cij.runtime.applied import Applied
from cij.runtime.state_folder import environment

_WORDS = {"apply": "applied", "rollback": "rolled back", "run": "run"}


@click.command(
    epilog="""\b
Examples:
  cij history prod
  cij history --json"""
)
@click.argument("word", metavar="[ENV | PATH]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the programs as JSON.")
@project_option
def command(word: str | None, as_json: bool, path: Path) -> None:
    """List the programs that came into ENV, an environment of cij.toml, the newest first.

    Each line says when, how, which program, by whom, and the revision of git. A program that came by `cij
    run` was not planned: that is possible where the environment is not protected.
    """
    name, where = open_word(word, path)
    with environment(name):
        zone, found = environment_history(where, say_waiting)
    if as_json:
        rows = [{**asdict(each), "at": f"{each.at.isoformat()}Z"} for each in found]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for each in found:
        click.echo(_line(each, zone))


def _line(each: Applied, zone: str) -> str:
    revision = f"  {each.revision}" if each.revision else ""
    who = shown(each.who)[0]
    return f"{local(each.at, zone)}  {_WORDS[each.what]:<11}  {each.hash[:8]}  {who}{revision}"
