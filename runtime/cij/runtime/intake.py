"""Taking in single events, as the command line or the inbox gives them.

    {"event": "purchase", "customer": "shop:17", "at": "2026-03-02T10:00:00Z", "id": "o-1",
     "fields": {"amount": 12.5}}

Fields may also stand at the top. `customer` is an id, an old id, `source:key` or an address; of an
address or a key that nobody has, a new customer is made (S6). Without `at` the
event happens now; a time without an offset is local to the project, a datetime without a zone is
UTC. An interaction may have `message_key` and `channel`. An event that was taken in before, by its
id, is not taken in again; without an id the place it comes from, or what it says, makes one.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cij.compiler.addresses import told_address
from cij.compiler.program import Event, Program, Topic
from cij.compiler.sql import (
    Statement,
    canonical_addresses as canonical_statements,
    intake as statements,
    newcomers,
    unify as unify_statements,
)
from cij.compiler.types import DATETIME
from cij.runtime import (
    canonical_addresses,
    consent,
    forgotten,
    interactions,
    measured,
    older_versions,
    suppression,
)
from cij.runtime.engine import Engine, Row
from cij.runtime.errors import storable
from cij.runtime.event_values import Unfit, read_value
from cij.runtime.store import customers, deliveries
from cij.runtime.store.counters import counters, set_last_event

QUARANTINE = "intake"

_RESERVED = {"event", "id", "customer", "at", "message_key", "channel", "fields", "file", "line"}
# As the unification makes ids, and `_new_id`.
_ID = re.compile(r"c[0-9a-f]{15}")

RawEvent = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """An event that went to quarantine."""

    row: RawEvent
    reason: str


@dataclass(frozen=True, slots=True)
class TakenIn:
    """`known` is the number of events that were there already, `created` that of new customers."""

    accepted: int
    known: int
    refused: tuple[Refused, ...]
    created: int = 0


@dataclass(frozen=True, slots=True)
class _Newcomer:
    """Somebody of whom only an event is known: by an address, or by the key of a record to come."""

    key: str
    id: str
    field: str | None = None
    value: str | None = None
    of_source: str | None = None
    of_key: str | None = None


@dataclass(slots=True)
class _Accepted:
    """An event that fits its definition; `fields` holds all of them, None where missing."""

    event: Event
    id: str
    customer: str
    newcomer: "_Newcomer | None"
    at: datetime
    message_key: str | None
    channel: str | None
    fields: dict[str, object]


@dataclass(slots=True)
class _Intake:
    """One batch."""

    program: Program
    now: datetime
    customers: dict[str, str]
    # Texts that are an address of several customers, with these.
    shared: Mapping[str, list[str]] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    # Texts that name somebody who was forgotten.
    forgotten: frozenset[str] = frozenset()
    topics: tuple[Topic, ...] = ()


def take_in(engine: Engine, program: Program, rows: Sequence[RawEvent], now: datetime) -> TakenIn:
    """Append the events that fit, in the order of their times; the others go to quarantine."""
    events = {e.name: e for e in program.events}
    batch = _Intake(program, now, *_customers(engine, program, rows), events)
    batch.forgotten = _forgotten(engine, program, rows, batch)
    batch.topics = _topics(engine, program, rows)
    accepted: list[_Accepted] = []
    refused: list[Refused] = []
    for row in measured.allowed(engine, rows, batch.customers):
        if isinstance(who := row.get("customer"), str) and who in batch.forgotten:
            # Nothing of what it says is kept.
            refused.append(Refused({"event": row.get("event")}, forgotten.REASON))
            continue
        try:
            accepted += _accept_all(row, batch)
        except Unfit as error:
            refused.append(Refused(row, str(error)))
    with engine.transaction():
        fresh = _without_known(engine, accepted)
        created = _create(engine, program, fresh, now)
        first = next_seq(engine)
        _append(engine, fresh, now)
        suppression.after_events(engine, program, {r.event.name for r in fresh}, first, now)
        new = {id(row) for row in fresh}
        # In the order in which they came: `fresh` is in that of their times.
        arrived = [row for row in accepted if id(row) in new]
        _change_consents(engine, program, arrived, batch.topics, now)
        _quarantine(engine, refused, now)
    return TakenIn(len(fresh), len(accepted) - len(fresh), tuple(refused), created)


def faults(rows: Mapping[int, RawEvent], program: Program, now: datetime) -> dict[int, str]:
    """Return why rows are no events of the program, whoever did them, by the number of the row."""
    events = {e.name: e for e in program.events}
    batch, found = _Intake(program, now, {}, events=events, topics=program.topics), {}
    for number, row in rows.items():
        who = row.get("customer")
        # Only the store knows which ids exist. For other texts the text is enough.
        is_known = isinstance(who, str) and is_id(who)
        batch.customers = {str(who): ""} if is_known else {}
        try:
            accepted = _accept(row, batch)
            if accepted.event.is_interaction:
                topic = accepted.fields.get("topic")
                given = row.get("channel")
                interactions.require_names(given, topic, program.topics)
        except Unfit as error:
            found[number] = str(error)
    return found


def may_be_made(who: str, program: Program) -> bool:
    """Tell whether an event of `who` can make a customer: it is an address, or the key of a record."""
    return _told(who, program) is not None


def is_id(text: str) -> bool:
    """Tell whether a text has the form of the id of a customer."""
    return _ID.fullmatch(text) is not None


def put_event_aside(engine: Engine, row: RawEvent, reason: str, now: datetime) -> Refused:
    """Put a row aside that could not be taken in, for whatever reason."""
    refused = Refused(row, reason)
    with engine.transaction():
        _quarantine(engine, [refused], now)
    return refused


def next_seq(engine: Engine) -> int:
    """Return the number of the next event."""
    return counters(engine)["event"] + 1


# --- one event --------------------------------------------------------------------------------


def _accept_all(row: RawEvent, batch: _Intake) -> list[_Accepted]:
    """Return the event of a row, or one for each customer whose address it is against."""
    who = row.get("customer")
    if row.get("event") not in interactions.AGAINST_ADDRESS or not isinstance(who, str):
        return [_accept(row, batch)]
    everybody = batch.shared.get(who, [])
    named = ({**row, "customer": one, "id": f"{_id(row, batch.now)} {one}"} for one in everybody)
    return [_accept(each, batch) for each in named] if everybody else [_accept(row, batch)]


def _accept(row: RawEvent, batch: _Intake) -> _Accepted:
    event = batch.events.get(str(row.get("event")))
    if event is None:
        raise Unfit(_no_event(row))
    who = row.get("customer")
    if not isinstance(who, str) or not who:
        raise Unfit("the customer is missing")
    if who in batch.shared:
        raise Unfit(f'several customers have the address "{who}"; name one of them by their id')
    newcomer = None if who in batch.customers else _newcomer(who, batch.program)
    fields = _fields(row, event, batch.program)
    if event.name in interactions.CONSENT:
        interactions.topic_of(event.name, fields.get("topic"), batch.topics)
    return _Accepted(
        event=event,
        id=_id(row, batch.now),
        customer=newcomer.id if newcomer else batch.customers[who],
        newcomer=newcomer,
        at=_at(row, batch),
        message_key=_text(row, "message_key", event),
        channel=interactions.channel_of(event.name, _text(row, "channel", event)),
        fields=fields,
    )


def _no_event(row: RawEvent) -> str:
    if row.get("event") is not None:
        return f"there is no event {row['event']}"
    is_text = isinstance(row.get("raw"), str)
    return "the line is not one JSON object" if is_text else "the name of the event is missing"


def _newcomer(who: str, program: Program) -> _Newcomer:
    found = _told(who, program)
    if found is None:
        raise Unfit(f'there is no customer "{who}"')
    return found


def _told(who: str, program: Program) -> _Newcomer | None:
    """Return who somebody is said to be, where that is enough to make a customer of."""
    text = unicodedata.normalize("NFC", who.strip())
    source, separator, key = text.partition(":")
    if separator and key and source in {m.source for m in program.profile.mappings}:
        return _Newcomer(text, _new_id(text), of_source=source, of_key=key)
    for name, address in _told_addresses(text, program):
        return _Newcomer(address, _new_id(address), field=name, value=text)
    return None


def _told_addresses(text: str, program: Program) -> Iterator[tuple[str, str]]:
    """Yield each field whose address `text` can be, with its canonical form (S29)."""
    for name in canonical_statements.fields_of(program):
        address = told_address(name, text, program.region)
        if address is not None:
            yield name, address


def _new_id(key: str) -> str:
    # As the unification makes ids of records.
    return "c" + hashlib.md5(f"{newcomers.SOURCE}\x1f{key}".encode()).hexdigest()[:15]


def _id(row: RawEvent, now: datetime) -> str:
    if row.get("event") in deliveries.NOTES and row.get("message_key"):
        # A message is delivered once: the outbox has noted it, and the provider may report it again.
        return str(row["message_key"])
    if row.get("id") not in (None, ""):
        return str(row["id"])
    said = dict(row)
    if "file" not in row and "at" not in row:
        said["at"] = now
    text = json.dumps(said, sort_keys=True, ensure_ascii=False, default=str)
    return "e" + hashlib.sha256(text.encode()).hexdigest()[:31]


def _at(row: RawEvent, batch: _Intake) -> datetime:
    found = row.get("at")
    if found is None:
        return batch.now
    if isinstance(found, datetime):
        return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
    at = read_value("at", DATETIME, found, batch.program.timezone)
    # An empty text is a missing value, as in every field.
    return at if isinstance(at, datetime) else batch.now


def _text(row: RawEvent, name: str, event: Event) -> str | None:
    found = row.get(name)
    if found is None:
        return None
    if not event.is_interaction:
        raise Unfit(f"event {event.name} has no {name}: it is not an interaction with a message")
    return str(found)


def _fields(row: RawEvent, event: Event, program: Program) -> dict[str, object]:
    inner = row.get("fields") or {}
    if not isinstance(inner, Mapping):
        raise Unfit("`fields` is not a table of names and values")
    given = {name: v for name, v in row.items() if name not in _RESERVED} | dict(inner)
    types = {f.name: f.type for f in event.fields}
    for name in given:
        if name not in types:
            raise Unfit(f"event {event.name} has no field {name}; it has {', '.join(types)}")
    return {
        name: read_value(f"field {name}", type, given.get(name), program.timezone)
        for name, type in types.items()
    }


# --- a batch ----------------------------------------------------------------------------------


def _customers(
    engine: Engine, program: Program, rows: Sequence[RawEvent]
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return the customer of each text, and the customers of each text that several of them have as an
    address."""
    who = sorted({w for row in rows if isinstance(w := row.get("customer"), str)})
    known = {id: id for (id,) in _ids(engine, who)}
    found = _listed(engine, statements.WHO, [name for name in who if name not in known])
    known |= {name: customer for name, customer in found if customer is not None}
    holders = _holders(engine, program, [name for name in who if name not in known])
    known |= {name: ids[0] for name, ids in holders.items() if len(ids) == 1}
    keys = {name: n.key for name in who if name not in known and (n := _told(name, program))}
    there: dict[str, str] = (
        dict(engine.rows(newcomers.KNOWN, {"keys": json.dumps([*keys.values()])})) if keys else {}
    )
    known |= {name: there[key] for name, key in keys.items() if key in there}
    shared = {name: ids for name, ids in holders.items() if name not in known}
    return known | {id: id for ids in shared.values() for id in ids}, shared


