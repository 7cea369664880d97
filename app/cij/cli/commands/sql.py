"""`cij sql`: what the store executes, as SQL of any dialect."""

import json
from collections.abc import Iterator
from typing import NamedTuple

import click

from cij.app.compile import compiled
from cij.cli.arguments import path_and_name
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

_EXECUTED = "duckdb"
# Where the tests run conditions, such as those of segments and measures, on a real server.
_TESTED = "postgres"
_CONDITIONS = ("segment ", "measure ")
_ENGINES = {
    "duckdb": "DuckDB",
    "postgres": "PostgreSQL",
    "spark": "Spark",
    "snowflake": "Snowflake",
    "bigquery": "BigQuery",
    "clickhouse": "ClickHouse",
}


# What a reader has to know of all statements of a journey.
_NOTES = {
    "journey": """
-- One tick runs these statements in one transaction, each for everybody at once. People wait in
-- `passage_row`, which says journey, version and state by number; whoever is due or has done
-- something is put into `woken`, and each region takes all who are woken at its root to where they
-- rest or end next: `pick` finds the way, `effect` queues messages, `history` writes down what
-- happened, `move` sets the new place. `timeout` says where the timer of each rest leads. Where
-- several journeys are woken that differ in their names only, one run of the statements is for all,
-- with journey and version taken from the rows. Where few of many customers are concerned they are
-- put into `concerned` first (and their passages, on an event, into `reached`), which statements
-- then read in place of `customer AS c` (and `passage_row AS p`). Who enters is `newly_inside`:
-- where nothing on the way asks for their passages, the first region takes them from there, with no
-- row in `woken`, and writes their passages where they have come to.
"""
}


class _Titled(NamedTuple):
    """A statement of `of`, the declaration, with what it does there."""

    of: str
    title: str
    statement: Statement


@click.command(
    epilog="""\b
Examples:
  cij sql                              # the query of every segment
  cij sql loyal                        # one segment, measure, entity or journey
  cij sql examples/loyalty loyalty_reward
  cij sql loyal --dialect snowflake"""
)
@click.argument("words", nargs=-1, metavar="[PATH] [NAME]")
@click.option(
    "--dialect",
    type=click.Choice(list(_ENGINES)),
    default=_EXECUTED,
    show_default=True,
    help="Whose SQL to print.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the statements as JSON.")
def command(words: tuple[str, ...], dialect: str, as_json: bool) -> None:
    """Print the SQL of a segment, measure, entity or journey of the project at PATH.

    DuckDB executes it. On PostgreSQL the conditions of segments and measures are tested; all else
    is generated only, and its first line says so.

    Without NAME: every segment. `$now` is the instant of the run; other parameters are named
    where they occur.
    """
    path, name = path_and_name(words)
    _, program = compiled(path)
    statements = list(_all_segments(program) if name is None else _named(program, name))
    if name is not None and not statements:
        raise click.BadParameter(_unknown(program, name), param_hint="NAME")
    click.echo(_json(statements, dialect) if as_json else _script(statements, dialect), nl=False)


# --- which ------------------------------------------------------------------------------------


def _all_segments(program: Program) -> Iterator[_Titled]:
    for segment in program.segments:
        yield _Titled(f"segment {segment.name}", "members", segment_query(segment, program))


def _named(program: Program, name: str) -> Iterator[_Titled]:
    """Yield all that is called `name`: a segment and a journey may share a name."""
    yield from (titled for titled in _all_segments(program) if titled.of == f"segment {name}")
    for measure in program.measures:
        if measure.name == name:
            yield _Titled(f"measure {name}", "value by customer", measure_query(measure, program))
    for entity in program.entities:
        if entity.name == name:
            rows = entity_rows.filled(entity, entity_rows.source_of(entity, program))
            yield _Titled(f"entity {name}", "rows", rows)
    for journey in program.journeys:
        if journey.name == name:
            yield from _of_journey(journey, program)


def _unknown(program: Program, name: str) -> str:
    kinds = (program.segments, program.measures, program.entities, program.journeys)
    hint = did_you_mean(name, [part.name for parts in kinds for part in parts])
    message = f"there is no segment, measure, entity or journey `{name}`"
    return f"{message}; {hint}" if hint else message


def _of_journey(journey: Journey, program: Program) -> Iterator[_Titled]:
    plan = journey_plan(journey, program)
    for title, statement in _plan_parts(plan):
        yield _Titled(f"journey {journey.name}", title, statement)


def _plan_parts(plan: JourneyPlan) -> Iterator[tuple[str, Statement]]:
    """Yield the statements of a journey in the order in which a passage meets them."""
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


# --- how --------------------------------------------------------------------------------------


def _script(statements: list[_Titled], dialect: str) -> str:
    parts = [_HEADERS[_support(statements, dialect)].format(engine=_ENGINES[dialect])]
    before = ""
    for titled in statements:
        if titled.of != before:
            parts.append(f"-- {titled.of}{_NOTES.get(titled.of.split()[0], '')}\n")
        before = titled.of
        parts.append(f"-- {titled.title}{_parameters(titled.statement)}\n")
        parts.append(titled.statement.text(dialect, pretty=True) + ";\n\n")
    return "".join(parts).rstrip("\n") + "\n"


def _support(statements: list[_Titled], dialect: str) -> str:
    """Return how far statements of a dialect can be relied on."""
    if dialect == _EXECUTED:
        return "executed"
    is_tested = all(titled.of.startswith(_CONDITIONS) for titled in statements)
    return "tested" if dialect == _TESTED and is_tested else "generated only"


_HEADERS = {
    "executed": "",
    "tested": "-- tested: conditions like these are run against a real {engine}, with equal results\n",
    "generated only": "-- generated only: not run against a real {engine} in this version\n",
}


def _parameters(statement: Statement) -> str:
    names = sorted(statement.parameters)
    return f" (parameters: {', '.join(names)})" if names else ""


def _json(statements: list[_Titled], dialect: str) -> str:
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
    content |= {"is_executed": dialect == _EXECUTED, "support": _support(statements, dialect)}
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"
