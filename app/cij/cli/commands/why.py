"""`cij why`: why a customer did or did not enter a journey, get a message, or take a branch."""

import json
from datetime import datetime
from pathlib import Path

import click

from cij.app.customer_questions import why_of
from cij.cli.arguments import LocalTime
from cij.cli.failures import say_waiting
from cij.cli.order_options import project_option


@click.command(
    epilog="""\b
Examples:
  cij why ana@example.com loyalty_reward
  cij why shop:17 loyalty_reward --at "2026-12-01 09:00"
  cij why c0123456789abcde abandoned_cart --json"""
)
@click.argument("person")
@click.argument("journey", required=False, metavar="JOURNEY")
@click.option(
    "--at",
    type=LocalTime(["%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"]),
    help="As of this instant, local to the project's zone. Default: now.",
)
@project_option
@click.option("--json", "as_json_", is_flag=True, help="Print the tree as JSON.")
def command(
    person: str, journey: str | None, at: datetime | None, path: Path, as_json_: bool
) -> None:
    """Explain why PERSON did or did not enter JOURNEY, get its messages, take its branches.

    Shows for each rule which part holds, the values that it read, and the source rows of these
    values. The rules are those of the last run. Events count as of the instant. Fields are those of
    today, because older values are not kept.
    """
    answer = why_of(path, person, journey, at, say_waiting)
    if as_json_:
        click.echo(json.dumps(answer["tree"], indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(answer["lines"]))
