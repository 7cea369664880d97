"""Unifying: statements in their order, and the loops that run until nothing changes (S26).

All within the caller's transaction. No loop is over rows.
"""

from dataclasses import dataclass
from datetime import datetime

from cij.compiler.program import Program
from cij.compiler.sql import identity, kept_columns, matching, unify as statements
from cij.runtime import absence, canonical_addresses, forgotten, older_versions, zones
from cij.runtime.engine import Engine

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A value that so many records have that it joins nobody (S26)."""

    match: str
    values: tuple[str, ...]
    records: int
    at_most: int

    def line(self) -> str:
        """Return one sentence about it."""
        value = ", ".join(self.values)
        return (
            f"match {self.match}: {self.records:,} records have {value}, more than the {self.at_most} of "
            "`at_most`, so it joins nobody"
        )


@dataclass(frozen=True, slots=True)
class Unified:
    """`merged` are (id that is now an alias, surviving id); `split` are (old id, id of a part).

    `absent` counts who was in a source before and is in none now, and `left_out` rows of people who were
    forgotten.
    """

    profiles: int
    merged: Pairs = ()
    split: Pairs = ()
    absent: int = 0
    placeholders: tuple[Placeholder, ...] = ()
    is_anew: bool = False
    left_out: int = 0


def unify(engine: Engine, program: Program, now: datetime) -> Unified:
    """Rebuild `customer` from the sources. Ids stay; merged ones become aliases."""
    if not program.profile.mappings:
        return Unified(_count(engine))
    engine.execute(statements.records(program))
    canonical_addresses.keep_all(engine, program)
    left_out = forgotten.leave_out_records(engine, program, now)
    _cluster(engine, program)
    too_many = _placeholders(engine, program)
    merged, split = _identify(engine)
    _write_merged(engine, merged, now)
    for whole, part in split:
        engine.execute(identity.COPY_REFUSALS, {"whole": whole, "part": part})
    if merged:
        engine.execute(identity.follow("consent_change"))
        engine.execute(identity.follow("consent_ahead"))
        engine.execute(identity.follow("field_write"))
    _write_customers(engine, program)
    absent = absence.note(engine, now)
    for statement in statements.CLEAR:
        engine.execute(statement)
    return Unified(_count(engine), merged, split, absent, too_many, True, left_out)


def _placeholders(engine: Engine, program: Program) -> tuple[Placeholder, ...]:
    return tuple(
        Placeholder(match.name, tuple(values), records, match.at_most)
        for match, statement in matching.placeholders(program.profile)
        for records, *values in engine.rows(statement)
    )


def _cluster(engine: Engine, program: Program) -> None:
    engine.execute(matching.NO_EDGES)
    for statement in matching.edges(program.profile):
        engine.execute(statement)
    engine.execute(matching.START_LABELS)
    # Each round at least every larger end of an edge joins a smaller cluster.
    while engine.rows(matching.EDGES_LEFT)[0][0]:
        engine.execute(matching.HOOK)
        while engine.rows(matching.LONG_CHAINS)[0][0]:
            engine.execute(matching.JUMP)
        engine.execute(matching.RELABEL)
        engine.execute(matching.CONTRACT)


def _identify(engine: Engine) -> tuple[Pairs, Pairs]:
    for statement in (identity.MEMBERS, identity.HELD, identity.CLUSTERS):
        engine.execute(statement)
    engine.execute(identity.NEW_CLUSTERS)
    engine.execute(identity.REMEMBER_IDS)
    merged = tuple((old, new) for old, new in engine.rows(identity.MERGED))
    split = tuple((old, new) for old, new in engine.rows(identity.SPLIT))
    engine.execute(identity.KEYS)
    return merged, split


def _write_merged(engine: Engine, merged: Pairs, now: datetime) -> None:
    if not merged:
        return
    columns: dict[str, list[object]] = {
        "alias": [old for old, _ in merged],
        "customer": [new for _, new in merged],
        "at": [now] * len(merged),
    }
    engine.append("merged", columns)
    engine.append("customer_alias", columns)
    # An older alias of what is an alias now.
    engine.execute(identity.follow("customer_alias"))


def _write_customers(engine: Engine, program: Program) -> None:
    engine.execute(statements.unified(program))
    if (named := statements.zones_in_use(program)) is not None:
        zones.ensure(engine, [row[0] for row in engine.rows(named)])
    names, asked = statements.various_texts(program)
    answers = engine.rows(asked)[0]
    texts = {name for name, is_various in zip(names, answers, strict=False) if is_various}
    kept = older_versions.kept_of_customer(engine, program)
    if kept:
        engine.execute(kept_columns.save("customer", "id", kept))
    absence.remember_customers(engine)
    engine.execute(statements.DROP_CUSTOMERS)
    engine.execute(statements.customer_table(program, texts))
    engine.execute(statements.customers(program))
    for statement in kept_columns.bring_back("customer", "id", kept, {}) if kept else ():
        engine.execute(statement)


def _count(engine: Engine) -> int:
    return int(engine.rows(statements.COUNT)[0][0])