def _forgotten(
    engine: Engine, program: Program, rows: Sequence[RawEvent], batch: _Intake
) -> frozenset[str]:
    """Return the texts of those who are no customers because they were forgotten (S27)."""
    if not forgotten.is_anybody(engine):
        return frozenset()
    there = batch.customers.keys() | batch.shared.keys()
    who = {w for row in rows if isinstance(w := row.get("customer"), str)} - there
    key = forgotten.store_key(engine)
    marks = {text: marks_of(key, text, program) for text in who}
    known = forgotten.known(engine, (mark for each in marks.values() for mark in each))
    return frozenset(text for text, each in marks.items() if not known.isdisjoint(each))


def marks_of(key: str, who: str, program: Program) -> set[str]:
    """Return the marks of all that a text may name: an id, the key of a record, an address."""
    text = unicodedata.normalize("NFC", who.strip())
    source, _, record = text.partition(":")
    found = {forgotten.id_mark(key, text), forgotten.record_mark(key, source, record)}
    told = _told_addresses(text, program)
    return found | {forgotten.address_mark(key, name, form) for name, form in told}


def _holders(engine: Engine, program: Program, texts: list[str]) -> dict[str, list[str]]:
    """Return the customers who have an address, by the text that names it: all of them."""
    asked: dict[str, dict[str, list[str]]] = {}
    for text in texts:
        for name, address in _told_addresses(text, program):
            asked.setdefault(name, {}).setdefault(address, []).append(text)
    found: dict[str, list[str]] = {}
    for name, by_address in asked.items():
        parameters = {"addresses": json.dumps([*by_address])}
        for address, id in engine.rows(canonical_statements.holders(name), parameters):
            for text in by_address[address]:
                found.setdefault(text, []).append(id)
    return found


