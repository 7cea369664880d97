"""What older versions read of the data: it stays in the store while somebody stands on them (S31).

    passages on older versions --their programs--> names that they read --not in the newest--> kept

Kept are the last values. They are dropped with the version, when the table is made anew.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cij.compiler.expression import Consent, Field, Related
from cij.compiler.program import Journey, Message, Program, Topic, from_json
from cij.compiler.sql.unify import consent_name, customer_columns
from cij.compiler.walk import walk
from cij.runtime.engine import Engine
from cij.runtime.store import journeys, passages

_CONSENT = "consent."


@dataclass(frozen=True, slots=True)
class Reader:
    """An older version, how many people stand on it, and what it reads: columns of customers, and
    (entity, field)."""

    journey: str
    version: str
    people: int
    columns: frozenset[str]
    related: frozenset[tuple[str, str]]


def readers(engine: Engine, program: Program) -> list[Reader]:
    """Return the older versions on which somebody stands, with what they read."""
    newest = {(j.name, j.version) for j in program.journeys}
    people: dict[tuple[str, str], int] = {}
    for journey, version, _, count in engine.rows(passages.STANDING):
        if (journey, version) not in newest:
            people[journey, version] = people.get((journey, version), 0) + count
    found: list[Reader] = []
    for (text,) in engine.rows(journeys.PROGRAMS) if people else []:
        older = from_json(text)
        for journey in older.journeys:
            key = journey.name, journey.version
            if key in people:
                found.append(_reader(older, journey, people.pop(key)))
    return found


def _reader(program: Program, journey: Journey, people: int) -> Reader:
    columns: set[str] = set()
    related: set[tuple[str, str]] = set()
    # Segments and measures by name, and messages, belong to what it reads; all of them are taken.
    for part in (journey, *program.segments, *program.measures, *program.messages):
        for node in walk(part):
            columns |= set(_columns(node, program))
            if isinstance(node, Related):
                related.add((node.entity, node.name))
    return Reader(journey.name, journey.version, people, frozenset(columns), frozenset(related))


def _columns(node: object, program: Program) -> Iterator[str]:
    if isinstance(node, Field):
        yield node.name
    elif isinstance(node, Message):
        yield from (name.split(".")[0] for name in node.fields)
        yield from _consents(node.topic, None, program)
    elif isinstance(node, Consent):
        yield from _consents(node.topic, node.channel, program)


def _consents(topic: str, channel: str | None, program: Program) -> Iterator[str]:
    for each in program.topics:
        if each.name == topic:
            yield from (consent_name(topic, c) for c in each.channels if channel in (None, c))


def kept_of_customer(engine: Engine, program: Program) -> dict[str, str]:
    """Return the columns of `customer`, with their types, that only older versions read."""
    left = _left(engine, "customer", dict(customer_columns(program)))
    if not left:
        return {}
    needed = {name for reader in readers(engine, program) for name in reader.columns}
    return {name: type for name, type in left.items() if name in needed}


def kept_of_entity(
    engine: Engine, program: Program, entity: str, table: str, wanted: Mapping[str, str]
) -> dict[str, str]:
    """Return the columns of an entity's table, with their types, that only older versions read."""
    left = _left(engine, table, wanted)
    if not left:
        return {}
    needed = {
        field for reader in readers(engine, program) for of, field in reader.related if of == entity
    }
    return {name: type for name, type in left.items() if name in needed}


def _left(engine: Engine, table: str, wanted: Mapping[str, str]) -> dict[str, str]:
    there = engine.columns_of(table)
    return {name: type for name, type in there.items() if name not in wanted}


def with_kept_topics(engine: Engine, program: Program) -> Program:
    """Return the program with the topics, or their channels, that it has no more but that are kept."""
    known = dict(customer_columns(program))
    found: dict[str, list[str]] = {}
    for name in engine.columns_of("customer"):
        if name.startswith(_CONSENT) and name not in known:
            topic, _, channel = name.removeprefix(_CONSENT).rpartition(".")
            found.setdefault(topic, []).append(channel)
    place = program.profile.place
    kept = [
        Topic(name=name, purpose="", channels=tuple(channels), consent="opt_out", place=place)
        for name, channels in found.items()
    ]
    return program.model_copy(update={"topics": (*program.topics, *kept)})


def told(reader: Reader, gone: list[str]) -> str:
    """Return one line about what stays because an older version reads it."""
    people = f"{reader.people} {'person' if reader.people == 1 else 'people'}"
    names = ", ".join(f"`{name}`" for name in gone)
    return (
        f"{reader.journey}: {people} on version {reader.version[:8]} still "
        f"{'reads' if reader.people == 1 else 'read'} {names}, which the new version does not have: "
        "it stays with its last values until they have left"
    )


def gone_but_read(engine: Engine, program: Program) -> list[str]:
    """Return what `cij plan` says of fields, consents and relations that only older versions read."""
    columns = dict(customer_columns(program))
    fields = {(e.name, f.name) for e in program.entities for f in e.fields}
    found: list[str] = []
    for reader in readers(engine, program):
        gone = [name for name in sorted(reader.columns) if name not in columns]
        gone += [f"{entity}.{name}" for entity, name in sorted(reader.related - fields)]
        if gone:
            found.append(told(reader, gone))
    return found
