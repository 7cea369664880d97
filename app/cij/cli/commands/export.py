"""`cij export`: the exports of a project, what became of them, and one that runs now."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from cij.cli.exits import Exit
from cij.cli.export_text import line_of
from cij.cli.failures import say_waiting
from cij.cli.order_options import project_option, say
from cij.cli.render.plain_table import table

_json = click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
_SHOWN = 20


@click.group(
    epilog="""\b
Examples:
  cij export list
  cij export show regulars
  cij export run regulars
  cij export run regulars --count         # how many rows, without a file"""
)
def command() -> None:
    """Show exports and what became of them, and run one now.

    An export is declared in a .journey file. `cij run` makes it after a refresh or by its calendar. The
    answers are from the program of the last run.
    """


def _print(content: Any) -> None:
    click.echo(json.dumps(content, indent=2, ensure_ascii=False))


@command.command("list", epilog="\b\nExamples:\n  cij export list\n  cij export list --json")
@project_option
@_json
def list_(path: Path, as_json: bool) -> None:
    """List all exports: where they write, when they run, and their last run."""
    from cij.app.export_questions import listed_exports

    found, zone = listed_exports(path, say_waiting)
    if as_json:
        _print([each.as_json() for each in found])
        return
    heads = ("export", "to", "when", f"last ({zone})", "result", "rows", "next")
    rows = []
    for each in found:
        last = each.last
        made = (_at(last.at, zone), last.outcome, last.rows) if last else ("never", "", None)
        shown = ["" if cell is None else cell for cell in made]
        rows.append(
            (each.export.name, each.export.target, each.when, *shown, _at(each.next_at, zone))
        )
    click.echo(table("exports", heads, rows), nl=False)
    for each in found:
        if each.last is not None and each.last.reason:
            click.echo(f"\nexport {each.export.name}: {each.last.reason}")


@command.command(
    epilog="\b\nExamples:\n  cij export show regulars\n  cij export show regulars --json"
)
@click.argument("name")
@project_option
@_json
def show(name: str, path: Path, as_json: bool) -> None:
    """Show the last runs of export NAME: when, how many rows, which file, or why it failed."""
    from cij.app.export_questions import export_runs, plain_run

    export, runs, zone = export_runs(path, name, say_waiting)
    if as_json:
        _print([plain_run(run) for run in runs])
        return
    cells = [
        (_at(r.at, zone), r.outcome, "" if r.rows is None else r.rows, r.file or "", r.reason or "")
        for r in runs[:_SHOWN]
    ]
    title = f"export {export.name} to {export.target}"
    click.echo(table(title, (f"at ({zone})", "result", "rows", "file", "reason"), cells), nl=False)
    if len(runs) > _SHOWN:
        click.echo(f"the last {_SHOWN}; --json prints a hundred")


@command.command(
    epilog="""\b
Examples:
  cij export run regulars
  cij export run regulars revenue_by_country --json
  cij export run regulars --count"""
)
@click.argument("names", nargs=-1, required=True)
@click.option("--count", "is_count", is_flag=True, help="Print how many rows it would write now.")
@project_option
@_json
def run(names: tuple[str, ...], is_count: bool, path: Path, as_json: bool) -> None:
    """Run exports NAMES now, with the data of the last refresh.

    One that fails stops no other; then the exit code is 6. While `cij run` is running it makes the exports
    itself, and this command is refused.
    """
    from cij.app.export_questions import export_counts, plain_run, run_exports

    if is_count:
        counts = export_counts(path, names, say_waiting)
        _print(counts) if as_json else click.echo("\n".join(map(_count, counts.items())))
        return
    made = run_exports(path, names, say_waiting)
    if as_json:
        _print([plain_run(each) for each in made])
    for each in made:
        line = line_of(each)
        if line is None:
            say(f"cij: error: export {each.export}: {each.reason}")
        elif not as_json:
            click.echo(line)
    if any(each.reason for each in made):
        raise click.exceptions.Exit(Exit.DELIVERY)


def _count(found: tuple[str, int]) -> str:
    name, count = found
    return f"export {name}: {count} {'row' if count == 1 else 'rows'} now"


def _at(at: datetime | None, zone: str) -> str:
    from cij.app.zone_times import local

    return "at the next run" if at == datetime.min else local(at, zone) or ""
