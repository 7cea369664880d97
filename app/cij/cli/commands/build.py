"""`cij build`: the compiled program as JSON, for reviews, archives and other programs."""

import json
from pathlib import Path

import click

from cij.app.atomic_write import write_atomically
from cij.app.compile import compiled
from cij.compiler.program import Program, to_json

_HASH_SHOWN = 16


@click.command(
    epilog="""\b
Examples:
  cij build                            # the program on standard output
  cij build -o dist/program.json       # into a file, with the versions on standard error
  cij build --schema -o program.schema.json"""
)
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write to this file.",
)
@click.option("--schema", is_flag=True, help="Print the JSON schema of programs instead.")
def command(path: Path, output: Path | None, schema: bool) -> None:
    """Write the compiled program of the project at PATH as JSON.

    Equal journeys give equal text. The hash of a journey changes exactly when its behaviour
    changes.
    """
    if schema:
        _put(json.dumps(Program.model_json_schema(), indent=2) + "\n", output)
        return
    _, program = compiled(path)
    _put(to_json(program), output)
    # On standard output the program itself has the versions, and nothing may be beside it.
    if output is not None:
        _say_versions(program)


def _put(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=False)
    else:
        write_atomically(output, text)
        click.echo(f"Wrote {output}", err=True)


def _say_versions(program: Program) -> None:
    click.echo(f"program {program.hash[:_HASH_SHOWN]}", err=True)
    for journey in program.journeys:
        click.echo(f"journey {journey.name} {journey.version[:_HASH_SHOWN]}", err=True)
