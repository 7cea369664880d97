"""`cij sql`: what the store executes, as SQL of any dialect."""

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
