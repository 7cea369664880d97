"""`cij event`: hand in something that a customer did."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from cij.app.compile import compiled
from cij.app.open_store import store_path
from cij.app.project import Project
from cij.app.store_view import store_view
from cij.cli.arguments import Moment
from cij.cli.failures import say_waiting
from cij.compiler.naming import did_you_mean
from cij.compiler.program import Event, Program
from cij.compiler.sql import query
from cij.compiler.types import Type
from cij.runtime.clock import LiveClock
from cij.runtime.inbox import hand_in
from cij.runtime.intake import faults
from cij.runtime.values import Unfit, read_value

# Ends of the names of answers to calls, which are nothing without a call.
_ANSWER = ".done"
# So many lines of a file that do not fit are told.
_SHOWN_MAX = 5
_MESSAGES = query(
    "SELECT o.key, o.step FROM outbox AS o WHERE o.customer = $customer "
    "AND o.outcome IN ('delivered', 'uncertain', 'sending', 'queued') "
    "ORDER BY o.created_at DESC NULLS LAST, o.key DESC NULLS LAST"
)


@click.command(
    epilog="""\b
Examples:
  cij event purchase ana@example.com amount=49.90 coupon=LOYAL20
  cij event purchase --customer c0123456789abcde -f amount=49.90 -f coupon=LOYAL20
  cij event opened ana@example.com --message reward   the newest that she got of this step
  cij event unsubscribed --customer ana@example.com -f topic=rewards -f channel=email
  cij event signed_up --customer new@example.com      who is not known yet becomes a customer
  cij event create_phone_call.done --customer shop:17 --message sales:1:call:0 -f outcome=reached
  cij event --file events.jsonl --json"""
)
@click.argument("name", required=False)
@click.argument("words", nargs=-1, metavar="[PERSON] [FIELD=VALUE]...")
@click.option("--customer", help="Instead of PERSON: an id, an address, or SOURCE:KEY.")
@click.option("--message", "message_key", help="Which message or call: its step or its key.")
@click.option("--at", type=Moment(["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"]), help="Local.")
@click.option(
    "-f", "--field", "fields", multiple=True, metavar="NAME=VALUE", help="As FIELD=VALUE; many."
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

    PERSON is an id, an address or SOURCE:KEY.

    The events are kept in the project and taken in by the next `cij run`, or at once if one is
    going. An address or a key that nobody has makes a new customer. What cannot be taken in is
    put aside: `cij run` and `cij status` say why.
    """
    project, program = compiled(path)
    if file is not None:
        numbered = {n: _from_line(line, n, file) for n, line in _lines(file)}
        _require_fit(numbered, program, file)
        rows = [*numbered.values()]
    else:
        zone = project.settings.project.timezone
        customer, fields = _person(words, customer, fields)
        row = _one(program, name, customer, message_key, _instant(at, zone), fields)
        if message_key is not None:
            row["message_key"] = _key(project, row["customer"], message_key)
        rows = [row]
    hand_in(project.root, rows)
    if as_json:
        content = {"version": 1, "handed_in": rows}
        click.echo(json.dumps(content, ensure_ascii=False, indent=2))
    else:
        click.echo(f"handed in {len(rows)} event{'' if len(rows) == 1 else 's'}")
    if not store_path(project).is_file():
        text = "nothing has run here yet; a journey lets in by events from its first `cij run` on"
        click.echo(text, err=True)


def _person(
    words: tuple[str, ...], customer: str | None, fields: tuple[str, ...]
) -> tuple[str | None, tuple[str, ...]]:
    """Sort the words behind the name: the first without `=` is the person, the others are fields."""
    persons = [word for word in words if "=" not in word]
    if customer is not None:
        persons = [customer, *persons]
    if len(persons) > 1:
        text = f"`{persons[1]}` is a second person; fields are written NAME=VALUE, as in `amount=49.90`"
        raise click.UsageError(text)
    given = tuple(word for word in words if "=" in word)
    return persons[0] if persons else None, (*given, *fields)


