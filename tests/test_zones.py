"""Local time: the table of zones against zoneinfo, minute by minute around every kind of change."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st
from sqlglot import exp

from cij.compiler.sql import Statement, moments, query, zones as statements
from cij.compiler.sql.columns import create
from cij.runtime import zones
from cij.runtime.engine import Engine, open_engine
from cij.runtime.moments import fill_moments
from cij.runtime.store import schema
from tests.draws import draws

MINUTE = timedelta(minutes=1)

CHANGES = [
    ("Europe/Berlin", datetime(2026, 3, 29)),
    ("Europe/Berlin", datetime(2026, 10, 25)),
    ("America/New_York", datetime(2026, 11, 1)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 12)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 12)),
    ("Asia/Kolkata", datetime(2026, 3, 29)),
    ("Pacific/Apia", datetime(2011, 12, 30)),
    ("Africa/Casablanca", datetime(2026, 2, 15)),
    ("Africa/Casablanca", datetime(2026, 3, 22)),
    ("Asia/Gaza", datetime(2026, 3, 28)),
    ("Europe/Dublin", datetime(1971, 10, 31)),
    ("UTC", datetime(2026, 1, 1)),
]


def local_by_zoneinfo(at: datetime, zone: str) -> datetime:
    return at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_every_minute_around_a_change(zone: str, day: datetime) -> None:
    instants = [day - timedelta(days=2) + i * MINUTE for i in range(5 * 1440)]
    locals_ = [local_by_zoneinfo(at, zone) for at in instants]
    assert [zones.to_local(at, zone) for at in instants] == locals_
    first: dict[datetime, datetime] = {}
    for at, local in zip(instants, locals_, strict=True):
        first.setdefault(local, at)
    local, end = min(locals_), max(locals_)
    shown, expected = local, {}
    while local <= end:
        # The clock that is not put forward would show a skipped time as long after the last one.
        shown = local if local in first else shown
        expected[local] = first[shown] + (local - shown)
        local += MINUTE
    assert {local: zones.to_instant(local, zone) for local in expected} == expected


@pytest.mark.parametrize("zone", sorted({zone for zone, _ in CHANGES} | {"Asia/Hebron"}))
def test_periods_have_no_holes(zone: str) -> None:
    rows = zones.periods(zone)
    for one, two in pairwise(rows):
        assert one.utc_to == two.utc_from and one.local_to == two.local_from
        assert one.local_from <= one.local_to
        assert one.offset_s != two.offset_s


def test_the_table_gives_the_same(tmp_path: object) -> None:
    engine = open_engine(None)
    engine.execute(schema.ZONE.ddl)
    zones.ensure(engine, ["Europe/Berlin", "Nowhere/Land", "../etc/passwd"])
    zones.ensure(engine, ["Europe/Berlin", "Asia/Kolkata"])
    assert {row[0] for row in engine.rows(statements.NAMES)} == {"Europe/Berlin", "Asia/Kolkata"}
    found = query(
        "SELECT GREATEST($local - z.offset_s * INTERVAL '1' SECOND, z.utc_from) FROM zone AS z "
        "WHERE z.name = 'Europe/Berlin' AND $local >= z.local_from AND $local < z.local_to"
    )
    for hour in range(24 * 365):
        local = datetime(2026, 1, 1) + timedelta(hours=hour, minutes=30)
        if hour % 24 in (1, 2, 3):
            at = zones.to_instant(local, "Europe/Berlin")
            assert engine.rows(found, {"local": local}) == [(at,)]
    engine.close()


# --- moments ----------------------------------------------------------------------------------

_TIMES = st.sampled_from(["00:00", "00:30", "02:30", "03:00", "09:00", "23:59"])
_STEPS = st.builds(
    moments.Moment,
    months=st.integers(-25, 25),
    days=st.integers(-400, 400),
    at=st.none() | _TIMES,
    floor=st.sampled_from([None, "day", "week", "month", "year"]),
    day=st.sampled_from([None, None, 29, 30, 31]),
)
# What has a time of day has no hours besides.
_HOURS = st.builds(
    moments.Moment,
    months=st.integers(0, 3),
    days=st.integers(0, 40),
    elapsed_s=st.integers(1, 400_000),
)
_BACK = _HOURS.map(lambda m: moments.Moment(-m.months, -m.days, elapsed_s=-m.elapsed_s))
_WEEKDAYS = st.builds(moments.Moment, at=_TIMES, weekday=st.integers(1, 7))
# Far beyond the calendar of Python, and near it.
_LONG = st.builds(moments.Moment, months=st.sampled_from([-30_000, 12 * 999, 12 * 9000]))
_ZONES = sorted({zone for zone, _ in CHANGES})
_MINUTES = st.integers(-4 * 1440, 4 * 1440).map(lambda n: n * MINUTE)
_DAYS = st.datetimes(datetime(1975, 1, 1), datetime(2095, 1, 1))
_INSTANTS = _DAYS | st.builds(
    lambda day, by: day + by, st.sampled_from(CHANGES).map(lambda c: c[1]), _MINUTES
)
_ZONE = exp.column("name", "v")
_NOW = exp.Placeholder(this="now")


def _looks(moment: exp.Expr) -> Statement:
    """Return the query for a moment in each zone, and in one that nobody is in."""
    zones = " UNION ALL ".join(f"SELECT '{zone}' AS name" for zone in [*_ZONES, "Asia/Tokyo"])
    return query(f"SELECT v.name, {{m}} FROM ({zones}) AS v ORDER BY ALL", m=moment)


def _moment_store(names: list[str]) -> Engine:
    engine = open_engine(None, is_tiny=True)
    for statement in (schema.ZONE.ddl, *moments.DDL, create("customer", [("zone", "VARCHAR")])):
        engine.execute(statement)
    zones.ensure(engine, names)
    return engine


# Moments of four zones are told to statements by name, of more computed into the table.
_STORES = [_moment_store(["Europe/Berlin"]), _moment_store(_ZONES[:4]), _moment_store(_ZONES)]


@settings(max_examples=draws(20), deadline=None)
@given(
    store=st.sampled_from(_STORES),
    rules=st.lists(
        _STEPS | _HOURS | _BACK | _WEEKDAYS | _LONG, max_size=3, unique_by=lambda m: m.name
    ),
    now=_INSTANTS,
)
def test_moments_of_few_zones_are_those_of_many(
    store: Engine, rules: list[moments.Moment], now: datetime
) -> None:
    store.execute(moments.CLEAR_RULES)
    for rule in rules:
        store.execute(moments.add_rule(rule))
    looks = [_looks(moments.instant(rule, _ZONE, _NOW)) for rule in rules]
    # Of a rule that nobody has asked for nothing is known.
    looks.append(_looks(moments.instant(moments.Moment(days=777), _ZONE, _NOW)))
    looks.append(_looks(moments.local_now(_ZONE, _NOW)))
    fill_moments(store, now)
    few = [store.rows(look, {"now": now}) for look in looks]
    store.execute(moments.CLEAR)
    store.execute(moments.BEGIN_INSTANTS, {"instant": now})
    store.execute(moments.FILL)
    assert few == [store.rows(look, {"now": now}) for look in looks]
    assert ("Asia/Tokyo", None) in few[-1], "nobody is in that zone"
    assert any(at is not None for _, at in few[-1])
