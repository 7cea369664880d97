"""The timeline of a customer: events, entries, steps, messages and goals, over all journeys."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cij.compiler.program import DecideState, EndState, Event, Program, State, WaitState
from cij.compiler.sql import insight
from cij.compiler.sql.intake import columns_of
from cij.compiler.sql.plan.governing import held_by, stands_at
from cij.compiler.types import TEXT
from cij.compiler.unparse import timer_words, words
from cij.runtime import absence
from cij.runtime.engine import Engine, Row
from cij.runtime.insight.display import local, shown, written
from cij.runtime.insight.person import Versions
from cij.runtime.store import deliveries, of_customer

# The order at one instant: causes come before their effects.
_RANKS = {
    name: rank
    for rank, name in enumerate(
        ("merge", "data", "event", "consent", "segment", "turned away", "enter", "goal", "step")
    )
} | {"message": 8}


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened.

    `text` does not name the journey; `details` have types that JSON has.
    """

    at: datetime
    kind: str
    text: str
    journey: str | None = None
    passage: int | None = None
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Waiting:
    """The wait of an open passage.

    `held` is the reason why a message of the step is held, or None. `gone_at` is when it ends because
    the customer is in no source any more.
    """

    journey: str
    passage: int
    step: str
    until: datetime | None
    held: str | None = None
    gone_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """All entries of a customer in the order of time, and where their open passages wait."""

    customer: str
    entries: tuple[Entry, ...]
    waiting: tuple[Waiting, ...]

    def of_journey(self, journey: str) -> "Timeline":
        """Return the timeline with the entries of one journey, and those of no journey."""
        entries = tuple(e for e in self.entries if e.journey in (None, journey))
        waiting = tuple(w for w in self.waiting if w.journey == journey)
        return Timeline(self.customer, entries, waiting)


@dataclass(slots=True)
class _Reader:
    engine: Engine
    program: Program
    versions: Versions
    customer: str

    def rows(self, statement: Any, **more: object) -> list[Row]:
        return self.engine.rows(statement, {"customer": self.customer, **more})

    @property
    def zone(self) -> str:
        return self.program.timezone


def timeline(engine: Engine, program: Program, customer: str) -> Timeline:
    """Return everything that the store knows of a customer, in the order of time."""
    reader = _Reader(engine, program, Versions(engine, program), customer)
    passages = reader.rows(of_customer.PASSAGES)
    entries = [*_events(reader), *_about(reader), *_passages(reader, passages)]
    # The sort is stable, so entries with the same instant and rank keep the order of the store.
    entries.sort(key=lambda e: (e.at, _RANKS[e.kind]))
    return Timeline(customer, tuple(entries), tuple(_waiting(reader, passages)))


# --- events, consents, segments ---------------------------------------------------------------


def _events(reader: _Reader) -> Iterator[Entry]:
    sent = {row[-1]: (row[2], row[4]) for row in reader.rows(of_customer.MESSAGES)}
    for event in reader.program.events:
        names = [name for name, _ in columns_of(event)]
        for values in reader.rows(insight.events_of(event)):
            row = dict(zip(names, values, strict=True))
            # The line of the message says it already.
            if event.name not in deliveries.NOTES or row["id"] != row["message_key"]:
                yield _event(event, row, sent, reader.zone)


def _event(event: Event, row: dict[str, Any], sent: dict[str, tuple[str, str]], zone: str) -> Entry:
    journey, step = sent.get(row.get("message_key") or "", (None, None))
    values = {f.name: shown(row[f.name], f.type, zone) for f in event.fields if row[f.name]}
    if event.is_interaction and row["channel"]:
        values["channel"] = f'"{row["channel"]}"'
    name = event.name + (f"({step})" if step else "")
    text = " ".join([name, *(f"{key} = {value}" for key, value in values.items())])
    details = {"event": event.name, "id": row["id"], "fields": values}
    return Entry(row["at"], "event", text, journey, None, details)


def _about(reader: _Reader) -> Iterator[Entry]:
    for at, topic, channel, granted in reader.rows(of_customer.CONSENTS):
        verb = "agrees to" if granted else "refuses"
        details = {"topic": topic, "channel": channel, "granted": granted}
        yield Entry(at, "consent", f"{verb} {topic} by {channel}", details=details)
    for at, segment in reader.rows(of_customer.SEGMENTS):
        text = f"is in segment {segment} since then"
        yield Entry(at, "segment", text, details={"segment": segment})
    for at, name, value in reader.rows(of_customer.WRITES):
        type = next((f.type for f in reader.program.profile.fields if f.name == name), TEXT)
        now = written(value, type, reader.zone)
        details = {"field": name, "value": value}
        yield Entry(at, "step", f"{name} is set to {now}", details=details)
    for at, alias in reader.rows(of_customer.ALIASES):
        text = f"{alias} turned out to be the same customer"
        yield Entry(at, "merge", text, details={"alias": alias})
    if (since := absence.since(reader.engine, reader.customer)) is not None:
        yield Entry(since, "data", "is in no source any more")
    for at, journey, reason in reader.rows(of_customer.TURNED_AWAY):
        text = f"is turned away: {reason}"
        yield Entry(at, "turned away", text, journey, details={"reason": reason})


# --- passages ---------------------------------------------------------------------------------