def _lines(file: Path) -> list[tuple[int, str]]:
    """Return the lines that say something, with their numbers."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        return [(n, line) for n, line in enumerate(lines, 1) if line.strip()]
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{file} is not UTF-8 text") from error


def _from_line(line: str, number: int, file: Path) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise click.UsageError(f"{file}:{number} is not JSON: {error}") from error
    if not isinstance(found, dict) or "event" not in found:
        raise click.UsageError(f"{file}:{number} is no object with the key `event`")
    return found


def _require_fit(rows: dict[int, dict[str, Any]], program: Program, file: Path) -> None:
    """What does not fit would be put aside later, when nobody looks any more."""
    found = faults(rows, program, LiveClock().now())
    wrong = [f"{file}:{number}: {reason}" for number, reason in found.items()]
    if wrong:
        more = [f"and {len(wrong) - _SHOWN_MAX} more"] if len(wrong) > _SHOWN_MAX else []
        told = "\n".join([*wrong[:_SHOWN_MAX], *more])
        raise click.UsageError(f"nothing was handed in:\n{told}")


def _instant(at: datetime | None, zone: str) -> datetime:
    if at is None:
        return LiveClock().now()
    return at.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)


def _one(
    program: Program,
    name: str | None,
    customer: str | None,
    message_key: str | None,
    at: datetime,
    fields: tuple[str, ...],
) -> dict[str, Any]:
    known = [e.name for e in program.events]
    if name is None:
        raise click.UsageError(f"say which event, or give a `--file`; there is {', '.join(known)}")
    event = next((e for e in program.events if e.name == name), None)
    if event is None:
        hint = did_you_mean(name, known) or f"there is {', '.join(known)}"
        raise click.UsageError(f"there is no event `{name}`; {hint}")
    if customer is None:
        text = f"say of whom, as in `cij event {name} ana@example.com`"
        raise click.UsageError(text)
    if message_key is not None and not event.is_interaction:
        raise click.UsageError(f"`{name}` is no interaction with a message")
    if message_key is None and event.name.endswith(_ANSWER):
        text = "say which call was answered: `--message` takes its step or its key"
        raise click.UsageError(text)
    row: dict[str, Any] = {"event": event.name, "customer": customer, "at": at.isoformat() + "Z"}
    given = dict(_pair(text, event, program.timezone) for text in fields)
    if event.is_interaction and "channel" in given:
        row["channel"] = given.pop("channel")
    _require_topic(program, event, given)
    return row | {"fields": given}


def _key(project: Project, person: str, text: str) -> str:
    """Return the key of the message that is meant: it itself, or the newest of a step.

    A key is taken as it stands, so that it can be handed in while `cij run` has the state.
    """
    if ":" in text:
        return text
    with store_view(project.root, say_waiting) as found:
        rows = found.engine.rows(_MESSAGES, {"customer": found.customer(person)})
    newest: list[str] = [key for key, step in rows if step == text]
    if not newest:
        steps = ", ".join(dict.fromkeys(f"`{step}`" for _, step in rows)) or "none"
        message = f"{person} got no message or call of `{text}`; there is {steps}"
        raise click.UsageError(message)
    return newest[0]


def _require_topic(program: Program, event: Event, given: dict[str, str]) -> None:
    """A topic that does not exist would change no consent, and nobody would know."""
    topics = [t.name for t in program.topics]
    topic = given.get("topic")
    if event.is_interaction and topic is not None and topic not in topics:
        hint = did_you_mean(topic, topics) or f"there is {', '.join(topics) or 'none'}"
        raise click.UsageError(f"there is no topic `{topic}`; {hint}")


def _pair(text: str, event: Event, zone: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    known = {f.name for f in event.fields} | ({"channel"} if event.is_interaction else set())
    if not separator or name not in known:
        names = ", ".join(sorted(known)) or "none"
        raise click.UsageError(f"`{text}` is not NAME=VALUE with a field of {event.name}: {names}")
    for field in event.fields:
        if field.name == name:
            _require_value(name, field.type, value, zone)
    return name, value


def _require_value(name: str, type: Type, value: str, zone: str) -> None:
    """A value that does not fit would be put aside later, when nobody looks any more."""
    try:
        read_value(name, type, value, zone)
    except Unfit as error:
        raise click.UsageError(str(error)) from error
