"""`cij sql`: the statements that the store executes, as SQL of any dialect."""

import json

import click

from cij.app.sql_listing import EXECUTED, TitledStatement, as_json as plain, listed, support
from cij.cli.arguments import path_and_name
from cij.compiler.sql import Statement

_ENGINES = {
    "duckdb": "DuckDB",
    "postgres": "PostgreSQL",
    "spark": "Spark",
    "snowflake": "Snowflake",
    "bigquery": "BigQuery",
    "clickhouse": "ClickHouse",
}


# An explanation for the reader, above the statements of a journey.
_NOTES = {
    "journey": """
-- These are the statements of one tick. Each moves all customers at once, and all run in one
-- transaction. `passage_row` says where each customer is; journey, version and state are numbers.
-- Customers who are due, or who have an event, get a row in `tick_ready`. A region moves the
-- customers at its root to the state where they wait or end next: `pick` finds the path of each
-- customer, `effect` queues messages, `history` records what happened, and `move` stores the new
-- state. `timeout` says where the timer of each wait leads.
-- A run may use quicker forms of these statements with the same result: one set for journeys that
-- differ only in their names, copies for a few customers of very many (`tick_ws_customer` and
-- `tick_ws_passage`), and new customers read from `tick_entered`.
"""
}


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
    default=EXECUTED,
    show_default=True,
    help="The SQL dialect to print.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the statements as JSON.")
def command(words: tuple[str, ...], dialect: str, as_json: bool) -> None:
    """Print the SQL of a segment, measure, entity or journey of the project at PATH.

    DuckDB executes it. On PostgreSQL the conditions of segments and measures are tested. All other
    SQL is only generated, and its first line says so.

    Without NAME, all segments are printed. `$now` is the instant of the run; other parameters are
    named where they occur.
    """
    path, name = path_and_name(words)
    statements = listed(path, name)
    if as_json:
        click.echo(json.dumps(plain(statements, dialect), ensure_ascii=False, indent=2))
    else:
        click.echo(_script(statements, dialect), nl=False)


def _script(statements: list[TitledStatement], dialect: str) -> str:
    parts = [_HEADERS[support(statements, dialect)].format(engine=_ENGINES[dialect])]
    before = ""
    for titled in statements:
        if titled.of != before:
            parts.append(f"-- {titled.of}{_NOTES.get(titled.of.split()[0], '')}\n")
        before = titled.of
        parts.append(f"-- {titled.title}{_parameters(titled.statement)}\n")
        parts.append(titled.statement.text(dialect, pretty=True) + ";\n\n")
    return "".join(parts).rstrip("\n") + "\n"


_HEADERS = {
    "executed": "",
    "tested": "-- tested: conditions like these are run against a real {engine}, with equal results\n",
    "generated only": "-- generated only: not run against a real {engine} in this version\n",
}


def _parameters(statement: Statement) -> str:
    names = sorted(statement.parameters)
    return f" (parameters: {', '.join(names)})" if names else ""
