"""The statements that the store executes, by declaration."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from cij.app.compile import compiled
from cij.app.request_error import RequestError
from cij.compiler.naming import did_you_mean
from cij.compiler.program import Journey, Program
from cij.compiler.sql import Statement, entity_rows
from cij.compiler.sql.plan import (
    WAKE_DUE,
    EntryPlan,
    JourneyPlan,
    journey_plan,
    measure_query,
    segment_query,
)

EXECUTED = "duckdb"
# The dialect whose conditions the tests run on a real server. Other statements are only generated.
_TESTED = "postgres"
_CONDITIONS = ("segment ", "measure ")


class TitledStatement(NamedTuple):
    """A statement of the declaration `of`. `title` is what it does."""

    of: str
    title: str
    statement: Statement


def listed(path: Path, name: str | None) -> list[TitledStatement]:
    """Return the statements of one declaration; without a name the queries of all segments.

    Raises: InvalidProject; RequestError for an unknown name.
    """
    _, program = compiled(path)
    if name is None:
        return list(_all_segments(program))
    found = list(_named(program, name))
    if not found:
        raise RequestError(_unknown(program, name))
    return found


def _all_segments(program: Program) -> Iterator[TitledStatement]:
    for segment in program.segments:
        yield TitledStatement(f"segment {segment.name}", "members", segment_query(segment, program))


def _named(program: Program, name: str) -> Iterator[TitledStatement]:
    """Yield the statements of all declarations with a name.

    A segment and a journey may share one.
    """
    yield from (titled for titled in _all_segments(program) if titled.of == f"segment {name}")
    for measure in program.measures:
        if measure.name == name:
            yield TitledStatement(
                f"measure {name}", "value by customer", measure_query(measure, program)
            )
    for entity in program.entities:
        if entity.name == name:
            rows = entity_rows.filled(entity, entity_rows.source_of(entity, program))
            yield TitledStatement(f"entity {name}", "rows", rows)
    for journey in program.journeys:
        if journey.name == name:
            yield from _of_journey(journey, program)


def _unknown(program: Program, name: str) -> str:
    kinds = (program.segments, program.measures, program.entities, program.journeys)
    hint = did_you_mean(name, [part.name for parts in kinds for part in parts])
    message = f"there is no segment, measure, entity or journey `{name}`"
    return f"{message}; {hint}" if hint else message


def _of_journey(journey: Journey, program: Program) -> Iterator[TitledStatement]:
    plan = journey_plan(journey, program)
    for title, statement in _plan_parts(plan):
        yield TitledStatement(f"journey {journey.name}", title, statement)


def _plan_parts(plan: JourneyPlan) -> Iterator[tuple[str, Statement]]:
    """Yield the statements of a journey in the order in which they apply to a passage."""
    for entry in plan.entries:
        yield f"entry from segment {entry.segment}: candidates", entry.candidates
    for event in plan.events.values():
        yield from _event_entries(event.event, event.entries)
    for statement in plan.admit.statements:
        yield "admit", statement
    for region in plan.regions.values():
        for what, statement in region.statements:
            yield f"region from {region.root}: {what}", statement
    if plan.timers:
        yield "timers", WAKE_DUE
    for event in plan.events.values():
        for statement in event.reactions:
            yield f"reaction on {event.event}", statement


def _event_entries(event: str, entries: tuple[EntryPlan, ...]) -> Iterator[tuple[str, Statement]]:
    for entry in entries:
        yield f"entry on {event}: candidates", entry.candidates


def support(statements: list[TitledStatement], dialect: str) -> str:
    """Return whether statements of a dialect are `executed`, `tested` or `generated only`."""
    if dialect == EXECUTED:
        return "executed"
    is_tested = all(titled.of.startswith(_CONDITIONS) for titled in statements)
    return "tested" if dialect == _TESTED and is_tested else "generated only"


def as_json(statements: list[TitledStatement], dialect: str) -> dict[str, Any]:
    """Return the statements as SQL of a dialect, in types that JSON has."""
    rows = [
        {
            "of": titled.of,
            "title": titled.title,
            "parameters": sorted(titled.statement.parameters),
            "sql": titled.statement.text(dialect, pretty=True),
        }
        for titled in statements
    ]
    content = {"version": 1, "dialect": dialect, "statements": rows}
    content |= {"is_executed": dialect == EXECUTED, "support": support(statements, dialect)}
    return content
