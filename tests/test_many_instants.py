"""Calendar instants of many rows that each have their own instant, as after hours of downtime.

The cost must follow the instants. Without a bound, a server compared each with every period of every
zone: 100 instants took minutes.
"""

import time
from datetime import datetime, timedelta

import pytest

from cij.compiler.sql import moments, query
from cij.compiler.sql.moments import Moment
from cij.runtime import zones
from cij.runtime.moments import moments_of
from cij.runtime.store import schema
from tests.engines import ENGINES, opener

ZONES = ["Africa/Casablanca", "America/New_York", "Australia/Lord_Howe", "Europe/Berlin", "UTC"]
STEPS = [
    Moment(days=-90),
    Moment(days=1, at="09:00"),
    Moment(at="02:30", weekday=7),
    Moment(months=-1),
    Moment(floor="year"),
    Moment(days=-3, elapsed_s=-3600),
    Moment(months=18, elapsed_s=7200),
]
# About 40 days with a change of the clock in most zones.
INSTANTS = [datetime(2026, 3, 1) + timedelta(seconds=3457 * n) for n in range(1000)]
MOST_SECONDS = 30
FILLED = query("SELECT m.zone, m.as_of, m.name, m.at FROM moment AS m")
RULES = query(
    "SELECT r.name, r.months, r.days, r.at_time, r.weekday, r.floor, r.day, "
    "COALESCE(r.elapsed_s, 0) FROM moment_rule AS r"
)


@pytest.mark.parametrize("name", ENGINES)
def test_instants_of_a_thousand_rows_are_right_and_quick(name: str) -> None:
    with opener(name) as opens:
        engine = opens()
        for statement in (schema.ZONE.ddl, *moments.DDL, *map(moments.add_rule, STEPS)):
            engine.execute(statement)
        zones.ensure(engine, ZONES)
        engine.execute(moments.BEGIN_INSTANTS, {"instant": INSTANTS[0]})
        engine.append("tick_instant", {"as_of": INSTANTS[1:]})
        began = time.perf_counter()
        engine.execute(moments.FILL)
        assert time.perf_counter() - began < MOST_SECONDS
        rules = engine.rows(RULES)
        found = {(zone, at, rule): instant for zone, at, rule, instant in engine.rows(FILLED)}
    expected = {
        (zone, at, rule): instant
        for at in INSTANTS
        for zone in ZONES
        for _, rule, instant in moments_of(rules, zone, at)
    }
    assert found == expected
