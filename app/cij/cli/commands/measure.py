"""`cij measure`: the figures of measures over customers."""

import csv
import io
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from cij.cli.failures import say_waiting
from cij.cli.order_options import project_option
from cij.cli.render.plain_table import table
from cij.cli.render.stored_value import defused, plain

_json = click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")


@click.group(
    epilog="""\b
Examples:
  cij measure list
  cij measure show spent
  cij measure show spent --by country
  cij measure show spent --by tier --in loyal --format csv"""
)
def command() -> None:
    """Show measures: sum, average and percentiles over customers, in groups.

    The answers are as of now, from the data and the program of the last run.
    """


@command.command("list", epilog="\b\nExample:\n  cij measure list --json")
@project_option
@_json
def list_(path: Path, as_json: bool) -> None:
    """List all measures with their type, what they are, and for how many customers they are known."""
    from cij.app.measure_questions import measures_of

    found = measures_of(path, say_waiting)
    known = {m.name: sum(group.known for group in m.groups) for m in found}
    if as_json:
        content = [
            {"name": m.name, "type": m.type, "value": m.value, "known": known[m.name]}
            for m in found
        ]
        click.echo(json.dumps(content, indent=2, ensure_ascii=False))
        return
    rows = [(m.name, m.type, known[m.name], m.value) for m in found]
    click.echo(table("measures", ("measure", "type", "known", "value"), rows), nl=False)


@command.command(
    epilog="""\b
Examples:
  cij measure show spent
  cij measure show spent --by country
  cij measure show spent --in loyal --format json"""
)
@click.argument("name")
@click.option("--by", help="A field of the customer: one row for each of its values.")
@click.option("--in", "segment", help="Only members of this segment.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "csv", "json"]),
    default="text",
    show_default=True,
    help="How to print the figures.",
)
@project_option
def show(name: str, by: str | None, segment: str | None, form: str, path: Path) -> None:
    """Show the figures of measure NAME over all customers, or in groups.

    `known` counts the customers who have a value; all figures are about these. `median`, `p25`, `p75` and
    `p90` are values of customers: `p90` is the smallest that 90% of them do not exceed. An average has six
    decimals.
    """
    from cij.app.measure_questions import figures_of

    found = figures_of(path, name, by, segment, say_waiting)
    heads = [field.name for field in fields(found.groups[0])] if found.groups else ["group"]
    rows = [[plain(getattr(group, head)) for head in heads] for group in found.groups]
    if by is None:
        heads, rows = heads[1:], [row[1:] for row in rows]
    else:
        heads = [by, *heads[1:]]
    _print(f"measure {found.name} ({found.type}): {found.value}", heads, rows, form)


def _print(title: str, heads: list[str], rows: list[list[Any]], form: str) -> None:
    if form == "json":
        content = [dict(zip(heads, row, strict=True)) for row in rows]
        click.echo(json.dumps(content, indent=2, ensure_ascii=False))
    elif form == "csv":
        text = io.StringIO()
        cells = [[defused(cell) for cell in row] for row in rows]
        csv.writer(text, lineterminator="\n").writerows([heads, *cells])
        click.echo(text.getvalue(), nl=False)
    elif len(rows) == 1 and heads[0] == "customers":
        # One group reads better from top to bottom.
        click.echo(table(title, ("", ""), zip(heads, rows[0], strict=True)), nl=False)
    else:
        click.echo(table(title, heads, rows), nl=False)
