"""Conditions mean what S1 to S5 say: SQL on DuckDB against the reference evaluator.

Each example is one project of up to 50 conditions over a handful of customers. CIJ_MEANING=5000
draws that many examples.
"""

import os
from collections.abc import Iterator
from datetime import datetime

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from cij.compiler.sql.store import DDL
from cij.runtime import zones
from cij.runtime.engine import DuckEngine
from cij.runtime.refresh import prepare
from tests.conditions import segments
from tests.customers import ZONES, worlds
from tests.reference_evaluator import Person
from tests.trial import check, trial_of

EXAMPLES = int(os.environ.get("CIJ_MEANING", "0")) or 70
# Conditions of one example: enough to make the engine's start worth it, few enough to shrink.
BATCH = 50


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckEngine]:
    made = DuckEngine(None, threads=1)
    for statement in DDL:
        made.execute(statement)
    prepare(made, trial_of([], datetime(2026, 1, 1), []).program)
    zones.ensure(made, ZONES)
    yield made
    made.close()


@settings(
    max_examples=EXAMPLES,
    # `check` reduces what it finds, much faster.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)
@given(segments(BATCH), worlds())
def test_sql_finds_the_people_whom_the_reference_finds(
    engine: DuckEngine, conditions: list[str], world: tuple[datetime, list[Person]]
) -> None:
    check(engine, trial_of(conditions, *world), "duckdb")
