"""`cij suppression`: the list of addresses and customers who get no messages."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from cij.app.orders import change_suppression
from cij.app.project import open_project
from cij.app.zone_times import local
from cij.cli.order_options import json_option, project_option, say, wait_option
from cij.cli.render.plain_table import table
from cij.compiler.addresses import told_address
from cij.compiler.channels import CHANNELS, TYPED_ADDRESSES

_channel = click.option(
    "--channel", type=click.Choice([*CHANNELS]), help="This channel only; otherwise all."
)
_customer = click.option("--customer", help="The customer's id, instead of an address.")


@click.group(
    epilog="""\b
Examples:
  cij suppression list
  cij suppression add ana@example.com --reason "asked by phone"
  cij suppression add --customer c0123456789abcde --channel sms --reason "wrong number"
  cij suppression remove ana@example.com"""
)
def command() -> None:
    """Show and change the list of people who get nothing.

    Hard bounces and complaints put addresses on it automatically. The list holds for every message,
    also for queued ones, and needs no deployment. The command also works while `cij run` is
    running.
    """


@command.command("list", epilog="\b\nExample:\n  cij suppression list --json")
@project_option
@wait_option
@json_option
def list_(path: Path, wait_s: float, as_json: bool) -> None:
    """Print the list, the oldest entry first."""
    done = change_suppression(path, {"suppress": "list"}, wait_s, say)
    if as_json or "entries" not in done:
        _tell(done, as_json, "")
        return
    if not done["entries"]:
        click.echo("the list is empty")
        return
    zone = open_project(path).settings.project.timezone
    rows = [
        [
            e["address"] or "",
            e["customer"] or "",
            e["channel"] or "all",
            e["reason"],
            _since(e, zone),
        ]
        for e in done["entries"]
    ]
    heads = ["address", "customer", "channel", "reason", "since"]
    click.echo(table("suppression list", heads, rows), nl=False)


@command.command(epilog='\b\nExample:\n  cij suppression add ana@example.com --reason "they asked"')
@click.argument("address", required=False)
@_customer
@_channel
@click.option("--reason", required=True, help="The reason, for later readers of the list.")
@project_option
@wait_option
@json_option
def add(
    address: str | None,
    customer: str | None,
    channel: str | None,
    reason: str,
    path: Path,
    wait_s: float,
    as_json: bool,
) -> None:
    """Put an ADDRESS or a customer on the list."""
    order = _order("add", address, customer, channel)
    if address is not None and (channel is None or CHANNELS[channel].is_typed):
        _require_address(address, path)
    done = change_suppression(path, {**order, "reason": reason}, wait_s, say)
    if done.get("refused"):
        raise click.UsageError(f"{done['refused']}; `cij timeline` finds one by an address")
    is_new = done.get("count")
    _tell(done, as_json, "added" if is_new else "was on the list already")


@command.command(epilog="\b\nExample:\n  cij suppression remove ana@example.com --channel email")
@click.argument("address", required=False)
@_customer
@_channel
@project_option
@wait_option
@json_option
def remove(
    address: str | None,
    customer: str | None,
    channel: str | None,
    path: Path,
    wait_s: float,
    as_json: bool,
) -> None:
    """Take an ADDRESS or a customer off the list, with all entries about it."""
    done = change_suppression(path, _order("remove", address, customer, channel), wait_s, say)
    count = done.get("count", 0)
    words = f"removed {count} {'entry' if count == 1 else 'entries'}"
    _tell(done, as_json, words if count else "was not on the list")


def _since(entry: dict[str, Any], zone: str) -> str:
    return local(datetime.fromisoformat(entry["at"].removesuffix("Z")), zone)


def _order(
    action: str, address: str | None, customer: str | None, channel: str | None
) -> dict[str, Any]:
    if (address is None) == (customer is None):
        raise click.UsageError("give either an ADDRESS or `--customer`")
    return {"suppress": action, "address": address, "customer": customer, "channel": channel}


def _require_address(address: str, path: Path) -> None:
    """Raise a usage error for a text that is no address.

    On the list it would have no effect, and the customer would still get messages.
    """
    region = open_project(path).settings.project.region
    if not any(told_address(field, address, region) for field in TYPED_ADDRESSES):
        words = "write ana@example.com or +34600000001, or `--customer` and an id"
        raise click.UsageError(f"`{address}` is not an address: {words}")


def _tell(done: dict[str, Any], as_json: bool, words: str) -> None:
    if as_json:
        click.echo(json.dumps(done, indent=2, ensure_ascii=False))
    elif "state" in done:
        click.echo("handed in: the running `cij run` will do it at its next step")
    else:
        click.echo(words)