def _ids(engine: Engine, who: list[str]) -> list[Row]:
    if len(who) == 1:
        return engine.rows(customers.ID, {"who": who[0]})
    return _listed(engine, customers.IDS, who)


def _listed(engine: Engine, statement: Statement, who: list[str]) -> list[Row]:
    return engine.rows(statement, {"who": json.dumps(who)}) if who else []


def _create(engine: Engine, program: Program, fresh: list[_Accepted], now: datetime) -> int:
    """Make customers of those whom nobody knows yet (S6)."""
    found = {row.newcomer.key: row.newcomer for row in fresh if row.newcomer}
    if not found:
        return 0
    engine.execute(newcomers.ARRIVING)
    names = ("key", "id", "field", "value", "of_source", "of_key")
    columns = {name: [getattr(n, name) for n in found.values()] for name in names}
    engine.append("arriving_newcomer", columns)
    for place in {n.field for n in found.values() if n.field}:
        written = (n.value for n in found.values() if n.field == place and n.value)
        canonical_addresses.keep(engine, program, place, written)
    for statement in newcomers.REMEMBER:
        engine.execute(statement, {"now": now})
    columns_of = unify_statements.consent_columns(program)
    consents = [(unify_statements.consent_name(t, c), default) for t, c, default in columns_of]
    engine.execute(newcomers.insert_customers(program, consents))
    engine.execute(newcomers.CLEAR)
    return len(found)


