"""`cij resume`: ends the pause of a journey, or starts a stopped one again."""

from pathlib import Path
from typing import Any

import click

from cij.app.orders import give
from cij.cli.order_options import (
    json_option,
    people,
    print_done,
    project_option,
    say,
    wait_option,
)


@click.command(
    epilog="""\b
Examples:
  cij resume loyalty_reward
  cij resume loyalty_reward --again     start a stopped journey again
  cij resume loyalty_reward --json"""
)
@click.argument("journey")
@click.option("--again", is_flag=True, help="Start a stopped journey again.")
@project_option
@wait_option
@json_option
def command(journey: str, again: bool, path: Path, wait_s: float, as_json: bool) -> None:
    """End the pause of JOURNEY.

    What fell due in the pause happens at the next step of `cij run`: first the events, in the order
    of their times, then the queue of entries, then the timers. `--again` starts a stopped journey
    again; customers who were inside count as having been there once.
    """
    order = {"control": "resume", "again": again}
    found = give(path, journey, order, wait_s, say)
    print_done(found, as_json, _words)


def _words(done: dict[str, Any]) -> str:
    if not done["changed"]:
        return f"{done['journey']}: was not paused"
    waiting = f", {people(done['waiting'])} waited to enter" if done["waiting"] else ""
    return f"{done['journey']}: goes on; {people(done['inside'])} inside{waiting}"
