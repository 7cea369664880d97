"""`cij pause`: nobody enters a journey and nothing is sent, until it is resumed."""

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
  cij pause loyalty_reward --drop-entries     who would enter meanwhile never does
  cij pause loyalty_reward --project examples/loyalty --json"""
)
@click.argument("journey")
@click.option("--drop-entries", is_flag=True, help="Lose those who would enter in the pause.")
@project_option
@wait_option
@json_option
def command(journey: str, drop_entries: bool, path: Path, wait_s: float, as_json: bool) -> None:
    """Freeze the sends and entries of JOURNEY.

    Timers run on, and what falls due happens when `cij resume` ends the pause; events of the
    meantime count then, in the order of their times. Who would enter waits in a queue. Goals and
    exits still let people leave. Works also while `cij run` is going.
    """
    order = {"control": "pause", "drops_entries": drop_entries}
    found = give(path, journey, order, wait_s, say)
    print_done(found, as_json, lambda done: _words(done, drop_entries))


def _words(done: dict[str, Any], drops: bool) -> str:
    head = "paused" if done["changed"] else "was paused already"
    entries = "who would enter is lost" if drops else "who would enter waits"
    return (
        f"{done['journey']}: {head}; {people(done['inside'])} inside are paused, "
        f"{messages(done['held'])} held back, {entries}"
    )
