"""Conditions mean what S1 to S5 say: SQL on DuckDB against the reference evaluator.

Each example is one project of up to 50 conditions over a handful of customers. CIJ_MEANING=5000
draws that many examples.
"""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from cij.compiler.compilation import compile_project
from cij.runtime import store, zones
from cij.runtime.engine import Engine, open_engine
from cij.runtime.refresh import prepare
from tests.condition_case import SETTINGS, case_of, check, project_of
from tests.conditions import CUSTOMER, EVENTS, segments
from tests.customers import ZONES, is_own, worlds
from tests.draws import draws
from tests.reference_evaluator import Occurrence, Person

# Conditions of one example: enough to make the engine's start worth it, few enough to shrink.
BATCH = 50


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    made = open_engine(None, threads=1)
    store.prepare(made)
    prepare(made, case_of([], datetime(2026, 1, 1), []).program)
    zones.ensure(made, ZONES)
    yield made
    made.close()


@pytest.mark.slow
@settings(
    max_examples=draws(10),
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
    engine: Engine, conditions: list[str], world: tuple[datetime, list[Person]]
) -> None:
    check(engine, case_of(conditions, *world), "duckdb")


# Each was false of the SQL once.
ONCE_WRONG = (
    "not gifted",
    "gifted is unknown",
    "gifted != vip",
    "name not in [city]",
    "not (vip or staff) in [true]",
    "(points in [1]) = vip",
    "2_000_000_000 * 2_000_000_000 > 1",
    "2_000_000_000 + 2_000_000_000 > 1",
    "spent * 1000000.5 * 1000000.5 > 1 EUR",
    "(points ?? 0.5) * 3 = 1.5",
    "points / 3 + points / 3 = 0.666666",
    "avg(purchase.amount) = 16.663333 EUR",
    'number("1e3") is unknown',
    "now() - last(purchase.at) >= 1 hour",
    "2026-03-29 in [seen]",
)


def test_conditions_that_were_wrong_once(engine: Engine) -> None:
    now = datetime(2026, 3, 29, 12)
    fields = dict.fromkeys(n for names in CUSTOMER.values() for n in names if is_own(n))
    consents = {("news", "email"): False, ("news", "sms"): False}
    ana = Person("ana", "Europe/Madrid", {**fields, "points": Fraction(1)}, consents)
    late = now - timedelta(minutes=59, seconds=59, microseconds=600_000)
    amounts = (Fraction(10), Fraction("39.99"), Fraction(0))
    missing = dict.fromkeys(name for name in EVENTS["purchase"] if name != "at")
    bought = tuple(
        Occurrence("purchase", late, i, {**missing, "amount": x}) for i, x in enumerate(amounts)
    )
    known = {"spent": Fraction(10**12), "seen": datetime(2026, 3, 28, 23), "vip": True}
    bob = Person("bob", "Europe/Madrid", {**fields, **known}, consents, bought)
    check(engine, case_of(ONCE_WRONG, now, [ana, bob]), "duckdb")


FUNCTIONS_AT_EDGES = (
    "mod(points, -1) = 0",
    "mod(points, 0) is unknown",
    "mod(points, 10) = -8",
    "mod(points * points, 7) < 7",
    'concat(name, " ", city) = "ana Rome"',
    "concat(name, city) is unknown",
    "hour(seen) = 0 and minute(seen) = 5",
    "hour(wakes) = 23",
)


def test_functions_at_the_edges_of_their_values(engine: Engine) -> None:
    fields = dict.fromkeys(n for names in CUSTOMER.values() for n in names if is_own(n))
    texts = {"name": "ana", "city": "Rome", "wakes": time(23, 59)}
    # In Madrid, five minutes past midnight.
    least = {"points": Fraction(-(2**63)), "seen": datetime(2026, 3, 28, 23, 5)}
    consents = {("news", "email"): False, ("news", "sms"): False}
    ana = Person("ana", "Europe/Madrid", {**fields, **texts, **least}, consents)
    bob = Person("bob", "Asia/Kathmandu", {**fields, "seen": ana.fields["seen"]}, consents)
    found = case_of(FUNCTIONS_AT_EDGES, datetime(2026, 3, 29, 12), [ana, bob])
    check(engine, found, "duckdb")


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("max(purchase.gift)", "true and false have none"),
        ("score > 0.1234567", "6 after it"),
        ("points > 1_000_000_000_000_000_000", "18 digits"),
        ("spent > 0.0000001 EUR", "6 after it"),
        ("discount > 0.00001%", "6 after it"),
        ("mod(points, 1.5) = 1", "`mod` takes integer"),
        ('concat(name) = "a"', "2 to 9 arguments, and 1 is given"),
        ("any(purchase where event.amount in top 10%)", "no field `event.amount`"),
    ],
)
def test_what_has_no_meaning_is_refused(condition: str, said: str) -> None:
    found = compile_project(SETTINGS, {"a.journey": project_of([condition])}, {}, {})
    assert [said in d.message for d in found.diagnostics] == [True]
