"""The rows of one person in the tables of sources, events and entities (S27).

They read scratch tables: `forget_customer(id)`, `forget_key(source, key)` and
`forget_text(text, is_sure)`, whose sure texts are addresses and ids.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from cij.compiler.program import Program
from cij.compiler.sql.columns import column, literal
from cij.compiler.sql.entities import KEY
from cij.compiler.sql.load import table_of
from cij.compiler.sql.template import Statement, fill, query

# The kinds of tables that a program makes, by how their names begin.
SOURCE, RECORD, EVENT, ENTITY = PREFIXES = ("source_", "record_", "event_", "entity_")
_TEXTS = frozenset(["VARCHAR", "TEXT", "CHARACTER VARYING"])
# Columns of events that hold nothing of what people say.
_OWN = frozenset(["customer", "message_key", "channel"])


@dataclass(frozen=True, slots=True)
class ProgramTable:
    """A table of a program, and how a person is found in it.

    A row is theirs where one of `own` holds, or where the column `key` has their address. In rows of others
    their address is removed from the columns `texts`.
    """

    name: str
    own: tuple[exp.Expr, ...]
    key: str | None
    texts: tuple[str, ...]

    @property
    def exports(self) -> tuple[Statement, ...]:
        """The queries for the rows of the person."""
        return tuple(
            query("SELECT * FROM {t} WHERE {own}", t=self.name, own=own) for own in self._theirs
        )

    @property
    def erasures(self) -> tuple[Statement, ...]:
        """The statements that empty the table of the person."""
        deleted = [
            query("DELETE FROM {t} WHERE {own}", t=self.name, own=own) for own in self._theirs
        ]
        removed = [_without_address(self.name, name) for name in self.texts]
        return (*deleted, *removed)

    @property
    def _theirs(self) -> tuple[exp.Expr, ...]:
        return (*self.own, _is_address(self.name, self.key)) if self.key else self.own


def program_table(program: Program, name: str, columns: Mapping[str, str]) -> ProgramTable | None:
    """Return the table with a name and columns; None where no program makes such a table."""
    prefix = next((p for p in PREFIXES if name.startswith(p)), None)
    if prefix is None:
        return None
    part = name.removeprefix(prefix)
    key = _key(program, prefix, part)
    texts = [c for c, type in columns.items() if type in _TEXTS and c not in {*_OWN, key}]
    return ProgramTable(
        name,
        tuple(_own(program, prefix, part, name, columns)),
        key if key in columns else None,
        tuple(texts),
    )


def put_aside(program: Program) -> tuple[Statement, ...]:
    """Return the statements that delete the person's bad rows, by the text of the key in them."""
    return tuple(
        query(
            "DELETE FROM quarantine WHERE quarantine.source = {source} AND EXISTS("
            "SELECT 1 FROM forget_key AS f WHERE f.source = {of} AND STRPOS("
            "CONCAT(', ', quarantine.content, ', '), CONCAT(', ', {name}, '=', f.key, ', ')) > 0)",
            source=literal(source.name),
            of=literal(of),
            name=literal(name),
        )
        for source in program.sources
        for of, name in _references(program, source.name)
    )


def is_of_unknown_source(program: Program, name: str) -> bool:
    """Tell whether a table is of a source that the program has no more: whose rows it has is unknown."""
    known = {s.name for s in program.sources}
    prefix = next((p for p in (SOURCE, RECORD) if name.startswith(p)), None)
    return prefix is not None and name.removeprefix(prefix) not in known


def _key(program: Program, prefix: str, part: str) -> str | None:
    if prefix == ENTITY:
        return KEY
    return next((s.key for s in program.sources if s.name == part and prefix != EVENT), None)


def _own(
    program: Program, prefix: str, part: str, table: str, columns: Mapping[str, str]
) -> list[exp.Expr]:
    if prefix == EVENT:
        mine = "{c} IN (SELECT f.id FROM forget_customer AS f)"
        return [fill(mine, c=column(table, "customer"))]
    if prefix == ENTITY:
        return _rows_of_entity(program, part, table)
    return [_refers(table, of, c) for of, c in _references(program, part) if c in columns]


def _rows_of_entity(program: Program, part: str, table: str) -> list[exp.Expr]:
    """Return the condition for rows that are made of the person's rows of a source."""
    found = []
    for entity in program.entities:
        source = next(s for s in program.sources if s.name == entity.source)
        for of, name in _references(program, source.name) if entity.name == part else ():
            keys = fill(
                "SELECT CAST({key} AS VARCHAR) FROM {t} AS s WHERE {theirs}",
                key=column("s", source.key),
                t=table_of(source.name),
                theirs=_refers("s", of, name),
            )
            found.append(fill("{key} IN ({keys})", key=column(table, KEY), keys=keys))
    return found


def _references(program: Program, source: str) -> list[tuple[str, str]]:
    """Return (source of customers, column with the key of its records) for a source."""
    keys = {s.name: s.key for s in program.sources}
    found = {(m.source, keys[m.source]) for m in program.profile.mappings if m.source == source}
    events = (e for e in program.events if e.source == source)
    return sorted(found | {(e.customer.source, e.customer.column) for e in events if e.customer})


def _refers(table: str, of: str, name: str) -> exp.Expr:
    return fill(
        "CAST({c} AS VARCHAR) IN (SELECT f.key FROM forget_key AS f WHERE f.source = {of})",
        c=column(table, name),
        of=literal(of),
    )


def _is_address(table: str, name: str) -> exp.Expr:
    return fill(
        "LOWER(CAST({c} AS VARCHAR)) IN (SELECT LOWER(f.text) FROM forget_text AS f WHERE f.is_sure)",
        c=column(table, name),
    )


def _without_address(table: str, name: str) -> Statement:
    tree = fill("UPDATE {t} SET id = NULL WHERE {theirs}", t=table, theirs=_is_address(table, name))
    tree.args["expressions"][0].set("this", exp.column(exp.to_identifier(name, quoted=True)))
    return Statement(tree)
