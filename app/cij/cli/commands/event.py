"""`cij event`: hands in an event of a customer."""

import json
from datetime import datetime
from pathlib import Path

import click

from cij.app.hand_in_events import GivenEvent, hand_in_event, hand_in_file
from cij.cli.arguments import LocalTime
from cij.cli.failures import say_waiting
from cij.compiler.written_values import plain_number


@click.command(
    epilog="""\b
Examples:
  cij event purchase ana@example.com amount=49.90 coupon=LOYAL20
  cij event purchase --customer c0123456789abcde -f amount=49.90 -f coupon=LOYAL20
  cij event opened ana@example.com --message reward   the newest message that they got from this step
  cij event unsubscribed --customer ana@example.com -f topic=rewards -f channel=email
  cij event signed_up --customer new@example.com      an unknown person becomes a customer
  cij event create_phone_call.done --customer shop:17 --message sales:1:call:0 -f outcome=reached
  cij event --file events.jsonl --json"""
)
@click.argument("name", required=False)
@click.argument("words", nargs=-1, metavar="[PERSON] [FIELD=VALUE]...")
@click.option("--customer", help="Instead of PERSON: an id, an address, or SOURCE:KEY.")
@click.option("--message", "message_key", help="Which message or call: its step or its key.")
@click.option("--at", type=LocalTime(["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"]), help="Local.")
@click.option(
    "-f",
    "--field",
    "fields",
    multiple=True,
    metavar="NAME=VALUE",
    help="A field, as FIELD=VALUE; can be repeated.",
)
@click.option(
    "--file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="JSON lines instead: event, customer, at, fields.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was handed in as JSON.")
@click.option(
    "--project",
    "path",
    default=".",
    type=click.Path(path_type=Path),
    help="The folder of the project.",
)
def command(
    name: str | None,
    words: tuple[str, ...],
    customer: str | None,
    message_key: str | None,
    at: datetime | None,
    fields: tuple[str, ...],
    file: Path | None,
    as_json: bool,
    path: Path,
) -> None:
    """Hand in the event NAME of PERSON, or a file of events as JSON lines.

    PERSON is an id, an address or SOURCE:KEY. An unknown address or key makes a new customer.

    The project keeps the events until the next `cij run`; a running `cij run` takes them in at
    once. What cannot be taken in is put aside: `cij run` and `cij status` say why.
    """
    if file is not None:
        found = hand_in_file(path, file)
    else:
        customer, fields = _person(words, customer, fields)
        given = GivenEvent(name, customer, at, fields, message_key)
        found = hand_in_event(path, given, say_waiting)
    if as_json:
        content = {"version": 1, "handed_in": list(found.rows)}
        # A number with a fraction is shown as it is handed on: as its text, with all digits.
        text = json.dumps(content, ensure_ascii=False, indent=2, default=plain_number)
        click.echo(text)
    else:
        count = len(found.rows)
        click.echo(f"handed in {count} event{'' if count == 1 else 's'}")
    if not found.has_run:
        text = "nothing has run here yet; events admit customers only from the first `cij run` on"
        click.echo(text, err=True)


def _person(
    words: tuple[str, ...], customer: str | None, fields: tuple[str, ...]
) -> tuple[str | None, tuple[str, ...]]:
    """Return the person and the fields among the words after the name. The person has no `=`."""
    persons = [word for word in words if "=" not in word]
    if customer is not None:
        persons = [customer, *persons]
    if len(persons) > 1:
        text = f"`{persons[1]}` is a second person; fields are written NAME=VALUE, as in `amount=49.90`"
        raise click.UsageError(text)
    given = tuple(word for word in words if "=" in word)
    return persons[0] if persons else None, (*given, *fields)
