"""People who were forgotten stay forgotten: what comes in about them again is left out (S27).

    a record, or a row that refers to one   known by the mark of its key
    a record with another key               known by the mark of its address, and marked itself
    an event                                known by who is said to have done it

Without a forgotten person all of this costs one question that is cached.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from cij.compiler.program import Program, Source
from cij.compiler.sql import forgetting as statements
from cij.compiler.sql.load import table_of
from cij.runtime.engine import Engine
from cij.runtime.store import forgotten as stored, meta, schema

REASON = "the person was forgotten"


def mark_of(key: str, kind: str, *parts: str) -> str:
    """Return the mark of what identifies somebody, with the key of the store."""
    text = "\x1f".join([key, kind, *parts])
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def record_mark(key: str, source: str, record: str) -> str:
    """Return the mark of a record of a source."""
    return mark_of(key, statements.RECORD, source, record)


def address_mark(key: str, field: str, form: str) -> str:
    """Return the mark of the canonical form of an address."""
    return mark_of(key, statements.ADDRESS, field, form)


def id_mark(key: str, id: str) -> str:
    """Return the mark of the id of a customer."""
    return mark_of(key, statements.ID, id)


def is_anybody(engine: Engine) -> bool:
    """Tell whether somebody was forgotten."""
    return not engine.is_empty("forgotten")


def store_key(engine: Engine) -> str:
    """Return the key of the marks of a store; there is one as soon as somebody was forgotten."""
    found = meta.value(engine, stored.KEY)
    assert found is not None, "a store with marks has a key"
    return found


def known(engine: Engine, marks: Iterable[str]) -> set[str]:
    """Return which of the marks are those of somebody who was forgotten."""
    asked = {"marks": json.dumps(sorted(set(marks)))}
    return {mark for (mark,) in engine.rows(stored.KNOWN, asked)}


@dataclass(frozen=True, slots=True)
class Sieve:
    """Finds the rows of forgotten people in a source, before anything of them is written.

    `places` are (source of customers, column with the key of its records).
    """

    key: str
    marks: frozenset[str]
    places: tuple[tuple[str, str], ...]

    def has(self, key: str) -> bool:
        """Tell whether a text is the key of a forgotten person in one of the columns."""
        return any(record_mark(self.key, of, key) in self.marks for of, _ in self.places)

    def sift(self, engine: Engine, table: str) -> int:
        """Delete their rows from a table of a loader, and return how many they were."""
        engine.execute(schema.FORGOTTEN.ddl)
        engine.execute(stored.EMPTY)
        marks = sorted(self.marks)
        engine.append("forgotten", {"mark": marks})
        key = {"key": self.key}
        return sum(engine.execute(s, key) for s in statements.leave_out(table, self.places))


def sieve_of(engine: Engine, program: Program, source: Source) -> Sieve | None:
    """Return the sieve for a source; None where nobody was forgotten, or the source is about nobody."""
    places = statements.places_of(program, source)
    if not places or not is_anybody(engine):
        return None
    marks = frozenset(mark for mark, _ in engine.rows(stored.ALL))
    return Sieve(store_key(engine), marks, places)


def leave_out_records(engine: Engine, program: Program, now: datetime) -> int:
    """Delete records with an address of a forgotten person, and what refers to them.

    They have other keys than before, so they were written already: the state file is to be written anew.
    """
    if not is_anybody(engine):
        return 0
    key = {"key": store_key(engine), "now": now}
    new = sum(engine.execute(each, key) for each in statements.mark_records(program))
    if not new:
        return 0
    for statement in statements.LEAVE_OUT_RECORDS:
        engine.execute(statement, key)
    meta.put(engine, meta.REWRITE, "yes")
    return sum(
        engine.execute(statement, key)
        for source in program.sources
        if engine.columns_of(table_of(source.name))
        for statement in statements.leave_out(
            table_of(source.name), statements.places_of(program, source)
        )
    )


# --- who is forgotten -----------------------------------------------------------------------------


def add(engine: Engine, marks: Iterable[str], now: datetime) -> None:
    """Note that somebody with these marks is forgotten."""
    engine.execute(stored.ADD, {"marks": json.dumps(sorted(set(marks))), "now": now})


def allow(engine: Engine, marks: Iterable[str], addresses: Iterable[tuple[str, str]]) -> int:
    """Let somebody come back who was forgotten; return how many of the marks were known.

    `addresses` are (field, canonical form). What the suppression list holds of one is clear again.
    """
    key = store_key(engine)
    with engine.transaction():
        count = engine.execute(stored.REMOVE, {"marks": json.dumps(sorted(set(marks)))})
        for field, form in addresses:
            hidden = stored.HIDDEN + address_mark(key, field, form)
            for statement in stored.GIVE_BACK:
                engine.execute(statement, {"address": form, "hidden": hidden})
        if count:
            engine.execute(stored.READ_AGAIN)
    return count
