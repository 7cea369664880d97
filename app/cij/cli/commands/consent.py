"""`cij consent`: what customers agreed to."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from cij.app.consents import all_consents, as_csv, consents_of, import_consents
from cij.app.project import open_project
from cij.app.zone_times import local
from cij.cli.failures import say_waiting
from cij.cli.order_options import json_option, project_option
from cij.cli.render.plain_table import table


@click.group(
    epilog="""\b
Examples:
  cij consent show ana@example.com
  cij consent export > consents.csv
  cij consent import consents.csv"""
)
def command() -> None:
    """Show, export and import what customers agreed to.

    The command also works while `cij serve` is running.
    """


@command.command(epilog="\b\nExample:\n  cij consent show ana@example.com --json")
@click.argument("person")
@project_option
@json_option
def show(person: str, path: Path, as_json: bool) -> None:
    """Show what PERSON agreed to, and each change: when, from where, and which text they saw.

    A consent without a change comes from a source, or from the default of the topic.
    """
    found = consents_of(path, person, say_waiting)
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    zone = open_project(path).settings.project.timezone
    rows = [_consent(row, zone) for row in found["consents"]]
    title = f"consents of {found['customer']}"
    click.echo(table(title, ("topic", "channel", "agreed", "changed"), rows), nl=False)
    changes = [_change(row, zone) for row in found["ledger"]]
    if changes:
        heads = ("at", "change", "topic", "channel", "from", "text")
        click.echo("\n" + table("changes", heads, changes), nl=False)


@command.command(epilog="\b\nExample:\n  cij consent export > consents.csv")
@project_option
@json_option
def export(path: Path, as_json: bool) -> None:
    """Print the consents of all customers as CSV. It holds personal data."""
    found = all_consents(path, say_waiting)
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        click.echo(as_csv(found["consents"]), nl=False)


@command.command("import", epilog="\b\nExample:\n  cij consent import consents.csv")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@project_option
@json_option
def import_(file: Path, path: Path, as_json: bool) -> None:
    """Hand in the consents of a CSV FILE, all of them or none.

    The columns are customer, topic, channel, granted (yes or no), and where they are known: at,
    origin, shown (the text that the customer saw). A customer is an id, an address or SOURCE:KEY.
    The same file again changes nothing.
    """
    count = import_consents(path, file)
    if as_json:
        click.echo(json.dumps({"version": 1, "handed_in": count}, indent=2))
    else:
        click.echo(f"handed in {count} consent{'' if count == 1 else 's'}")


def _consent(row: dict[str, Any], zone: str) -> tuple[str, ...]:
    agreed = "yes" if row["granted"] else "no"
    return row["topic"], row["channel"], agreed, _local(row["at"], zone)


def _change(row: dict[str, Any], zone: str) -> tuple[str, ...]:
    change = "agreed" if row["is_granted"] else "refused"
    about = row["topic"] or "all", row["channel"] or "all"
    return _local(row["at"], zone), change, *about, row["origin"] or "event", row["shown"] or ""


def _local(at: str | None, zone: str) -> str:
    return local(datetime.fromisoformat(at.removesuffix("Z")), zone) if at else ""
