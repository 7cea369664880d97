"""`cij timeline`: everything that happened to one customer."""

import json
import shlex
from pathlib import Path

import click

from cij.app.customer_questions import timeline_of
from cij.cli.failures import say_waiting
from cij.cli.order_options import project_option


@click.command(
    epilog="""\b
Examples:
  cij timeline ana@example.com
  cij timeline shop:17 --journey loyalty_reward
  cij timeline c0123456789abcde --json"""
)
@click.argument("person")
@click.option("--journey", help="Only this journey, and entries of no journey.")
@project_option
@click.option("--json", "as_json_", is_flag=True, help="Print the entries as JSON.")
def command(person: str, journey: str | None, path: Path, as_json_: bool) -> None:
    """Show everything that happened to PERSON in the order of time, over all journeys.

    Lists events, consents, entries, steps, messages with their outcome, and goals. PERSON is an id,
    a key such as `shop:17`, or an e-mail address. Times are local to the project's zone.
    """
    found = timeline_of(path, person, journey, say_waiting)
    if as_json_:
        click.echo(json.dumps(found["entries"], indent=2, ensure_ascii=False))
        return
    click.echo(f"{found['customer']} ({found['zone']})")
    for line in found["lines"]:
        click.echo(line)
    if found["is_empty"]:
        click.echo("nothing has happened yet")
    # A timeline shows what happened and not why, so it points to the command that does.
    if found["asking"]:
        click.echo(f"\nthe rules behind it: cij why {shlex.quote(person)} {found['asking'][0]}")
