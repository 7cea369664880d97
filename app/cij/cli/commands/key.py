"""`cij key`: the keys of the HTTP service."""

import json
from datetime import datetime
from pathlib import Path

import click

from cij.app.project import open_project
from cij.app.service_keys import ROLES, Key, Role, add_key, read_keys, revoke_key
from cij.app.signed_links import rotate
from cij.app.zone_times import instant, local
from cij.cli.arguments import LocalTime
from cij.cli.order_options import json_option, project_option
from cij.cli.render.plain_table import table
from cij.runtime.clock import LiveClock


@click.group(
    epilog="""\b
Examples:
  cij key add shop                               a write key: it can only send events
  cij key add prometheus --role read
  cij key list
  cij key revoke shop --at "2026-12-31 23:00"    after its successor is in use"""
)
def command() -> None:
    """Make, list and revoke the keys of the HTTP service.

    A key of the role `write` sends events. `read` asks questions and reads the metrics, `operate`
    also gives orders, `admin` may do everything. Only hashes are kept. A running service uses the
    new list at once.
    """


@command.command(epilog="\b\nExample:\n  cij key add shop --role write")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default="write", show_default=True)
@project_option
@json_option
def add(name: str, role: Role, path: Path, as_json: bool) -> None:
    """Make a key NAME and print it. It cannot be printed again."""
    secret = add_key(open_project(path), name, role, LiveClock().now())
    if as_json:
        click.echo(json.dumps({"version": 1, "name": name, "role": role, "key": secret}, indent=2))
        return
    click.echo(secret)
    click.echo(f"This key is shown once. Its role is {role}.", err=True)


@command.command("list", epilog="\b\nExample:\n  cij key list --json")
@project_option
@json_option
def list_(path: Path, as_json: bool) -> None:
    """List the keys with their roles, without the keys themselves."""
    project, now = open_project(path), LiveClock().now()
    keys = read_keys(project.root)
    if as_json:
        rows = [_plain(key, now) for key in keys]
        click.echo(json.dumps({"version": 1, "keys": rows}, indent=2, ensure_ascii=False))
    elif not keys:
        click.echo("there is no key yet; `cij key add NAME` makes one")
    else:
        zone = project.settings.project.timezone
        heads = ("name", "role", "since", "ends", "valid")
        shown = [
            (k.name, k.role, local(k.created_at, zone), local(k.ends_at, zone), _is_valid(k, now))
            for k in keys
        ]
        click.echo(table("keys", heads, shown), nl=False)


@command.command(epilog="\b\nExample:\n  cij key revoke shop")
@click.argument("name")
@click.option("--at", type=LocalTime(["%Y-%m-%d %H:%M", "%Y-%m-%d"]), help="Later; local.")
@project_option
@json_option
def revoke(name: str, at: datetime | None, path: Path, as_json: bool) -> None:
    """Make the key NAME invalid, at once or from a later time on."""
    project, now = open_project(path), LiveClock().now()
    zone = project.settings.project.timezone
    ended = revoke_key(project, name, instant(at, zone) if at else now)
    if as_json:
        content = {"version": 1, **_plain(ended, now)}
        click.echo(json.dumps(content, indent=2, ensure_ascii=False))
    else:
        when = f"ends at {local(ended.ends_at, zone)} ({zone})" if at else "is not valid any more"
        click.echo(f"the key `{name}` {when}")


@command.command(epilog="\b\nExample:\n  cij key sign")
@project_option
def sign(path: Path) -> None:
    """Begin to sign the links in messages with a new key. Links of the last five keys stay valid."""
    kept = rotate(open_project(path).root)
    click.echo(f"new links have a new key; those of {kept} older keys stay valid")


def _is_valid(key: Key, now: datetime) -> str:
    return "yes" if key.is_valid(now) else "no"


def _plain(key: Key, now: datetime) -> dict[str, object]:
    ends = key.ends_at.isoformat() + "Z" if key.ends_at else None
    created = key.created_at.isoformat() + "Z"
    about = {"name": key.name, "role": key.role, "created_at": created, "ends_at": ends}
    return {**about, "is_valid": key.is_valid(now)}
