"""`cij pause`: freezes the entries and sends of a journey until it is resumed (S22)."""

from pathlib import Path
from typing import Any

import click

from cij.app.orders import give
from cij.cli.order_options import (
    json_option,
    messages,
    people,
    print_done,
    project_option,
    say,
    wait_option,
)


@click.command(
    epilog="""\b
Examples:
  cij pause loyalty_reward
  cij pause loyalty_reward --drop-entries     turn away customers who would enter
  cij pause loyalty_reward --project examples/loyalty --json"""
)
@click.argument("journey")
@click.option(
    "--drop-entries", is_flag=True, help="Turn away customers who would enter in the pause."
)
@project_option
@wait_option
@json_option
def command(journey: str, drop_entries: bool, path: Path, wait_s: float, as_json: bool) -> None:
    """Freeze the sends and entries of JOURNEY.

    Timers run on. What falls due happens when `cij resume` ends the pause; events of the pause
    count then, in the order of their times. Customers who would enter wait in a queue. Goals and
    exits still let people leave. The command also works while `cij run` is running.
    """
    order = {"control": "pause", "drops_entries": drop_entries}
    found = give(path, journey, order, wait_s, say)
    print_done(found, as_json, lambda done: _words(done, drop_entries))


def _words(done: dict[str, Any], drops: bool) -> str:
    head = "paused" if done["changed"] else "was paused already"
    entries = "new entries are turned away" if drops else "new entries wait"
    return (
        f"{done['journey']}: {head}; {people(done['inside'])} inside, "
        f"{messages(done['held'])} held back, {entries}"
    )
