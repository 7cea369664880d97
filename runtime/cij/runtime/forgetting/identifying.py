"""Finds the customer, the records and the texts of a person to forget or to export (S27)."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cij.compiler.addresses import canonical, told_address
from cij.compiler.personal import names_a_person
from cij.compiler.program import Program
from cij.compiler.sql import canonical_addresses, newcomers, unify as unify_statements
from cij.runtime.engine import Engine
from cij.runtime.forgetting.tables import SCRATCH, TABLES_OF_STORE
from cij.runtime.intake import is_id
from cij.runtime.store import of_person as stored

# Shorter names are in too many texts that are about somebody else.
_NAME_CHARS_MIN = 4


@dataclass(slots=True)
class Person:
    """What identifies one person. `addresses` are (field, canonical form) that nobody else has.

    `texts` are all forms of these addresses, and the ids. `names` are values of fields that name people.
    `shared` are addresses of theirs that somebody else has too.
    """

    ids: list[str] = field(default_factory=list)
    keys: list[tuple[str, str]] = field(default_factory=list)
    addresses: list[tuple[str, str]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    shared: list[str] = field(default_factory=list)

    @property
    def is_known(self) -> bool:
        """Tell whether anything identifies them."""
        return bool(self.ids or self.keys or self.addresses)


def identify(engine: Engine, program: Program, ids: list[str], told: str) -> Person:
    """Return the person with these ids or this text, and fill the scratch tables with what is theirs.

    A text may name somebody who is no customer: by an address, or by the key of a record.
    """
    for statement in SCRATCH:
        engine.execute(statement)
    person = Person(_with_aliases(engine, ids))
    person.keys = _keys(engine, program, person, told)
    written = _written(engine, program, person, told)
    _sort_addresses(engine, program, person, written)
    person.texts = sorted({*person.texts, *person.ids})
    _fill(engine, person)
    return person


def _with_aliases(engine: Engine, ids: list[str]) -> list[str]:
    older = engine.rows(stored.ALIASES, {"ids": json.dumps(ids)})
    return sorted({*ids, *(alias for (alias,) in older)})


def _keys(engine: Engine, program: Program, person: Person, told: str) -> list[tuple[str, str]]:
    found = {(s, k) for s, k in engine.rows(stored.KEYS, {"ids": json.dumps(person.ids)})}
    source, separator, key = told.strip().partition(":")
    if separator and key and source in {m.source for m in program.profile.mappings}:
        found.add((source, key))
    return sorted(found)


# --- addresses ----------------------------------------------------------------------------------


def _written(engine: Engine, program: Program, person: Person, told: str) -> dict[str, set[str]]:
    """Return all texts of each field that identifies or names people: of records, of now, and as sent."""
    fields = [f.name for f in program.profile.fields if f.type.kind == "text"]
    asked = {*canonical_addresses.fields_of(program), *(f for f in fields if names_a_person(f))}
    found: dict[str, set[str]] = {name: set() for name in fields if name in asked}
    ids = {"ids": json.dumps(person.ids)}
    for name in found:
        rows = engine.rows(stored.values(name), ids)
        found[name] |= {text for (text,) in rows if text}
        found[name] |= {text for (text,) in engine.rows(stored.WRITES, {**ids, "field": name})}
    for name, text in _of_records(engine, program, person, tuple(found)):
        found[name].add(text)
    for (text,) in engine.rows(stored.SENT_TO, ids):
        for name in canonical_addresses.fields_of(program):
            if told_address(name, text, program.region):
                found[name].add(text)
    for name in canonical_addresses.fields_of(program):
        if not is_id(told) and told_address(name, told, program.region):
            found[name].add(told.strip())
    return found


def _of_records(
    engine: Engine, program: Program, person: Person, fields: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    """Yield (field, text) of all records of the person, as their sources have them."""
    there = {name for (name,) in engine.rows(TABLES_OF_STORE)}
    if any(f"source_{m.source}" not in there for m in program.profile.mappings):
        return
    with engine.transaction():
        engine.execute(unify_statements.records(program))
        place = {f.name: f"f{i}" for i, f in enumerate(program.profile.fields)}
        keys = json.dumps([f"{s}:{k}" for s, k in person.keys])
        for name in fields:
            rows = engine.rows(stored.of_records(place[name]), {"keys": keys})
            yield from ((name, text) for (text,) in rows if text)
        for statement in unify_statements.CLEAR:
            engine.execute(statement)


def _sort_addresses(
    engine: Engine, program: Program, person: Person, written: dict[str, set[str]]
) -> None:
    """Take the addresses that are only theirs; note the others, which must not be taken from anybody."""
    typed = canonical_addresses.fields_of(program)
    for name, texts in written.items():
        if name not in typed:
            person.names += sorted(t for t in texts if len(t) >= _NAME_CHARS_MIN)
            continue
        for form, forms in sorted(_by_form(program, name, texts).items()):
            asked = {"addresses": json.dumps([form])}
            holders = {id for _, id in engine.rows(canonical_addresses.holders(name), asked)}
            if holders - set(person.ids):
                person.shared.append(form)
            else:
                person.addresses.append((name, form))
                person.texts += sorted(forms)
                person.keys = sorted({*person.keys, (newcomers.SOURCE, form)})


def _by_form(program: Program, name: str, texts: Iterable[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for text in texts:
        form = canonical(name, text, program.region)
        found.setdefault(form, {form}).add(text)
    return found


# --- the scratch tables ---------------------------------------------------------------------------


def _fill(engine: Engine, person: Person) -> None:
    engine.append("forget_customer", {"id": person.ids})
    engine.append(
        "forget_key",
        {"source": [s for s, _ in person.keys], "key": [k for _, k in person.keys]},
    )
    named = [f"{s}:{k}" for s, k in person.keys if not s.startswith(":")]
    sure, names = sorted({*person.texts, *named}), sorted(set(person.names))
    engine.append(
        "forget_text",
        {"text": sure + names, "is_sure": [True] * len(sure) + [False] * len(names)},
    )
    engine.execute(stored.PASSAGES)
    for (name,) in engine.rows(TABLES_OF_STORE):
        if name.startswith("event_"):
            engine.execute(stored.events(name))
