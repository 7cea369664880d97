"""Conditions on other engines: PostgreSQL runs them, four more have golden files.

Each example on PostgreSQL is a project of up to 50 conditions. CIJ_DRAWS=500 draws more of them.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from difflib import unified_diff
from hashlib import md5
from itertools import product
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from cij.app.compile import compiled
from cij.cli.failures import run
from cij.cli.main import cli
from cij.compiler import expression as ex
from cij.compiler.program import Program
from cij.compiler.sql import Statement, columns, entity_rows, intake, moments, query, unify
from cij.compiler.sql.condition import condition
from cij.compiler.sql.dialects import NODE_TYPES, portable
from cij.compiler.sql.entities import entity_table
from cij.compiler.sql.plan import measure_query, segment_query
from cij.compiler.sql.scope import Scope
from cij.compiler.types import TEXT
from cij.runtime import zones
from cij.runtime.engine import Engine, open_engine
from cij.runtime.refresh import refresh
from cij.runtime.store import schema
from tests import entities_project, lists_project
from tests.condition_case import case_of, check
from tests.conditions import segments
from tests.conftest import FIXTURES, Golden
from tests.customers import ZONES, worlds
from tests.draws import draws
from tests.postgres import PostgresStore, server
from tests.reference_evaluator import Person

NOW = datetime(2026, 3, 29, 12)
# How they spell what DuckDB spells `"name"` and `$now`; a golden file tells only other differences.
GENERATED_ONLY = {
    "spark": ("`", ":now"),
    "snowflake": ('"', ":now"),
    "bigquery": ("`", "@now"),
    "clickhouse": ('"', "{now: }"),
}
DRAWN = settings(
    max_examples=draws(6),
    # `check` reduces what it finds, much faster.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)


# --- PostgreSQL -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresStore]:
    with server() as store:
        for statement in _tables(case_of([], NOW, []).program):
            store.execute(statement)
        zones.ensure(cast(Engine, store), ZONES)
        yield store


def _tables(program: Program) -> list[Statement]:
    made = [columns.create("customer", unify.customer_columns(program))]
    made += [columns.create(intake.event_table(e), intake.columns_of(e)) for e in program.events]
    return [*made, schema.ZONE.ddl, *moments.DDL]


@pytest.mark.slow
@DRAWN
@given(segments(50), worlds())
def test_postgres_finds_the_people_whom_the_reference_finds(
    postgres: PostgresStore, conditions: list[str], world: tuple[datetime, list[Person]]
) -> None:
    check(postgres, case_of(conditions, *world), "postgres")


def test_postgres_splits_people_as_the_hash_says(postgres: PostgresStore) -> None:
    people = [Person(f"ñ{i}", "UTC", {}, {}) for i in range(300)]
    postgres.execute(query("DELETE FROM customer"))
    postgres.append("customer", {"id": [p.id for p in people], "zone": ["UTC"] * len(people)})
    share = ex.HashShare(salt="ab", low="0.25", high="0.5")
    test = condition(share, Scope(customer="c"))
    found = postgres.rows(query("SELECT c.id FROM customer AS c WHERE {test}", test=test))
    hashes = {p.id: md5(f"ab:{p.id}".encode()).hexdigest() for p in people}
    assert {id_ for (id_,) in found} == {i for i, h in hashes.items() if "4" <= h < "8"}


TEXTS = [
    "a",
    "ab",
    "aab",
    "A",
    "é",
    "12",
    "1",
    "-",
    "a.c",
    "a\nc",
    "a\\",
    "",
    "stop now",
    "STOP",
    "^",
    "]",
]
PATTERNS = [
    "a",
    "a|b+",
    "(ab?)+",
    "[a-c]*",
    "[^a-c]+",
    "[A-Z][A-Z]+",
    "[0-9]{2}",
    "[0-9]{1,}",
    ".",
    "a.c",
]
PATTERNS += [
    r"a\.c",
    r"a\\",
    r"[\]\^-]",
    "[-a]",
    "(stop|end)( .*)?",
    ".{2,3}",
    "é?",
    "(a{0,2}b?){1,2}",
    "&|~|#",
]


def test_a_pattern_means_the_same_everywhere(postgres: PostgresStore) -> None:
    engine = open_engine(None)
    try:
        for pattern, text in product(PATTERNS, TEXTS):
            value = ex.Constant(type=TEXT, value=text)
            node = ex.Compare(
                operator="matches", left=value, right=ex.Constant(type=TEXT, value=pattern)
            )
            statement = query("SELECT {t} AS t", t=condition(node, Scope(customer="c")))
            found = [store.rows(statement) for store in (engine, postgres)]
            wanted = re.fullmatch(pattern, text, re.DOTALL) is not None
            assert found == [[(wanted,)]] * 2, (pattern, text)
    finally:
        engine.close()


@pytest.mark.parametrize("tested", [entities_project, lists_project], ids=lambda m: m.__name__)
def test_postgres_finds_what_duckdb_finds(
    tested: Any, tmp_path: Path, postgres: PostgresStore
) -> None:
    segments = [f"\nsegment s{i} {{\n  where {c}\n}}\n" for i, c in enumerate(tested.FINDS)]
    folder = tested.write(tmp_path, "".join(segments))
    program, engine = compiled(folder)[1], open_engine(None)
    refresh(engine, program, folder, tested.NOW)
    tables = [columns.create("customer", unify.customer_columns(program))]
    tables += [columns.create(intake.event_table(e), intake.columns_of(e)) for e in program.events]
    tables += [
        columns.create(entity_table(e.name), entity_rows.columns_of(e)) for e in program.entities
    ]
    for table in tables:
        _copy(table, engine, postgres)
    for text, segment in zip(tested.FINDS, program.segments, strict=True):
        statement = segment_query(segment, program)
        odd = {type(node) for node in portable(statement.tree, "postgres").walk()} - NODE_TYPES
        assert not odd, text
        found = [sorted(s.rows(statement, {"now": tested.NOW})) for s in (engine, postgres)]
        assert found[0] == found[1], text
    for measure in program.measures:
        statement = measure_query(measure, program)
        both = [
            sorted(s.rows(statement, {"now": tested.NOW}), key=repr) for s in (engine, postgres)
        ]
        assert both[0] == both[1], measure.name


def _copy(table: Statement, engine: Engine, postgres: PostgresStore) -> None:
    """Make a table on the server and put the rows of DuckDB in."""
    name = table.tree.this.this.name
    postgres.execute(query("DROP TABLE IF EXISTS {t}", t=name))
    postgres.execute(table)
    names = [definition.this.name for definition in table.tree.this.expressions]
    every = columns.select(
        [columns.column("t", n) for n in names], "SELECT 1 FROM {t} AS t", t=name
    )
    rows = engine.rows(Statement(every))
    if rows:
        postgres.append(name, dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


# --- all of them ------------------------------------------------------------------------------


@pytest.mark.slow
@settings(DRAWN, max_examples=draws(8))
@given(segments(50))
def test_conditions_are_made_of_known_nodes_only(conditions: list[str]) -> None:
    for text, statement in case_of(conditions, NOW, []).statements():
        for tree in (statement.tree, portable(statement.tree, "postgres")):
            odd = {type(node) for node in tree.walk()} - NODE_TYPES
            assert not odd, f"{text}: {statement.text()}"


@pytest.mark.parametrize("dialect", GENERATED_ONLY)
def test_other_dialects_are_generated(
    dialect: str, golden: Golden, capsys: pytest.CaptureFixture[str]
) -> None:
    """The golden file of a dialect holds what differs from `duckdb.sql`, statement by statement."""
    note, text = _sql(dialect, capsys).split("\n", 1)
    assert note.startswith("-- generated only")
    for own, ours in zip(GENERATED_ONLY[dialect], ('"', "$now"), strict=True):
        assert own in text and (own == ours or ours not in text)
        text = text.replace(own, ours)
    golden(f"dialects/{dialect}.diff", f"{note}\n{_difference(_sql('duckdb', capsys), text)}")


def test_the_sql_of_the_engine_is_as_reviewed(
    golden: Golden, capsys: pytest.CaptureFixture[str]
) -> None:
    golden("dialects/duckdb.sql", _sql("duckdb", capsys))


def _sql(dialect: str, capsys: pytest.CaptureFixture[str]) -> str:
    project = str(FIXTURES / "dialects" / "project")
    assert run(cli, ["sql", project, "--dialect", dialect]) == 0
    return capsys.readouterr().out


def _difference(base: str, text: str) -> str:
    """Return by statement the lines to leave out (`-`) and to put in (`+`), without line numbers."""
    found = []
    for before, after in zip(base.split("\n\n"), text.split("\n\n"), strict=True):
        lines = list(unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0))[2:]
        if lines:
            title = [line for line in before.splitlines() if line.startswith("--")]
            found += [*title, *("" if x.startswith("@@") else x for x in lines[1:]), ""]
    return "\n".join(found)
