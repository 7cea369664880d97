"""Hands in events: they are checked against the program and put into the inbox of the project."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cij.app.deployed_program import compiled_or_deployed
from cij.app.local_service import ask
from cij.app.open_store import has_store, open_store
from cij.app.project import Project
from cij.app.request_error import RequestError
from cij.app.store_view import StoreView, store_view
from cij.app.zone_times import instant
from cij.compiler.naming import did_you_mean
from cij.compiler.program import Event, Program
from cij.compiler.sql import query
from cij.compiler.types import Type
from cij.runtime.clock import LiveClock
from cij.runtime.deploy import prepare
from cij.runtime.errors import StoreLocked
from cij.runtime.event_values import Unfit, read_value
from cij.runtime.inbox import hand_in
from cij.runtime.insight.person import find
from cij.runtime.intake import faults, is_id, may_be_made
from cij.runtime.outside_json import read_json

# The end of the names of answers to calls. An answer needs the call to which it belongs.
_ANSWER = ".done"
# The most wrong lines of a file that an error lists.
_SHOWN_MAX = 5
# A customer can react only to messages that were sent or may have been.
_MESSAGES = query(
    "SELECT o.key, o.step FROM outbox AS o WHERE o.customer = $customer "
    "AND o.outcome IN ('delivered', 'uncertain', 'sending', 'queued') "
    "ORDER BY o.created_at DESC NULLS LAST, o.key DESC NULLS LAST"
)


@dataclass(frozen=True, slots=True)
class HandedIn:
    """The events that were handed in.

    `rows` are as in the inbox; `has_run` is False before any run.
    """

    rows: tuple[dict[str, Any], ...]
    has_run: bool


@dataclass(frozen=True, slots=True)
class GivenEvent:
    """An event as a person writes it. `message` is a step or a key; `fields` are NAME=VALUE."""

    name: str | None
    customer: str | None
    at: datetime | None
    fields: Sequence[str] = ()
    message: str | None = None


def hand_in_event(path: Path, given: GivenEvent, on_wait: Callable[[str], None]) -> HandedIn:
    """Hand in one event. Its time is local to the project's zone; None is now.

    Raises: RequestError for an event that does not fit the program.
    """
    project, program = compiled_or_deployed(path)
    zone = project.settings.project.timezone
    at = instant(given.at, zone) if given.at is not None else LiveClock().now()
    row = _one(project, program, given.name, given.customer, given.message, at, given.fields)
    if given.message is not None:
        row["message_key"] = _key(project, row["customer"], given.message, on_wait)
    return _handed_in(project, [row])


def hand_in_file(path: Path, file: Path) -> HandedIn:
    """Hand in all events of a file of JSON lines; none where one does not fit.

    Raises: RequestError.
    """
    project, program = compiled_or_deployed(path)
    numbered = {n: _from_line(line, n, file) for n, line in _lines(file)}
    _require_fit(numbered, program, file)
    return _handed_in(project, [*numbered.values()])


def _handed_in(project: Project, rows: list[dict[str, Any]]) -> HandedIn:
    hand_in(project.root, rows)
    ask(project.root, "look", {})
    return HandedIn(tuple(rows), has_store(project))


def _lines(file: Path) -> list[tuple[int, str]]:
    """Return the lines that are not empty, with their numbers."""
    try:
        # Not `splitlines`: a text may hold U+2028 and other ends of lines that JSON does not know.
        lines = file.read_text(encoding="utf-8").split("\n")
        return [(n, line) for n, line in enumerate(lines, 1) if line.strip()]
    except UnicodeDecodeError as error:
        raise RequestError(f"{file} is not UTF-8 text") from error


def _from_line(line: str, number: int, file: Path) -> dict[str, Any]:
    try:
        found = read_json(line, is_exact=True)
    except ValueError as error:
        raise RequestError(f"{file}:{number} is not JSON: {error}") from error
    if not isinstance(found, dict) or "event" not in found:
        raise RequestError(f"{file}:{number} is not an object with the key `event`")
    return found


def _require_fit(rows: dict[int, dict[str, Any]], program: Program, file: Path) -> None:
    """Raise RequestError for rows that do not fit. A run would put them aside later, unnoticed."""
    found = faults(rows, program, LiveClock().now())
    wrong = [f"{file}:{number}: {reason}" for number, reason in found.items()]
    if wrong:
        more = [f"and {len(wrong) - _SHOWN_MAX} more"] if len(wrong) > _SHOWN_MAX else []
        lines = "\n".join([*wrong[:_SHOWN_MAX], *more])
        raise RequestError(f"nothing was handed in:\n{lines}")


def _require_person(project: Project, program: Program, text: str) -> None:
    """Raise RequestError where a text names no customer, and no new customer can be made from it."""
    if may_be_made(text, program) or (is_id(text) and _may_be_known(project, program, text)):
        return
    sources = sorted({m.source for m in program.profile.mappings})
    known = f"`{sources[0]}:KEY`" if sources else "`SOURCE:KEY`"
    raise RequestError(f"`{text}` is no customer: give an id, an address, or a key such as {known}")


def _may_be_known(project: Project, program: Program, id: str) -> bool:
    """Tell whether the store knows an id. While another program has it open, nobody can say."""
    if not has_store(project):
        return False
    try:
        engine = open_store(project)
    except StoreLocked:
        return True
    try:
        prepare(engine, program)
        return bool(find(engine, program, id))
    finally:
        engine.close()


def _one(
    project: Project,
    program: Program,
    name: str | None,
    customer: str | None,
    message_key: str | None,
    at: datetime,
    fields: Sequence[str],
) -> dict[str, Any]:
    known = [e.name for e in program.events]
    if name is None:
        raise RequestError(f"name an event, or give a `--file`; the events are {', '.join(known)}")
    event = next((e for e in program.events if e.name == name), None)
    if event is None:
        hint = did_you_mean(name, known) or f"there is {', '.join(known)}"
        raise RequestError(f"there is no event `{name}`; {hint}")
    if customer is None:
        text = f"name the customer, as in `cij event {name} ana@example.com`"
        raise RequestError(text)
    _require_person(project, program, customer)
    if message_key is not None and not event.is_interaction:
        raise RequestError(f"`{name}` is not an interaction with a message")
    if message_key is None and event.name.endswith(_ANSWER):
        text = "name the call with `--message`: its step or its key"
        raise RequestError(text)
    row: dict[str, Any] = {"event": event.name, "customer": customer, "at": at.isoformat() + "Z"}
    given = dict(_pair(text, event, program.timezone) for text in fields)
    if event.is_interaction and "channel" in given:
        row["channel"] = given.pop("channel")
    _require_topic(program, event, given)
    return row | {"fields": given}


def _key(project: Project, person: str, text: str, on_wait: Callable[[str], None]) -> str:
    """Return the key of a message: the given key, or the key of the newest message of a step.

    A given key is not checked, so that the event can be handed in while `cij run` has the store.
    """
    # A key always has colons.
    if ":" in text:
        return text
    asked = {"person": person, "step": text}
    key: str | None = ask(project.root, "newest_message", asked)
    if key is None:
        with store_view(project.root, on_wait) as view:
            key = newest_message(view, asked, LiveClock().now())
    return key


def newest_message(view: StoreView, asked: Mapping[str, Any], now: datetime) -> str:
    """Return the key of the newest message of a step that a person got. Raises: RequestError."""
    person, step = str(asked.get("person")), asked.get("step")
    rows = view.engine.rows(_MESSAGES, {"customer": view.customer(person)})
    newest: list[str] = [key for key, of_step in rows if of_step == step]
    if not newest:
        steps = ", ".join(dict.fromkeys(f"`{of_step}`" for _, of_step in rows)) or "none"
        message = f"{person} got no message or call of `{step}`; there is {steps}"
        raise RequestError(message)
    return newest[0]


def _require_topic(program: Program, event: Event, given: dict[str, str]) -> None:
    """Raise RequestError for an unknown topic.

    The event would change no consent, without an error.
    """
    topics = [t.name for t in program.topics]
    topic = given.get("topic")
    if event.is_interaction and topic is not None and topic not in topics:
        hint = did_you_mean(topic, topics) or f"there is {', '.join(topics) or 'none'}"
        raise RequestError(f"there is no topic `{topic}`; {hint}")


def _pair(text: str, event: Event, zone: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    known = {f.name for f in event.fields} | ({"channel"} if event.is_interaction else set())
    if not separator or name not in known:
        names = ", ".join(sorted(known)) or "none"
        raise RequestError(f"`{text}` is not NAME=VALUE with a field of {event.name}: {names}")
    for field in event.fields:
        if field.name == name:
            _require_value(name, field.type, value, zone)
    return name, value


def _require_value(name: str, type: Type, value: str, zone: str) -> None:
    """Raise RequestError for a value that does not fit its type."""
    try:
        read_value(name, type, value, zone)
    except Unfit as error:
        raise RequestError(str(error)) from error