def _without_known(engine: Engine, accepted: list[_Accepted]) -> list[_Accepted]:
    """Leave out what the tables have, and all but the first of equal ids."""
    first: dict[tuple[str, str], _Accepted] = {}
    for row in accepted:
        first.setdefault((row.event.name, row.id), row)
    for event in {row.event.name: row.event for row in accepted}.values():
        ids = [id for name, id in first if name == event.name]
        for (id,) in _known(engine, event, ids):
            del first[event.name, id]
    return sorted(first.values(), key=lambda row: (row.at, row.id))


def _known(engine: Engine, event: Event, ids: list[str]) -> list[Row]:
    if engine.is_empty(statements.event_table(event)):
        return []
    if len(ids) == 1:
        return engine.rows(statements.is_known(event), {"id": ids[0]})
    return engine.rows(statements.known(event), {"ids": json.dumps(ids)})


def _append(engine: Engine, fresh: list[_Accepted], now: datetime) -> None:
    if not fresh:
        return
    start = next_seq(engine)
    numbered = list(enumerate(fresh, start))
    for event in {row.event.name: row.event for row in fresh}.values():
        rows = [(seq, row) for seq, row in numbered if row.event is event]
        engine.append(statements.event_table(event), _columns(event, rows, now))
    set_last_event(engine, start + len(fresh) - 1)


def _columns(
    event: Event, rows: list[tuple[int, _Accepted]], now: datetime
) -> dict[str, list[object]]:
    columns: dict[str, list[object]] = {
        "seq": [seq for seq, _ in rows],
        "id": [row.id for _, row in rows],
        "customer": [row.customer for _, row in rows],
        "at": [row.at for _, row in rows],
        "arrived_at": [now] * len(rows),
    }
    if event.is_interaction:
        columns["message_key"] = [row.message_key for _, row in rows]
        columns["channel"] = [row.channel for _, row in rows]
    for f in event.fields:
        columns.setdefault(f.name, [row.fields[f.name] for _, row in rows])
    return columns


def _quarantine(engine: Engine, refused: list[Refused], now: datetime) -> None:
    if not refused:
        return
    hidden = ("file", "line")
    contents = [{k: v for k, v in r.row.items() if k not in hidden} for r in refused]
    columns: dict[str, list[object]] = {
        "source": [QUARANTINE] * len(refused),
        "file": [r.row.get("file") for r in refused],
        "line": [r.row.get("line") for r in refused],
        "reason": [storable(r.reason) for r in refused],
        "content": [storable(json.dumps(c, ensure_ascii=False, default=str)) for c in contents],
        "loaded_at": [now] * len(refused),
    }
    engine.append("quarantine", columns)


# --- consent ----------------------------------------------------------------------------------


def _topics(engine: Engine, program: Program, rows: Sequence[RawEvent]) -> tuple[Topic, ...]:
    """Return the topics that consent may be about, where some event is about consent."""
    if not any(row.get("event") in interactions.CONSENT for row in rows):
        return program.topics
    # Somebody on an older version may still be sent messages of a topic that is gone (S31).
    return older_versions.with_kept_topics(engine, program).topics


def _change_consents(
    engine: Engine,
    program: Program,
    arrived: Sequence[_Accepted],
    topics: tuple[Topic, ...],
    now: datetime,
) -> None:
    """Change what interactions say about consent (S20)."""
    rows = [r for r in arrived if r.event.is_interaction and r.event.name in interactions.CONSENT]
    if rows:
        known = program.model_copy(update={"topics": topics})
        consent.change(engine, known, [c for row in rows for c in _changes(row, topics)], now)


def _changes(row: _Accepted, topics: tuple[Topic, ...]) -> Iterator[consent.Change]:
    topic = interactions.topic_of(row.event.name, row.fields.get("topic"), topics)
    return interactions.changes(row.event.name, row.customer, topic, row.channel, row.at, topics)
