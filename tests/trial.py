"""One trial: conditions over customers, in an engine and by the reference evaluator.

The project is text as an author would write it, compiled by the real compiler; the tables are the
real ones, filled by hand.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Protocol

from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.compiler.program import Program
from cij.compiler.sql import Statement, moments, query
from cij.compiler.sql.plan import make_plan, segment_query
from cij.grammar import syntax
from tests.conditions import EVENTS, HEAD
from tests.reference_evaluator import Occurrence, Person, World

SETTINGS = ProjectSettings("meaning", "Europe/Madrid", "en")


class Store(Protocol):
    """What a trial needs of an engine, which has all tables already."""

    def execute(self, statement: Statement, parameters: Mapping[str, object] = ...) -> int: ...

    def rows(
        self, statement: Statement, parameters: Mapping[str, object] = ...
    ) -> list[tuple[Any, ...]]: ...

    def append(self, table: str, columns: Mapping[str, Sequence[object]]) -> None: ...


@dataclass(frozen=True)
class Trial:
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


def trial_of(conditions: Sequence[str], now: datetime, people: Sequence[Person]) -> Trial:
    """Compile the conditions. Fails on any diagnostic: what is drawn makes sense."""
    found = compile_project(SETTINGS, {"a.journey": project_of(conditions)}, {}, {})
    assert found.program is not None, [f"{d.span.line}: {d.message}" for d in found.diagnostics]
    nodes = [n for n in found.files["a.journey"].declarations if isinstance(n, syntax.Declaration)]
    segments = {n.name.text: _clauses(n) for n in nodes if n.kind.text == "segment"}
    measures = {n.name.text: _value(n) for n in nodes if n.kind.text == "measure"}
    return Trial(conditions, found.program, World(now, people, segments, measures))


def _clauses(node: syntax.Declaration) -> tuple[list[syntax.Expression], list[syntax.Expression]]:
    wheres = [i.condition for i in node.items if isinstance(i, syntax.Where)]
    return wheres, [i.condition for i in node.items if isinstance(i, syntax.Except)]


def _value(node: syntax.Declaration) -> syntax.Expression:
    return next(i.value for i in node.items if isinstance(i, syntax.Setting))


# --- the tables -------------------------------------------------------------------------------

_CLEAR = [query("DELETE FROM {t}", t=t) for t in ("customer", *(f"event_{e}" for e in EVENTS))]


def fill(store: Store, trial: Trial) -> None:
    """Put the customers and their events into the tables, and the moments as a tick does."""
    for statement in (*_CLEAR, moments.CLEAR, moments.CLEAR_RULES):
        store.execute(statement)
    for moment in make_plan(trial.program).moments:
        store.execute(moments.add_rule(moment))
    store.execute(moments.FILL, {"now": trial.world.now})
    people = trial.world.people
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


def check(store: Store, trial: Trial, dialect: str) -> None:
    """Fail on the first condition whose people differ, with all there is to know about one."""
    fill(store, trial)
    for i, (text, statement) in enumerate(trial.statements()):
        expected = trial.world.members(f"s{i}")
        try:
            found = {row[0] for row in store.rows(statement, {"now": trial.world.now})}
        except Exception as error:
            error.add_note(f"condition: {text}\nSQL: {statement.text(dialect)}")
            raise
        if found != expected:
            raise AssertionError(_difference(trial, text, statement.text(dialect), found, expected))


def _difference(trial: Trial, text: str, sql: str, found: set[str], expected: set[str]) -> str:
    who = min(found ^ expected)
    person = next(p for p in trial.world.people if p.id == who)
    said = "is in by the reference, and not by SQL" if who in expected else "is in by SQL only"
    known = {name: str(v) for name, v in person.fields.items() if v is not None}
    lines = [f"condition: {text}", f"{who} {said}", f"now {trial.world.now} in {person.zone}"]
    lines += [f"fields {known}", f"consents {person.consents}"]
    lines += [f"{e.event} at {e.at} {({k: str(v) for k, v in e.fields.items() if v is not None})}"
              for e in person.events]
    lines += [f"s{i}: {s}" for i, s in enumerate(trial.conditions[:2])] + [f"SQL: {sql}"]
    return "\n".join(lines)
