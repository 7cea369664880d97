"""The calendar instants of a tick: the values that depend only on now and a zone (S2, S4).

For many zones one statement fills the table `moment` (`cij.compiler.sql.moments`). For few zones
the rows are computed here. The engine takes ten times as long to plan that statement, which would
be a quarter of most ticks of a small store.
"""

from datetime import date, datetime, time, timedelta

from cij.compiler.sql import query
from cij.compiler.sql.moments import CLEAR, FILL, LOCAL_NOW
from cij.runtime.calendar_steps import on_day, plus_months, start_of
from cij.runtime.engine import Engine, Row
from cij.runtime.statistics import customer_count
from cij.runtime.zones import to_instant, to_local

_RULES = query(
    "SELECT r.name, r.months, r.days, r.at_time, r.weekday, r.floor, r.day FROM moment_rule AS r"
)
_ZONES = query(
    "SELECT z.name, MIN(z.utc_from), MAX(z.utc_to) FROM zone AS z GROUP BY z.name ORDER BY z.name"
)
_ELSEWHERE = query("SELECT 1 FROM customer AS c WHERE c.zone IS DISTINCT FROM $zone LIMIT 1")
# With fewer customers, the test whether all are in one zone costs more than it saves.
ONE_ZONE_MIN = 100_000
# The most zones that are computed here for an engine that can bind them as parameters.
_ZONES_BOUND = 4
_FEW = 50
# Python's calendar ends in the year 9999 and the engine's does not, so large steps are left to the
# engine.
_MONTHS_MAX, _DAYS_MAX, _YEAR_MAX = 12 * 1000, 365 * 1000, 7000
_A_MONDAY = date(2001, 1, 1)


def fill_moments(engine: Engine, now: datetime) -> None:
    """Give the engine the calendar instants for `now`, as parameters or in the table `moment`."""
    rules = engine.rows(_RULES)
    zones = [zone for zone, first, end in engine.rows(_ZONES) if first <= now < end]
    is_near = _is_near(rules, now)
    if is_near and len(zones) <= _ZONES_BOUND:
        found = {zone: moments_of(rules, zone, now) for zone in zones}
        bound = {zone: {name: at for _, name, at in rows} for zone, rows in found.items()}
        if engine.bind_instants(bound, is_one_zone=_is_one_zone(engine, zones)):
            return
    engine.execute(CLEAR)
    if is_near and len(zones) * (len(rules) + 1) <= _FEW:
        rows = [row for zone in zones for row in moments_of(rules, zone, now)]
        columns = zip(("zone", "name", "at"), zip(*rows, strict=True), strict=True)
        engine.append("moment", dict(columns))
    else:
        engine.execute(FILL, {"now": now})


def _is_one_zone(engine: Engine, zones: list[str]) -> bool:
    """Tell whether there is one zone, and so many customers in it that this helps statements."""
    if len(zones) != 1 or customer_count(engine) < ONE_ZONE_MIN:
        return False
    return not engine.rows(_ELSEWHERE, {"zone": zones[0]})


def _is_near(rules: list[Row], now: datetime) -> bool:
    steps = ((abs(months), abs(days)) for _, months, days, *_ in rules)
    return now.year < _YEAR_MAX and all(
        months <= _MONTHS_MAX and days <= _DAYS_MAX for months, days in steps
    )


def moments_of(rules: list[Row], zone: str, now: datetime) -> list[tuple[str, str, datetime]]:
    """Return the rows (zone, name, instant) of a zone: the local time, and one for each rule."""
    local = to_local(now, zone)
    found = [(zone, name, _at(rule, zone, local, now)) for name, *rule in rules]
    return [(zone, LOCAL_NOW, local), *found]


def _at(rule: list[object], zone: str, local: datetime, now: datetime) -> datetime:
    months, days, at, weekday, floor, day_of_month = rule
    assert isinstance(months, int) and isinstance(days, int), "a rule counts months and days"
    base = start_of(floor, local) if isinstance(floor, str) else local
    stepped = plus_months(base, months) + timedelta(days=days)
    if isinstance(day_of_month, int):
        stepped = on_day(stepped, day_of_month)
    if not isinstance(at, time):
        return to_instant(stepped, zone)
    day = stepped.date()
    if isinstance(weekday, int):
        day += timedelta(days=(weekday - 1 - (day - _A_MONDAY).days) % 7)
    first = to_instant(datetime.combine(day, at), zone)
    if first > now or months < 0 or days < 0:
        return first
    # Instants are compared and not local times, because a local time that occurs twice has no order
    # with now.
    later = day + timedelta(days=1 if weekday is None else 7)
    return to_instant(datetime.combine(later, at), zone)
