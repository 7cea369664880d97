"""`cij check`: every mistake of a project, with its fix."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from cij.cli.bounds import bounds_text, with_bounds
from cij.cli.compiling import Compiled, compile_path
from cij.cli.exits import Exit
from cij.cli.fixing import Fixed, difference, fix, write_fixed
from cij.cli.project import open_project
from cij.cli.render import FORMATS, render
from cij.cli.render.colour import painter
from cij.compiler.model import Model
from cij.grammar.diagnostic import Diagnostic

# The forms that are a document of their own: no line for people may stand beside it.
_DOCUMENTS = ("json", "sarif")


@click.command(
    epilog="""\b
Examples:
  cij check
  cij check examples/loyalty --deny warnings
  cij check --format concise          # file:line:column: CODE message
  cij check --format sarif > cij.sarif
  cij check --bounds                  # the most messages that one customer can receive
  cij check --fix                     # apply the fixes that keep the meaning
  cij check --fix --unsafe --diff     # show what all fixes would change"""
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
@click.option("--json", "format_name", flag_value="json", help="Short for --format json.")
@click.option("--deny", type=click.Choice(["warnings"]), help="Let warnings fail the check too.")
@click.option("--bounds", "has_bounds", is_flag=True, help="Add the most messages in a window.")
@click.option("--fix", "is_fixing", is_flag=True, help="Apply safe fixes, then report the rest.")
@click.option("--unsafe", "is_unsafe", is_flag=True, help="With --fix: names that are near, too.")
@click.option("--diff", "is_dry", is_flag=True, help="With --fix: write nothing, print the change.")
def command(
    path: Path,
    format_name: str,
    deny: str | None,
    has_bounds: bool,
    is_fixing: bool,
    is_unsafe: bool,
    is_dry: bool,
) -> None:
    """Report every mistake in the .journey files of the project at PATH.

    A comment `# cij: allow CODE because REASON` above a line allows a warning there.
    """
    if (is_unsafe or is_dry) and not is_fixing:
        raise click.UsageError("--unsafe and --diff go with --fix")
    if not is_fixing:
        _report(compile_path(path), format_name, deny, has_bounds)
        return
    fixed = fix(open_project(path), is_unsafe=is_unsafe)
    if is_dry:
        _show(fixed)
        return
    write_fixed(fixed)
    click.echo(f"fixed {fixed.summary}", err=format_name != "text")
    _report(fixed.compiled, format_name, deny, has_bounds)


def _show(fixed: Fixed) -> None:
    """Print what would change; as `fmt --check`, this fails if something would."""
    click.echo(difference(fixed), nl=False)
    click.echo(f"would fix {fixed.summary}", err=True)
    if fixed.after:
        raise click.exceptions.Exit(Exit.ERRORS)


def _report(result: Compiled, format_name: str, deny: str | None, has_bounds: bool) -> None:
    found = result.diagnostics
    allowed = result.compilation.suppressed
    text = render(found, result.texts, format_name, painter(sys.stdout), allowed)
    if has_bounds and result.compilation.program is not None:
        text = _with_bounds(text, result.compilation.model, format_name)
    click.echo(text, nl=False)
    if any(d.is_error or deny == "warnings" for d in found):
        raise click.exceptions.Exit(Exit.ERRORS)
    if format_name not in _DOCUMENTS:
        click.echo(_summary(result), err=format_name != "text")


def _with_bounds(text: str, source: Model, format_name: str) -> str:
    """Add the bounds to a report: to the text and to JSON, which alone have a place for them."""
    if format_name == "json":
        return with_bounds(text, source)
    return text + bounds_text(source) if format_name == "text" else text


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
