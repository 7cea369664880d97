"""`cij stop`: ends a journey for all customers inside (S23)."""

from pathlib import Path
from typing import Any

import click

from cij.app.orders import give
from cij.cli.confirmation import confirm
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
  cij stop loyalty_reward
  cij stop loyalty_reward --yes --json     in a script
  cij resume loyalty_reward --again        start again after a stop"""
)
@click.argument("journey")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@project_option
@wait_option
@json_option
def command(journey: str, yes: bool, path: Path, wait_s: float, as_json: bool) -> None:
    """Stop JOURNEY for good: everybody inside leaves as `stopped`, and nobody enters any more.

    Messages that have not been handed over are cancelled. The report says how many are beyond
    recall. To stop only for a while, use `cij pause`.
    """

    def ask(count: int | None) -> None:
        if not yes:
            who = "all who are inside" if count is None else f"{people(count)} inside"
            confirm(f"Stop {journey} for good, and end it for {who}?", "nothing was stopped")

    found = give(path, journey, {"control": "stop"}, wait_s, say, ask)
    print_done(found, as_json, _words)


def _words(done: dict[str, Any]) -> str:
    if not done["changed"]:
        return f"{done['journey']}: was stopped already"
    waiting = f", {people(done['waiting'])} who waited to enter" if done["waiting"] else ""
    lost = f"; {messages(done['uncertain'])} may be under way" if done["uncertain"] else ""
    return (
        f"{done['journey']}: stopped; ended for {people(done['inside'])}{waiting}; "
        f"{messages(done['cancelled'])} cancelled; beyond recall: {messages(done['sent'])} "
        f"sent to them{lost}"
    )