def _passages(reader: _Reader, passages: list[Row]) -> Iterator[Entry]:
    messages = {(row[0], row[3], row[4]): row for row in reader.rows(of_customer.MESSAGES)}
    for id, journey, version, at, held_out, key, _, ended_at, outcome, cause, _ in passages:
        text = "enters" + (f" by {key}" if key else "") + (" (held out)" if held_out else "")
        details = {"version": version, "key": key or None, "held_out": held_out}
        yield Entry(at, "enter", text, journey, id, details)
        yield from _steps(reader, id, journey, version, messages)
        if cause in ("gone", "merged", "stopped"):
            text = f"leaves as {outcome}"
            yield Entry(ended_at, "step", text, journey, id, {"outcome": outcome, "why": cause})
    for at, journey, passage, goal in reader.rows(of_customer.CONVERSIONS):
        yield Entry(at, "goal", f"reaches goal {goal}", journey, passage, {"goal": goal})
    # `_steps` has removed the messages of known steps. The rest belong to steps that no version
    # has.
    yield from (_message(row) for row in messages.values())


def _message(row: Row) -> Entry:
    at, settled_at, journey, passage, step, channel, message, outcome, reason, *rest, key = row
    what = f"do {message}" if channel == "action" else f"{channel} {message}"
    text = f"{step}: {what} {outcome}" + (f", {reason}" if reason else "")
    details = {"step": step, "channel": channel, "message": message, "outcome": outcome}
    details |= {"reason": reason, "locale": rest[0], "address": rest[1], "key": key}
    details["settled_at"] = settled_at
    return Entry(at, "message", text, journey, passage, details)


_Messages = dict[tuple[datetime, int, str], Row]


def _steps(
    reader: _Reader, passage: int, journey: str, version: str, messages: _Messages
) -> Iterator[Entry]:
    before: State | None = None
    for at, id, why in reader.rows(of_customer.HISTORY, passage=passage):
        found = reader.versions.that_knows(id, journey, version)
        # No stored program has the state any more, so its step is unknown.
        if found is None:
            continue
        state, held = stands_at(found[0], id), held_by(id)
        # The branch that was taken is known only from the reason of the next state.
        if isinstance(before, DecideState):
            text = f"{before.step}: {branch_words(before, why)}"
            details = {"step": before.step, "state": before.id, "why": why}
            yield Entry(at, "step", text, journey, passage, details)
        if held is not None:
            details = {"step": state.step, "state": id, "why": held}
            yield Entry(at, "step", f"{state.step}: held by {held}", journey, passage, details)
        elif (message := messages.pop((at, passage, state.step), None)) is not None:
            yield _message(message)
        elif text := _step_words(state, why):
            details = {"step": state.step, "state": id, "why": why}
            yield Entry(at, "step", text, journey, passage, details)
        before = state


def branch_taken(state: DecideState, why: str | None) -> int | None:
    """Return the number of the branch that was taken; 0 for `else`, None where it is unknown.

    `why` is the reason of the next state in the history.
    """
    number = (why or "").removeprefix("branch ")
    if number.isdigit():
        return int(number)
    if why == "else":
        return 0
    # `first N` counts places in a hidden state, which leaves no reason behind.
    return 1 if len(state.branches) == 1 and not why else None


def branch_words(state: DecideState, why: str | None) -> str:
    """Return the branch that was taken, in words, with its condition."""
    taken = branch_taken(state, why)
    if taken:
        return f"takes branch {taken}, {words(state.branches[taken - 1].guard)}"
    return "decides" if taken is None else "takes else"


def _step_words(state: State, why: str | None) -> str:
    because = f" ({why})" if why and not why.startswith(("branch", "else", "entered")) else ""
    match state:
        case WaitState(step=step, timer=timer):
            return f"{step}: waits {timer_words(timer)}{because}"
        case EndState(outcome=outcome):
            return f"leaves as {outcome}{because}"
    return ""


def _waiting(reader: _Reader, passages: list[Row]) -> Iterator[Waiting]:
    since = absence.since(reader.engine, reader.customer)
    gone_at = absence.ends_at(since, reader.program) if since is not None else None
    for id, journey, version, _, _, _, wake_at, ended_at, _, _, state in passages:
        if ended_at is None:
            found, _program = reader.versions.of(journey, version)
            step = stands_at(found, state).step
            yield Waiting(journey, id, step, wake_at, held_by(state), gone_at)


def lines(found: Timeline, zone: str) -> list[str]:
    """Return the timeline as text, one line for each entry. Times are local to `zone`."""
    wide = max((len(e.journey or "") for e in found.entries), default=0)
    text = [f"{local(e.at, zone):<19}  {e.journey or '':<{wide}}  {e.text}" for e in found.entries]
    for w in found.waiting:
        if w.gone_at is not None:
            stands = f"stands still at {w.step}, and leaves as gone {local(w.gone_at, zone)}"
            text.append(f"{'now':<19}  {w.journey:<{wide}}  {stands}")
            continue
        until = f" until {local(w.until, zone)}" if w.until else ""
        held = f" (held by {w.held})" if w.held else ""
        text.append(f"{'now':<19}  {w.journey:<{wide}}  waits at {w.step}{held}{until}")
    return text


def as_json(found: Timeline) -> dict[str, Any]:
    """Return the timeline in types that JSON has. Instants are ISO text with `Z`."""
    return {
        "customer": found.customer,
        "entries": [
            {
                "at": _iso(e.at),
                "kind": e.kind,
                "journey": e.journey,
                "passage": e.passage,
                "text": e.text,
                "details": {k: _plain(v) for k, v in e.details.items()},
            }
            for e in found.entries
        ],
        "waiting": [
            {
                "journey": w.journey,
                "passage": w.passage,
                "step": w.step,
                "until": _plain(w.until),
                "held": w.held,
                "gone_at": _plain(w.gone_at),
            }
            for w in found.waiting
        ],
    }


def _plain(value: Any) -> Any:
    return _iso(value) if isinstance(value, datetime) else value


def _iso(at: datetime) -> str:
    return at.isoformat() + "Z"
