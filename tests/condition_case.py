"""One case of the comparison of conditions: an engine against the reference evaluator.

The project is text as an author would write it, compiled by the real compiler. The tables are the
real ones; the case fills them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Protocol

import duckdb

from cij.compiler.compilation import Compilation, compile_project
from cij.compiler.model import ProjectSettings
from cij.compiler.program import Program
from cij.compiler.sql import Statement, moments, query
from cij.compiler.sql.plan import make_plan, segment_query
from cij.grammar import codes, syntax
from cij.grammar.diagnostic import Diagnostic
from tests.conditions import EVENTS, HEAD
from tests.reducing import reduce
from tests.reference_evaluator import Occurrence, Person, World

SETTINGS = ProjectSettings("meaning", "Europe/Madrid", "en")


class Refused(Exception):
    """Another engine than DuckDB refused a statement."""


class Store(Protocol):
    """What a case needs of an engine. All tables exist already."""

    def execute(self, statement: Statement, parameters: Mapping[str, object] = ...) -> int: ...

    def rows(
        self, statement: Statement, parameters: Mapping[str, object] = ...
    ) -> list[tuple[Any, ...]]: ...

    def append(self, table: str, rows: Mapping[str, Sequence[object]], /) -> int | None: ...


@dataclass(frozen=True)
class ConditionCase:
    """Compiled conditions, and the same ones as a world of the reference evaluator."""

    conditions: Sequence[str]
    program: Program
    world: World

    def statements(self) -> Iterator[tuple[str, Statement]]:
        """Yield each condition with the statement that lists its people."""
        for text, segment in zip(self.conditions, self.program.segments, strict=True):
            yield text, segment_query(segment, self.program)


def project_of(conditions: Sequence[str]) -> str:
    """Return the text of a project with segments `s0`, `s1` and so on."""
    return HEAD + "".join(
        f"segment s{i} {{\n  where {text}\n}}\n" for i, text in enumerate(conditions)
    )


def case_of(conditions: Sequence[str], now: datetime, people: Sequence[Person]) -> ConditionCase:
    """Compile the conditions. Fails on any mistake: what is drawn makes sense.

    What the compiler refuses as impossible must be so for these people.
    """
    found, refused = _compiled(conditions), set[int]()
    # What is refused hides what is impossible in the segments that use it.
    while new := _refused(found) - refused:
        refused |= new
        conditions = [_POSSIBLE.format(c) if i in new else c for i, c in enumerate(conditions)]
        found = _compiled(conditions)
    assert found.program is not None, [
        f"{d.span}: {d.code} {d.message}" for d in found.diagnostics if d.is_error
    ]
    nodes = [n for n in found.files["a.journey"].declarations if isinstance(n, syntax.Declaration)]
    segments = {n.name.text: _clauses(n) for n in nodes if n.kind.text == "segment"}
    measures = {n.name.text: _value(n) for n in nodes if n.kind.text == "measure"}
    world = World(now, people, segments, measures)
    for number in refused:
        members = world.members(f"s{number}")
        assert not members, f"refused as impossible, and {members} are in: {conditions[number]}"
    return ConditionCase(conditions, found.program, world)


def _refused(found: Compilation) -> set[int]:
    return {_number(d) for d in found.diagnostics if d.code == codes.IMPOSSIBLE_CONDITION.code}


# Nobody has this id, but the compiler cannot know.
_POSSIBLE = '({}) or id = "nobody"'


def _compiled(conditions: Sequence[str]) -> Compilation:
    return compile_project(SETTINGS, {"a.journey": project_of(conditions)}, {}, {})


def _number(diagnostic: Diagnostic) -> int:
    """Return the number of the segment that a diagnostic is about: each has three lines."""
    return (diagnostic.span.line - HEAD.count("\n") - 1) // 3


def _clauses(node: syntax.Declaration) -> tuple[list[syntax.Expression], list[syntax.Expression]]:
    wheres = [i.condition for i in node.items if isinstance(i, syntax.Where)]
    return wheres, [i.condition for i in node.items if isinstance(i, syntax.Except)]


def _value(node: syntax.Declaration) -> syntax.Expression:
    return next(i.value for i in node.items if isinstance(i, syntax.Setting))


# --- the tables -------------------------------------------------------------------------------

_CLEAR = [query("DELETE FROM {t}", t=t) for t in ("customer", *(f"event_{e}" for e in EVENTS))]
# Not every database replaces a scratch table that it makes.
_CLEAR.append(query("DROP TABLE IF EXISTS tick_instant"))


def fill(store: Store, case: ConditionCase) -> None:
    """Put the customers and their events into the tables, and the moments as a tick does."""
    for statement in (*_CLEAR, moments.CLEAR, moments.CLEAR_RULES):
        store.execute(statement)
    for moment in make_plan(case.program).moments:
        store.execute(moments.add_rule(moment))
    store.execute(moments.BEGIN_INSTANTS, {"instant": case.world.now})
    store.execute(moments.FILL)
    people = case.world.people
    store.append("customer", _columns([_customer(p) for p in people]))
    for event in EVENTS:
        rows = [_event(p, e) for p in people for e in p.events if e.event == event]
        if rows:
            store.append(f"event_{event}", _columns(rows))


def _customer(person: Person) -> dict[str, object]:
    consents = {f"consent.{t}.{c}": v for (t, c), v in person.consents.items()}
    fields = {name: _cell(v) for name, v in person.fields.items()}
    return {"id": person.id, "zone": person.zone, **fields, **consents}


def _event(person: Person, event: Occurrence) -> dict[str, object]:
    fields = {name: _cell(v) for name, v in event.fields.items()}
    row = {"seq": event.seq, "id": f"e{event.seq}", "customer": person.id}
    return {**row, "at": event.at, "arrived_at": event.at, **fields}


def _cell(value: object) -> object:
    if isinstance(value, Fraction):
        return f"{Decimal(value.numerator) / Decimal(value.denominator):f}"
    return value


def _columns(rows: Sequence[Mapping[str, object]]) -> dict[str, list[object]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


# --- the comparison ---------------------------------------------------------------------------


def check(store: Store, case: ConditionCase, dialect: str) -> None:
    """Fail on the first condition whose people differ, reduced to what is needed to see it."""
    found = first_fault(store, case, dialect)
    if found is None:
        return
    number, is_error, _ = found

    def is_same(conditions: Sequence[str], people: Sequence[Person]) -> bool:
        other = _fault_of_last(store, conditions, case.world.now, people, dialect)
        return other is not None and other[1] == is_error

    conditions, people = reduce(case.conditions[: number + 1], case.world.people, is_same)
    small = _fault_of_last(store, conditions, case.world.now, people, dialect)
    assert small is not None, "the reduced fault is gone"
    raise AssertionError(small[2])


Fault = tuple[int, bool, str]


def first_fault(store: Store, case: ConditionCase, dialect: str, start: int = 0) -> Fault | None:
    """Return (number of the condition, whether the engine refused it, what to print)."""
    fill(store, case)
    for number, (text, statement) in enumerate(case.statements()):
        if number < start:
            continue
        expected = case.world.members(f"s{number}")
        sql = statement.text(dialect)
        try:
            found = {row[0] for row in store.rows(statement, {"now": case.world.now})}
        except (duckdb.Error, Refused) as error:
            return number, True, f"{error}\ncondition: {text}\nSQL: {sql}"
        if found != expected:
            return number, False, _difference(case, text, sql, found, expected)
    return None


def _fault_of_last(
    store: Store,
    conditions: Sequence[str],
    now: datetime,
    people: Sequence[Person],
    dialect: str,
) -> Fault | None:
    try:
        case = case_of(conditions, now, people)
    except AssertionError:
        return None
    return first_fault(store, case, dialect, len(conditions) - 1)


def _difference(
    case: ConditionCase, text: str, sql: str, found: set[str], expected: set[str]
) -> str:
    who = min(found ^ expected)
    person = next(p for p in case.world.people if p.id == who)
    said = "is in by the reference, and not by SQL" if who in expected else "is in by SQL only"
    lines = [f"condition: {text}", f"{who} {said}", f"now {case.world.now} in {person.zone}"]
    lines += [f"fields {_known(person.fields)}", f"consents {person.consents}"]
    lines += [f"{e.event} {e.seq} at {e.at} {_known(e.fields)}" for e in person.events]
    lines += [f"and {len(case.world.people) - 1} other customers"]
    lines += [f"s{i}: {other}" for i, other in enumerate(case.conditions[:2]) if f"s{i}" in text]
    return "\n".join([*lines, f"SQL: {sql}"])


def _known(fields: Mapping[str, object]) -> dict[str, str]:
    return {name: str(v) for name, v in fields.items() if v is not None}
