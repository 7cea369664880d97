"""`cij fmt`: write .journey files the one way they are written."""

import difflib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from cij.app.atomic_write import write_atomically
from cij.app.journey_file import SUFFIX, read_file
from cij.cli.exits import Exit
from cij.cli.render import render
from cij.cli.render.colour import painter
from cij.grammar.diagnostic import Diagnostic
from cij.grammar.format import format_text
from cij.runtime.errors import ConfigError

_STDIN = "-"


class _Result(NamedTuple):
    """One file: its name as it is shown, its text before and after, and why it is left alone."""

    name: str
    old: str
    new: str
    diagnostics: Sequence[Diagnostic] = ()

    @property
    def is_changed(self) -> bool:
        return self.old != self.new


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
@click.option("--stdin-filename", metavar="NAME", help="What to call the text of `-` in messages.")
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


def _results(paths: tuple[str, ...], stdin_name: str) -> list[_Result]:
    if _STDIN in paths:
        if len(paths) > 1:
            raise click.UsageError("`-` stands alone, without other paths")
        return [_formatted(stdin_name, _standard_input())]
    files = dict.fromkeys(file for path in paths or (".",) for file in _files(Path(path)))
    return [_of_file(file) for file in files]


def _standard_input() -> str:
    data = sys.stdin.buffer.read()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"standard input is not UTF-8 text (byte {error.start})"
        raise ConfigError(message) from error


def _files(path: Path) -> Iterator[Path]:
    """Yield a file itself, or the .journey files below a folder; no hidden folders, no links."""
    if not path.exists():
        raise ConfigError(f"there is no file or folder {path}")
    if not path.is_dir():
        yield path
        return
    for folder, inner, files in os.walk(path):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in sorted(files):
            if name.endswith(SUFFIX) and not name.startswith("."):
                yield Path(folder, name)


def _of_file(file: Path) -> _Result:
    name = file.as_posix()
    text = read_file(file, name)
    if isinstance(text, Diagnostic):
        return _Result(name, "", "", [text])
    return _formatted(name, text)


def _formatted(name: str, text: str) -> _Result:
    done = format_text(name, text)
    return _Result(name, text, done.text, [d for d in done.diagnostics if d.is_error])


def _report(results: Sequence[_Result]) -> None:
    texts = {result.name: result.old for result in results}
    found = [d for result in results for d in result.diagnostics]
    click.echo(render(found, texts, "text", painter(sys.stderr)), err=True, nl=False)


def _write(changed: Sequence[_Result]) -> None:
    for result in changed:
        write_atomically(Path(result.name), result.new)
        click.echo(f"formatted {result.name}")


def _difference(result: _Result) -> str:
    lines = (result.old.splitlines(keepends=True), result.new.splitlines(keepends=True))
    parts = difflib.unified_diff(*lines, f"a/{result.name}", f"b/{result.name}")
    return "".join(p if p.endswith("\n") else f"{p}\n\\ No newline at end of file\n" for p in parts)


def _say_counts(results: Sequence[_Result], is_dry: bool) -> None:
    failed = sum(bool(result.diagnostics) for result in results)
    changed = sum(result.is_changed for result in results)
    verb = "would change" if is_dry else "changed"
    parts = [f"{changed} {verb}", f"{len(results) - changed - failed} unchanged"]
    if failed:
        parts.append(f"{failed} with errors")
    click.echo(", ".join(parts), err=True)
