"""`cij timeline`: what happened to one customer."""

import json
import shlex
from pathlib import Path

import click

from cij.app.store_view import store_view
from cij.cli.controlling import project_option
from cij.cli.failures import say_waiting
from cij.runtime.insight.timeline import as_json, lines, timeline


@click.command(
    epilog="""\b
Examples:
  cij timeline ana@example.com
  cij timeline shop:17 --journey loyalty_reward
  cij timeline c0123456789abcde --json"""
)
@click.argument("person")
@click.option("--journey", help="Only this journey, and what is of no journey.")
@project_option
@click.option("--json", "as_json_", is_flag=True, help="Print the entries as JSON.")
def command(person: str, journey: str | None, path: Path, as_json_: bool) -> None:
    """Show all that is known of PERSON in the order of time, over all journeys.

    Events, consents, entries, steps, messages with what became of them, goals. PERSON is an id, a
    key such as `shop:17`, or an e-mail address. Times are local to the project's zone.
    """
    with store_view(path, say_waiting) as found:
        customer = found.customer(person)
        told = timeline(found.engine, found.program, customer)
        if journey is not None:
            told = told.of_journey(journey)
        if as_json_:
            click.echo(json.dumps(as_json(told), indent=2, ensure_ascii=False))
            return
        zone = found.program.timezone
        click.echo(f"{customer} ({zone})")
        for line in lines(told, zone):
            click.echo(line)
        if not told.entries:
            click.echo("nothing has happened yet")
        passed = [entry.journey for entry in told.entries if entry.journey]
        asked = (
            [journey, *passed] if journey else [*passed, *(j.name for j in found.program.journeys)]
        )
        if asked:
            click.echo(f"\nthe rules behind it: cij why {shlex.quote(person)} {asked[0]}")
