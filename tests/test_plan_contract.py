"""The canonical plan is portable: a closed list of node types, typed parameters, named columns, no row ids.

Every statement of every example is prepared by a real PostgreSQL, on the tables of the store.
"""

import re
from collections.abc import Iterator
from functools import cache

import pytest
from sqlglot import exp

from cij.app.compile import compile_path
from cij.compiler.program import Program
from cij.compiler.sql import Statement, columns, entity_rows, intake, moments, query, unify
from cij.compiler.sql.dialects import PLAN_FUNCTIONS, PLAN_NODE_TYPES
from cij.compiler.sql.entities import entity_table
from cij.compiler.sql.parameter_types import PARAMETER_TYPES
from cij.compiler.sql.plan import (
    WAKE_DUE,
    EventPlan,
    JourneyPlan,
    SegmentPlan,
    SharedPlan,
    active_customers,
    ahead_events,
    due_events,
    fresh_events,
    make_plan,
    missed_events,
    queue,
)
from cij.runtime.store import schema
from cij.runtime.store.scratch import SCRATCH
from cij.runtime.store.views import VIEWS
from tests.builders import REPOSITORY
from tests.postgres import PostgresStore, server

EXAMPLES = sorted(path.parent.name for path in (REPOSITORY / "examples").glob("*/cij.toml"))


@cache
def _program(example: str) -> Program:
    return compile_path(REPOSITORY / "examples" / example).program


def _of_segment(plan: SegmentPlan) -> Iterator[Statement | None]:
    yield from (plan.next_change, plan.first, plan.somebody, plan.members, plan.members_active)
    yield from (plan.leave, plan.leave_active, plan.join)


def _of_event(plan: EventPlan) -> Iterator[Statement]:
    yield from (*plan.leaving, *plan.waking, *plan.queue)
    for entry in plan.entries:
        yield from (entry.candidates, entry.find)


def _of_journey(plan: JourneyPlan | SharedPlan) -> Iterator[Statement]:
    for region in plan.regions.values():
        yield from (statement for _, statement in region.statements)
    for event in plan.events.values():
        yield from _of_event(event)


def _of_entries(plan: JourneyPlan) -> Iterator[Statement]:
    for entry in plan.entries:
        yield from (entry.candidates, entry.find)
    yield from (*plan.admit.statements, plan.turn, *plan.on_new_data)
    for watch in plan.watches:
        yield from (watch.somebody, watch.wake)


def _statements(program: Program) -> Iterator[Statement]:
    """Yield every statement of the canonical plan, scratch tables first that others read."""
    plan = make_plan(program)
    yield from (queue.NOBODY, queue.ONCE, queue.ADD, queue.ALL, queue.TURN_AWAY, queue.REMOVE)
    for segment in plan.segments.values():
        yield from (s for s in _of_segment(segment) if s is not None)
    for event in plan.events:
        for make in (fresh_events, due_events, ahead_events, missed_events, active_customers):
            yield make(event)
    yield WAKE_DUE
    for journey in plan.journeys:
        yield from _of_journey(journey)
        yield from _of_journey(journey.sharing.make())
        yield from _of_entries(journey)


def _problems(statement: Statement) -> Iterator[str]:
    tree = statement.tree
    for node in tree.walk():
        if type(node) not in PLAN_NODE_TYPES:
            yield f"node {type(node).__name__}"
        if isinstance(node, exp.Anonymous) and node.name not in PLAN_FUNCTIONS:
            yield f"function {node.name}"
        if isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count):
            yield "columns without names"
        if isinstance(node, exp.Column) and node.name == "rowid":
            yield "a row id"
    if isinstance(tree, exp.Insert) and not isinstance(tree.this, exp.Schema):
        yield "an insert without columns"
    if isinstance(tree, exp.Create) and isinstance(tree.expression, exp.Select):
        yield from (f"no name: {e}" for e in tree.expression.expressions if not e.alias_or_name)
    yield from (f"no type of ${name}" for name in statement.parameters - PARAMETER_TYPES.keys())


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_plan_is_made_of_what_every_engine_has(example: str) -> None:
    found = [
        f"{problem} in {statement.text()}"
        for statement in _statements(_program(example))
        for problem in _problems(statement)
    ]
    assert not found, "\n".join(found)


def test_a_problem_is_seen() -> None:
    bad = "INSERT INTO a SELECT *, rowid, HASH(x), $unknown FROM b TABLESAMPLE 1%"
    found = {problem.split(" ")[0] for problem in _problems(query(bad))}
    assert found >= {"node", "columns", "a", "an", "no"}


# --- PostgreSQL -------------------------------------------------------------------------------


@pytest.fixture(scope="module", name="postgres")
def _postgres() -> Iterator[PostgresStore]:
    with server() as store:
        for table in (*schema.TABLES, *SCRATCH):
            store.execute(table.ddl)
        for statement in moments.DDL:
            store.execute(statement)
        for view in VIEWS:
            # No statement of a plan reads the view `history`, which is in the order of row ids.
            if view.name != "history":
                store.execute(view.ddl)
        yield store


def _tables(program: Program) -> Iterator[tuple[str, Statement]]:
    """Yield the tables that depend on a program."""
    yield "customer", columns.create("customer", unify.customer_columns(program))
    for event in program.events:
        table = intake.event_table(event.name)
        yield table, columns.create(table, intake.columns_of(event))
    for entity in program.entities:
        table = entity_table(entity.name)
        yield table, columns.create(table, entity_rows.columns_of(entity))


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES)
def test_postgres_runs_every_statement(postgres: PostgresStore, example: str) -> None:
    program = _program(example)
    for table, create in _tables(program):
        postgres.execute(query("DROP TABLE IF EXISTS {t}", t=table))
        postgres.execute(create)
    values: dict[str, object] = {
        name: {"TIMESTAMP": "2026-03-02 09:00", "BIGINT": 1}.get(type, "[1]")
        for name, type in PARAMETER_TYPES.items()
    }
    for statement in _statements(program):
        if isinstance(statement.tree, exp.Create):
            name = re.sub(r"\W", "", statement.tree.this.find(exp.Table).name)
            postgres.execute(query("DROP TABLE IF EXISTS {t}", t=name))
        postgres.execute(statement, values)
