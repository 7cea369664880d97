"""`cij forget`: erases all that is kept of a person."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from cij.app.forget import Forgotten, allow, forget
from cij.cli.confirmation import confirm
from cij.cli.exits import Exit
from cij.cli.failures import say_waiting
from cij.cli.order_options import project_option
from cij.compiler.wording import plural


@click.command(
    epilog="""\b
Examples:
  cij forget ana@example.com
  cij forget shop:17 c0123456789abcde --yes
  cij forget ana@example.com shop:17 --allow     they may be imported again"""
)
@click.argument("people", nargs=-1, required=True, metavar="PERSON...")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--allow", "is_allowed", is_flag=True, help="Let a forgotten PERSON come back.")
@project_option
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def command(
    people: tuple[str, ...], yes: bool, is_allowed: bool, path: Path, as_json: bool
) -> None:
    """Erase all that is kept of each PERSON: in the state, its backups, and the files of the project.

    PERSON is an id, a key such as `shop:17`, or an address. The keys of their messages stay without content,
    so that nothing is sent twice. From then on, rows and events of the same person are left out, until you
    say `--allow` with each address and key. This cannot be undone. Stop `cij run` before. What only you
    can change, such as the sources, is listed.
    """
    if is_allowed:
        _allow(path, people, as_json)
        return
    if not yes:
        confirm(f"Erase all that is kept of {', '.join(people)}?", "nobody was forgotten")
    found = forget(path, people, say_waiting)
    if as_json:
        click.echo(json.dumps([asdict(done) for done in found], indent=2, ensure_ascii=False))
    for done in () if as_json else found:
        for line in _lines(done):
            click.echo(line)
    if any(done.failed for done in found):
        raise click.exceptions.Exit(Exit.STORE)


def _allow(path: Path, people: tuple[str, ...], as_json: bool) -> None:
    found = allow(path, people)
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for who, was_forgotten in found.items():
        words = "may come back; the next run reads all sources again"
        click.echo(f"{who}: {words if was_forgotten else 'was not forgotten'}")


def _lines(done: Forgotten) -> list[str]:
    rows, files = sum(done.rows.values()), sum(done.files.values())
    tables = f"{plural(rows, 'row')} in {plural(len(done.rows), 'table')}"
    told = f"{tables} and {plural(files, 'file')}; the state file is written anew"
    lines = [f"{done.who}: forgotten; {told}"]
    lines += [f"  backup {name}: forgotten there too" for name in done.backups]
    lines += [
        f"  backup {name}: could not be changed, so delete it: {why}"
        for name, why in done.failed.items()
    ]
    lines += [
        f"  source {name} ({where}) still has them, and is left as it is: delete them there. Until then each run "
        "leaves their rows out"
        for name, where in done.sources.items()
    ]
    own = {*done.sources.values()}
    lines += [f"  {file} names them: change or delete it" for file in done.named if file not in own]
    lines += [f"  somebody else has {address} too, so it stays" for address in done.shared]
    lines.append(
        "  not reached: backups elsewhere, the history of git, and whoever got their messages and calls"
    )
    return lines
