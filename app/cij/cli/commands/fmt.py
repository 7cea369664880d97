"""`cij fmt`: formats .journey files."""

import difflib
import sys
from collections.abc import Sequence

import click

from cij.app.format_files import FormattedFile, formatted_files, formatted_text, write_formatted
from cij.cli.exits import Exit
from cij.cli.render import render
from cij.cli.render.colour import painter
from cij.runtime.errors import ConfigError

_STDIN = "-"


@click.command(
    epilog="""\b
Examples:
  cij fmt                              # all .journey files below this folder
  cij fmt --check                      # change nothing; exit 1 if something would change
  cij fmt --diff journeys/welcome.journey
  cij fmt - --stdin-filename a.journey < a.journey"""
)
@click.argument("paths", nargs=-1, metavar="[PATHS]...")
@click.option("--check", is_flag=True, help="Write nothing; list what would change, and exit 1.")
@click.option("--diff", is_flag=True, help="Write nothing; print what would change.")
@click.option("--stdin-filename", metavar="NAME", help="The name of the text from `-` in messages.")
def command(paths: tuple[str, ...], check: bool, diff: bool, stdin_filename: str | None) -> None:
    """Format .journey files and folders of them; `-` reads from standard input.

    A file with a syntax error is reported and left as it is.
    """
    results = _results(paths, stdin_filename or "<stdin>")
    _report(results)
    changed = [result for result in results if result.is_changed]
    if diff:
        click.echo("".join(map(_difference, changed)), nl=False)
    elif check:
        click.echo("".join(f"{result.name}\n" for result in changed), nl=False)
    elif _STDIN in paths:
        click.echo("".join(r.new for r in results if not r.diagnostics), nl=False)
    else:
        _write(changed)
    if not results:
        click.echo("there is no .journey file here", err=True)
    _say_counts(results, check or diff)
    if any(result.diagnostics for result in results) or (check and changed):
        raise click.exceptions.Exit(Exit.ERRORS)


def _results(paths: tuple[str, ...], stdin_name: str) -> list[FormattedFile]:
    if _STDIN in paths:
        if len(paths) > 1:
            raise click.UsageError("`-` cannot be combined with paths")
        return [formatted_text(stdin_name, _standard_input())]
    return formatted_files(paths or (".",))


def _standard_input() -> str:
    data = sys.stdin.buffer.read()
    try:
        # Files may have a byte order mark, which is no part of the text.
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"standard input is not UTF-8 text (byte {error.start})"
        raise ConfigError(message) from error


def _report(results: Sequence[FormattedFile]) -> None:
    texts = {result.name: result.old for result in results}
    found = [d for result in results for d in result.diagnostics]
    click.echo(render(found, texts, "text", painter(sys.stderr)), err=True, nl=False)


def _write(changed: Sequence[FormattedFile]) -> None:
    for result in changed:
        write_formatted(result)
        click.echo(f"formatted {result.name}")


def _difference(result: FormattedFile) -> str:
    lines = (result.old.splitlines(keepends=True), result.new.splitlines(keepends=True))
    parts = difflib.unified_diff(*lines, f"a/{result.name}", f"b/{result.name}")
    return "".join(p if p.endswith("\n") else f"{p}\n\\ No newline at end of file\n" for p in parts)


def _say_counts(results: Sequence[FormattedFile], is_dry: bool) -> None:
    failed = sum(bool(result.diagnostics) for result in results)
    changed = sum(result.is_changed for result in results)
    verb = "would change" if is_dry else "changed"
    parts = [f"{changed} {verb}", f"{len(results) - changed - failed} unchanged"]
    if failed:
        parts.append(f"{failed} with errors")
    click.echo(", ".join(parts), err=True)
