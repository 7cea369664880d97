"""`cij segment`: sizes, members and overlap of segments."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from cij.cli.failures import say_waiting
from cij.cli.order_options import people, project_option
from cij.cli.render.plain_table import table
from cij.cli.render.stored_value import plain

_json = click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")


@click.group(
    epilog="""\b
Examples:
  cij segment list
  cij segment show loyal
  cij segment members loyal --field email --field points
  cij segment members loyal --field email --output loyal.csv
  cij segment overlap loyal sleepers"""
)
def command() -> None:
    """Show segments: how many customers are in them, and who.

    The answers are as of now, from the data and the program of the last run. Who is in no source any more
    is counted too.
    """


def _print(content: Any) -> None:
    click.echo(json.dumps(content, indent=2, ensure_ascii=False, default=str))


@command.command("list", epilog="\b\nExample:\n  cij segment list --json")
@project_option
@_json
def list_(path: Path, as_json: bool) -> None:
    """List all segments with their size, their share of all customers, and what uses them."""
    from cij.app.segment_questions import segment_sizes

    found = segment_sizes(path, say_waiting)
    if as_json:
        _print([asdict(one) for one in found])
        return
    rows = [(s.name, s.size, _share(s.size, s.customers), ", ".join(s.used_by)) for s in found]
    click.echo(table("segments", ("segment", "customers", "share", "used by"), rows), nl=False)


@command.command(epilog="\b\nExample:\n  cij segment show loyal")
@click.argument("name")
@project_option
@_json
def show(name: str, path: Path, as_json: bool) -> None:
    """Show the condition of segment NAME, its size, and what uses it."""
    from cij.app.segment_questions import segment_sizes

    [found] = segment_sizes(path, say_waiting, name)
    if as_json:
        _print(asdict(found))
        return
    share = _share(found.size, found.customers)
    click.echo(f"segment {found.name}: {people(found.size)}, {share} of all")
    click.echo(f"everybody for whom this is true: {found.condition}")
    click.echo(f"used by: {', '.join(found.used_by) or 'nothing'}")


@command.command(
    epilog="""\b
Examples:
  cij segment members loyal
  cij segment members loyal --field email --field spent --limit 5
  cij segment members loyal --field email --output loyal.parquet"""
)
@click.argument("name")
@click.option("--field", "fields", multiple=True, help="A field or measure to show; repeatable.")
@click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(1), help="Rows to print."
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write all members to this file: .csv, .jsonl or .parquet.",
)
@project_option
@_json
def members(
    name: str, fields: tuple[str, ...], limit: int, output: Path | None, path: Path, as_json: bool
) -> None:
    """Print the members of segment NAME, or write all of them to a file.

    The file replaces an older one at once, and only its owner can read it. In CSV a text that a spreadsheet
    would take for a formula begins with an apostrophe. Instants are in UTC.
    """
    from cij.app.segment_questions import segment_members, write_members

    if output is not None:
        count = write_members(path, name, fields, output, say_waiting)
        if as_json:
            _print({"segment": name, "file": str(output), "count": count})
        else:
            click.echo(f"wrote {people(count)} to {output}")
        return
    rows = segment_members(path, name, fields, limit, say_waiting)
    heads = ["id", *dict.fromkeys(fields)]
    if as_json:
        cells = [dict(zip(heads, map(plain, row), strict=True)) for row in rows]
        _print(cells)
        return
    shown = [[plain(cell) for cell in row] for row in rows]
    click.echo(table(f"segment {name}", heads, shown), nl=False)
    if len(rows) == limit:
        click.echo(f"the first {limit} by id; --output writes all of them")


@command.command(epilog="\b\nExample:\n  cij segment overlap loyal sleepers")
@click.argument("names", nargs=-1)
@project_option
@_json
def overlap(names: tuple[str, ...], path: Path, as_json: bool) -> None:
    """Print how many customers are in both of each two segments NAMES, or of all segments."""
    from cij.app.segment_questions import segment_overlap

    found = segment_overlap(path, names, say_waiting)
    if as_json:
        _print(asdict(found))
        return
    rows = [(name, *row) for name, row in zip(found.names, found.shared, strict=True)]
    title = f"in both, of {people(found.customers)}"
    click.echo(table(title, ("segment", *found.names), rows), nl=False)


def _share(count: int, of: int) -> str:
    return f"{count / of:.1%}" if of else ""
