"""Shared parts of commands that give orders: their options, and how they print the result."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from cij.cli.arguments import PATIENCE_S


def say(text: str) -> None:
    """Print a sentence on standard error, so that the answer stays alone on standard output."""
    click.echo(text, err=True)


def print_done(done: dict[str, Any], as_json: bool, words: Callable[[dict[str, Any]], str]) -> None:
    """Print the result of an order, as JSON or as a sentence."""
    from cij.app.orders import HANDED_IN

    if as_json:
        click.echo(json.dumps(done, indent=2, ensure_ascii=False))
    elif done["state"] == HANDED_IN:
        click.echo(f"handed in: the running `cij run` will {done['action']} it at its next step")
    else:
        click.echo(words(done))


def people(count: int) -> str:
    """Return `1 person` or `3 people`."""
    return f"{count} person" if count == 1 else f"{count} people"


def messages(count: int) -> str:
    """Return `1 message` or `3 messages`."""
    return f"{count} message" if count == 1 else f"{count} messages"


project_option = click.option("--project", "path", default=".", type=click.Path(path_type=Path))
json_option = click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
wait_option = click.option(
    "--wait",
    "wait_s",
    default=15.0,
    type=PATIENCE_S,
    show_default=True,
    help="Seconds to wait for the answer of a running `cij run`.",
)
