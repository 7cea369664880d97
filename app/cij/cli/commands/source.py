"""`cij source`: what sources hold, and how a file would be declared."""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from cij.cli.failures import say_waiting
from cij.cli.order_options import project_option
from cij.cli.render.plain_table import table

_json = click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")


@click.group(
    epilog="""\b
Examples:
  cij source list
  cij source list shop                     # its bad rows, with the reasons
  cij source sniff data/orders.csv
  cij source sniff "data/visits/*.jsonl" --name visits >> data.journey"""
)
def command() -> None:
    """Show the sources of a project, and write the declaration of a new one."""


@command.command(
    "list",
    epilog="""\b
Examples:
  cij source list
  cij source list shop
  cij source list --json""",
)
@click.argument("name", required=False)
@project_option
@_json
def list_(name: str | None, path: Path, as_json: bool) -> None:
    """List the sources with their rows, the time of the last load, bad rows and the last error.

    With NAME, list the bad rows of one source: file, line and reason. It reads the state of the last
    run and no source.
    """
    from cij.app.source_listing import bad_rows, listed_sources

    if name is not None:
        bad = bad_rows(path, name, say_waiting)
        if as_json:
            click.echo(json.dumps([asdict(row) for row in bad], indent=2, ensure_ascii=False))
            return
        cells = [(row.file, row.line, row.reason) for row in bad]
        click.echo(table(f"bad rows of {name}", ("file", "line", "reason"), cells), nl=False)
        return
    sources, zone = listed_sources(path, say_waiting)
    if as_json:
        click.echo(json.dumps([s.as_json() for s in sources], indent=2, ensure_ascii=False))
        return
    rows = [(s.name, s.kind, s.where, s.rows, s.bad, _at(s.loaded_at, zone)) for s in sources]
    heads = ("source", "kind", "where", "rows", "bad", f"loaded ({zone})")
    click.echo(table("sources", heads, rows), nl=False)
    for source in sources:
        if source.error:
            click.echo(f"\n{source.error}")


def _at(at: datetime | None, zone: str) -> str:
    from cij.app.zone_times import local

    return local(at, zone) or "never"


@command.command(
    epilog="""\b
Examples:
  cij source sniff data/orders.csv
  cij source sniff data/crm.db --table contact
  cij source sniff data/orders.csv >> shop.journey"""
)
@click.argument("file")
@click.option("--name", help="The name of the source; otherwise that of the file.")
@click.option("--table", "table_", help="The table of a database with several.")
@project_option
@_json
def sniff(file: str, name: str | None, table_: str | None, path: Path, as_json: bool) -> None:
    """Look at FILE and print the declaration of a source that reads it.

    FILE is a file of the project, or a pattern such as "orders/*.csv". The command finds out the kind,
    the delimiter, the encoding, how numbers, dates and missing values are written, the types of the
    columns and the key. Read the declaration before you use it: a file does not say what it means.
    """
    from cij.app.sniffed_source import sniffed_source

    form, text = sniffed_source(file, path, name=name, table=table_)
    if as_json:
        source = form.source
        content = {
            "name": source.name,
            "kind": source.kind,
            "settings": source.settings,
            "key": source.key,
            "columns": {c.name: str(c.type) for c in source.columns},
            "doubts": list(form.doubts),
            "declaration": text,
        }
        click.echo(json.dumps(content, indent=2, ensure_ascii=False))
        return
    click.echo(text, nl=False)
