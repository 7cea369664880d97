"""Empties the tables of a store of one person, and reads what they hold of them (S27)."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from cij.compiler.program import Program
from cij.compiler.sql import forgetting as statements, query
from cij.compiler.sql.erasing import ProgramTable, is_of_unknown_source, program_table, put_aside
from cij.compiler.sql.row_locator import HINTS
from cij.runtime import forgotten
from cij.runtime.engine import Engine
from cij.runtime.forgetting.identifying import Person, identify
from cij.runtime.forgetting.tables import COLUMNS_OF_STORE, PLACES, TABLES_OF_STORE, Place
from cij.runtime.store import forgotten as stored, meta, suppression

_REASON = "of a person who was forgotten"


def erase(
    engine: Engine, program: Program, person: Person, fresh_key: str, now: datetime
) -> dict[str, int]:
    """Empty all tables of a person and return the number of rows by table, where there were some.

    The scratch tables have to be filled (`identify`). `fresh_key` becomes the key of the marks where the store has none.
    """
    found: dict[str, int] = {}
    with engine.transaction():
        key = _key(engine, fresh_key)
        _hide_suppressions(engine, person, key)
        for name in _unknown(engine, program):
            engine.execute(query("DROP TABLE {t}", t=name))
            engine.execute(
                query("DELETE FROM loaded_source WHERE loaded_source.source = $source"),
                {"source": name.partition("_")[2]},
            )
        for table in program_tables(engine, program):
            found[table.name] = sum(engine.execute(each) for each in table.erasures)
        for place in places(engine):
            found[place.table] = engine.execute(place.erase)
        found["quarantine"] += sum(engine.execute(each) for each in put_aside(program))
        forgotten.add(engine, marks_of(person, key), now)
    return {name: count for name, count in found.items() if count}


def marks_of(person: Person, key: str) -> list[str]:
    """Return the marks of all that identifies a person."""
    marks = {forgotten.id_mark(key, id) for id in person.ids}
    marks |= {forgotten.record_mark(key, *record) for record in person.keys}
    return sorted(marks | {forgotten.address_mark(key, *each) for each in person.addresses})


def export(engine: Engine, program: Program) -> dict[str, list[dict[str, Any]]]:
    """Return all rows of a person by table or view, in the columns that people read."""
    found: dict[str, list[dict[str, Any]]] = {}
    columns = columns_by_table(engine)
    for table in program_tables(engine, program):
        for statement in table.exports:
            rows = _named(columns[table.name], engine.rows(statement))
            known = found.setdefault(table.name, [])
            known += [row for row in rows if row not in known]
    for place in places(engine):
        name = place.shown[0] or place.table
        found[name] = _named(columns[name], engine.rows(place.export))
    return {name: rows for name, rows in found.items() if rows}


def program_tables(engine: Engine, program: Program) -> Iterator[ProgramTable]:
    """Yield the tables that the program made in a store. The ones of entities come first, as they are
    found by those of sources."""
    columns = columns_by_table(engine)
    for (name,) in engine.rows(TABLES_OF_STORE):
        table = program_table(program, name, columns[name])
        if table is not None and not is_of_unknown_source(program, name):
            yield table


def columns_by_table(engine: Engine) -> dict[str, dict[str, str]]:
    """Return the types of the columns of all tables and views, in order. One query is enough for all."""
    found: dict[str, dict[str, str]] = {}
    for table, column, type in engine.rows(COLUMNS_OF_STORE):
        found.setdefault(table, {})[column] = type
    return found


def places(engine: Engine) -> Iterator[Place]:
    """Yield the tables of the store that may hold something of a person."""
    there = {name for (name,) in engine.rows(TABLES_OF_STORE)}
    yield from (place for place in PLACES if place.where and place.table in there)


def _unknown(engine: Engine, program: Program) -> list[str]:
    names = [name for (name,) in engine.rows(TABLES_OF_STORE)]
    return [name for name in names if is_of_unknown_source(program, name)]


def _named(names: Iterable[str], rows: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    # How an engine finds a row is nothing that is kept of the person.
    return [
        {name: value for name, value in zip(names, row, strict=True) if name not in HINTS}
        for row in rows
    ]


def _key(engine: Engine, fresh: str) -> str:
    if meta.value(engine, stored.KEY) is None:
        meta.put(engine, stored.KEY, fresh)
    return forgotten.store_key(engine)


def _hide_suppressions(engine: Engine, person: Person, key: str) -> None:
    """Keep entries of the suppression list under the marks of the person's addresses."""
    hidden = {
        form: stored.HIDDEN + forgotten.address_mark(key, f, form) for f, form in person.addresses
    }
    entries = [
        (channel, address, at)
        for channel, address, customer, _, at in engine.rows(suppression.ROWS)
        if address in hidden or customer in person.ids
    ]
    for channel, address, at in entries:
        # An entry for the customer holds for all of their addresses.
        for form in [address] if address in hidden else hidden:
            values = {"channel": channel, "address": hidden[form], "customer": None}
            engine.execute(suppression.ADD, {**values, "reason": _REASON, "now": at})


def erase_marked(engine: Engine, program: Program, now: datetime) -> int:
    """Erase all people that the marks of a store name, as after a backup was restored; return how many."""
    if not forgotten.is_anybody(engine):
        return 0
    key = forgotten.store_key(engine)
    ids = [id for (id,) in engine.rows(statements.MARKED, {"key": key}) if id]
    for id in ids:
        erase(engine, program, identify(engine, program, [id], id), key, now)
    return len(ids)
