"""`cij plan`: what would change for people, if this were run."""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from cij.app.compile import compiled
from cij.app.open_store import open_when_free, store_path
from cij.app.project import Project
from cij.cli.exits import Exit
from cij.cli.failures import say_waiting
from cij.cli.summary import local
from cij.compiler.program import Program
from cij.runtime import control
from cij.runtime.deploy import look
from cij.runtime.engine import Engine
from cij.runtime.migrate import Change, changes, newest_versions, told


@click.command(
    epilog="""\b
Examples:
  cij plan
  cij plan examples/loyalty --json"""
)
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def command(path: Path, as_json: bool) -> None:
    """Show what the project at PATH would change in what runs there.

    Which journeys are new, changed or gone, which were paused or stopped (a new version changes
    nothing about that), and for everybody who is inside a changed journey where
    they go on. `cij run` applies exactly this. It fails (exit code 5) where somebody stands on a step
    for which the new version has no counterpart.
    """
    project, program = compiled(path)
    journeys, held, found = _derived(project, program)
    if as_json:
        people = [asdict(change) for change in found]
        states = {n: {"state": s, "since": f"{at.isoformat()}Z"} for n, (s, at) in held.items()}
        content = {"journeys": journeys, "held": states, "people": people}
        click.echo(json.dumps(content, indent=2))
    else:
        for name, what in journeys.items():
            click.echo(f"{what:<9}  {name}{_held_words(name, held, program.timezone)}")
        for change in found:
            click.echo(f"  {told(change)}")
    if any(change.what == "stuck" for change in found):
        raise click.exceptions.Exit(Exit.STORE)


_GO_ON = {
    "paused": "`cij resume {}` has it go on",
    "resuming": "it goes on with the next step of `cij run`",
    "stopped": "`cij resume {} --again` has it begin anew",
}
_Held = dict[str, tuple[str, datetime]]


def _held_words(name: str, held: _Held, zone: str) -> str:
    if name not in held:
        return ""
    state, since = held[name]
    return f"  ({state} since {local(since, zone)}; {_GO_ON[state].format(name)})"


def _derived(project: Project, program: Program) -> tuple[dict[str, str], _Held, list[Change]]:
    if not store_path(project).is_file():
        return {j.name: "new" for j in program.journeys}, {}, []
    engine = open_when_free(project, on_wait=say_waiting)
    try:
        look(engine, program)
        journeys = _compared(engine, program)
        held = {name: how for name, how in control.held(engine).items() if name in journeys}
        return journeys, held, changes(engine, program)
    finally:
        engine.close()


def _compared(engine: Engine, program: Program) -> dict[str, str]:
    before = newest_versions(engine)
    found = {}
    for journey in program.journeys:
        is_same = before.get(journey.name) == journey.version
        found[journey.name] = "unchanged" if is_same else "changed"
        if journey.name not in before:
            found[journey.name] = "new"
    return found | {name: "gone" for name in before if name not in found}
