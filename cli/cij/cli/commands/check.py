"""`cij check`: every mistake of a project, with its fix."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from cij.cli.compiling import Compiled, compile_path
from cij.cli.exits import Exit
from cij.cli.render import FORMATS, render
from cij.cli.render.colour import painter
from cij.grammar.diagnostic import Diagnostic

# The forms that are a document of their own: no line for people may stand beside it.
_DOCUMENTS = ("json", "sarif")


@click.command(
    epilog="""\b
Examples:
  cij check
  cij check examples/loyalty --deny warnings
  cij check --format concise          # file:line:column: CODE message
  cij check --format sarif > cij.sarif"""
)
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "format_name",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="What to print.",
)
@click.option("--deny", type=click.Choice(["warnings"]), help="Let warnings fail the check too.")
def command(path: Path, format_name: str, deny: str | None) -> None:
    """Report every mistake in the .journey files of the project at PATH."""
    result = compile_path(path)
    found = result.diagnostics
    click.echo(render(found, result.texts, format_name, painter(sys.stdout)), nl=False)
    if any(d.is_error or deny == "warnings" for d in found):
        raise click.exceptions.Exit(Exit.ERRORS)
    if format_name not in _DOCUMENTS:
        click.echo(_summary(result), err=format_name != "text")


def _summary(result: Compiled) -> str:
    model = result.compilation.model
    counts = (
        (len(result.project.sources), "file"),
        (len(model.journeys), "journey"),
        (len(model.segments), "segment"),
        (len(model.messages), "message"),
    )
    parts = (f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts)
    return f"{_verdict(result.diagnostics)}: {', '.join(parts)}"


def _verdict(warnings: Sequence[Diagnostic]) -> str:
    return "ok, but look at the warnings" if warnings else "ok"
