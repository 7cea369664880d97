"""`cij quarantine`: events that were put aside because they do not fit."""

import json
from pathlib import Path
from typing import Any

import click

from cij.app.quarantine import LIMIT_MAX, SHOWN_MAX, quarantine
from cij.cli.exits import Exit
from cij.cli.failures import say_waiting
from cij.cli.order_options import json_option, project_option
from cij.cli.render.plain_table import table

_ids = click.argument("ids", nargs=-1, metavar="[ID]...")
_all = click.option("--all", "all_", is_flag=True, help="All events that are put aside.")


@click.group(
    epilog="""\b
Examples:
  cij quarantine list
  cij quarantine show 3f2a9c01be
  cij quarantine retry --all          after the declaration of the event was corrected
  cij quarantine drop 3f2a9c01be"""
)
def command() -> None:
    """Show, retry and drop events that were put aside because they do not fit.

    An event is put aside if the project does not declare it, if a field has another type, or if
    nobody can tell whose event it is. Rows of sources are not here: correct the file, and the next
    refresh loads them. The command also works while `cij serve` is running.
    """


@command.command("list", epilog="\b\nExample:\n  cij quarantine list --json")
@click.option("--limit", default=SHOWN_MAX, type=click.IntRange(1, LIMIT_MAX), show_default=True)
@project_option
@json_option
def list_(limit: int, path: Path, as_json: bool) -> None:
    """List the events that are put aside, the newest first. Equal ones are one line."""
    found = quarantine(path, "list", say_waiting, limit=limit)
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    elif not found["events"]:
        click.echo("nothing is put aside")
    else:
        rows = [_line(row) for row in found["events"]]
        click.echo(table("events put aside", ("id", "events", "event", "reason"), rows), nl=False)


@command.command(epilog="\b\nExample:\n  cij quarantine show 3f2a9c01be")
@_ids
@_all
@project_option
def show(ids: tuple[str, ...], all_: bool, path: Path) -> None:
    """Print events that are put aside as JSON, with their reasons."""
    found = quarantine(path, "show", say_waiting, **_asked(ids, all_))
    click.echo(json.dumps(found, indent=2, ensure_ascii=False))


@command.command(epilog="\b\nExample:\n  cij quarantine retry --all")
@_ids
@_all
@project_option
@json_option
def retry(ids: tuple[str, ...], all_: bool, path: Path, as_json: bool) -> None:
    """Take events in again, with the program that runs. What still does not fit stays.

    The exit code is 7 if something stays.
    """
    done = quarantine(path, "retry", say_waiting, **_asked(ids, all_))
    if as_json:
        click.echo(json.dumps(done, indent=2, ensure_ascii=False))
    else:
        known = f", {done['known']} were known already" if done["known"] else ""
        click.echo(f"{_events(done['accepted'])} taken in{known}")
        for reason in done["reasons"]:
            click.echo(f"still put aside: {reason}", err=True)
    if done["refused"]:
        raise click.exceptions.Exit(Exit.ASIDE)


@command.command(epilog="\b\nExample:\n  cij quarantine drop 3f2a9c01be")
@_ids
@_all
@project_option
@json_option
def drop(ids: tuple[str, ...], all_: bool, path: Path, as_json: bool) -> None:
    """Forget events that are put aside. They cannot be brought back."""
    done = quarantine(path, "drop", say_waiting, **_asked(ids, all_))
    if as_json:
        click.echo(json.dumps(done, indent=2, ensure_ascii=False))
    else:
        click.echo(f"{_events(done['dropped'])} dropped")


def _asked(ids: tuple[str, ...], all_: bool) -> dict[str, Any]:
    if bool(ids) == all_:
        raise click.UsageError("give the ids of events, or `--all`")
    return {"ids": list(ids), "all": all_}


def _events(count: int) -> str:
    return f"{count} event{'' if count == 1 else 's'}"


def _line(row: dict[str, Any]) -> tuple[object, ...]:
    event = row["event"]
    name = event.get("event") if isinstance(event, dict) else None
    return row["id"], row["count"], name or "", row["reason"]
