"""What older versions read of the data: it stays in the store while somebody stands on them (S31).

    passages on older versions --their programs--> names that they read --not in the newest--> kept

Kept are the last values. They are dropped with the version, when the table is made anew.
"""

from collections.abc import Iterable, Iterator, Mapping

from pydantic import BaseModel

from cij.compiler.expression import Consent, Field, Related
from cij.compiler.program import ConsentEffect, Message, Program, SetEffect, Topic, from_json
from cij.compiler.sql.unify import consent_name, customer_columns
from cij.compiler.walk import walk
from cij.runtime.engine import Engine, Row
from cij.runtime.store import journeys, passages
from cij.runtime.version_reads import VersionReads, lacking, offers

_CONSENT = "consent."


def readers(engine: Engine, program: Program) -> list[VersionReads]:
    """Return the older versions on which somebody stands, with what they read."""
    newest = {(j.name, j.version) for j in program.journeys}
    people = people_by_version(engine.rows(passages.STANDING))
    return reads_of(engine, {key: n for key, n in people.items() if key not in newest})


def people_by_version(rows: Iterable[Row]) -> dict[tuple[str, str], int]:
    """Return how many people stand on each version, of rows (journey, version, state, people …)."""
    found: dict[tuple[str, str], int] = {}
    for journey, version, _, count, *_ in rows:
        found[journey, version] = found.get((journey, version), 0) + count
    return found


def reads_of(engine: Engine, people: Mapping[tuple[str, str], int]) -> list[VersionReads]:
    """Return what versions read, of which the numbers of people are given."""
    left, found = dict(people), list[VersionReads]()
    for (text,) in engine.rows(journeys.PROGRAMS) if people else []:
        if not left:
            break
        older = from_json(text)
        here = [j for j in older.journeys if (j.name, j.version) in left]
        shared = (
            _names((*older.segments, *older.measures, *older.messages), older) if here else set()
        )
        for journey in here:
            count = left.pop((journey.name, journey.version))
            names = sorted(shared | _names((journey,), older))
            found.append(VersionReads(journey.name, journey.version, count, tuple(names)))
    return sorted(found, key=lambda reads: (reads.journey, reads.version))


def _names(parts: Iterable[BaseModel], program: Program) -> set[str]:
    """Return the columns of customers and the fields of entities that parts of a program read."""
    # Segments and measures by name, and messages, belong to what a journey reads; all of them are taken.
    found: set[str] = set()
    for part in parts:
        for node in walk(part):
            found |= set(_columns(node, program))
            if isinstance(node, Related):
                found.add(f"{node.entity}.{node.name}")
    return found


def _columns(node: object, program: Program) -> Iterator[str]:
    if isinstance(node, Field):
        yield node.name
    elif isinstance(node, Message):
        # A template also reads measures, parameters and the entering event, which are no columns.
        fields = {field.name for field in program.profile.fields}
        yield from fields & {name.split(".")[0] for name in node.fields}
        yield from _consents(node.topic, None, program)
    elif isinstance(node, SetEffect):
        yield node.field
    elif isinstance(node, ConsentEffect):
        for channel in node.channels:
            yield from _consents(node.topic, channel, program)
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
    needed = {name for reader in readers(engine, program) for name in reader.names}
    return {name: type for name, type in left.items() if name in needed}


def kept_of_entity(
    engine: Engine, program: Program, entity: str, table: str, wanted: Mapping[str, str]
) -> dict[str, str]:
    """Return the columns of an entity's table, with their types, that only older versions read."""
    left = _left(engine, table, wanted)
    if not left:
        return {}
    needed = {name for reader in readers(engine, program) for name in reader.names}
    return {name: type for name, type in left.items() if f"{entity}.{name}" in needed}


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


def gone_but_read(engine: Engine, program: Program) -> list[str]:
    """Return what `cij plan` says of fields, consents and relations that only older versions read."""
    return [*lacking(readers(engine, program), offers(program))]
