"""The table `moment` for an instant: what depends on now and a zone only (S2, S4).

For many zones one statement fills it (`cij.compiler.sql.moments`). For a few the rows are computed
here, which takes a tenth of the time that the engine needs to plan that statement: most ticks of a
small store would spend a quarter of their time on it.
"""

from datetime import date, datetime, time, timedelta

from cij.compiler.sql import query
from cij.compiler.sql.moments import CLEAR, FILL, LOCAL_NOW
from cij.runtime.calendar_steps import plus_months, start_of
from cij.runtime.engine import Engine, Row
from cij.runtime.statistics import customer_count
from cij.runtime.zones import to_instant, to_local

_RULES = query(
    "SELECT r.name, r.months, r.days, r.at_time, r.weekday, r.floor FROM moment_rule AS r"
)
_ZONES = query(
    "SELECT z.name, MIN(z.utc_from), MAX(z.utc_to) FROM zone AS z GROUP BY z.name ORDER BY z.name"
)
_ELSEWHERE = query("SELECT 1 FROM customer AS c WHERE c.zone IS DISTINCT FROM $zone LIMIT 1")
# From so many customers on it pays to know whether all are in one zone; the engine keeps the answer.
ONE_ZONE_MIN = 100_000
# So many are computed here for an engine that can bind them as parameters.
_ZONES_BOUND = 4
_FEW = 50
# Python's calendar ends where that of the engine goes on.
_MONTHS_MAX, _DAYS_MAX, _YEAR_MAX = 12 * 1000, 365 * 1000, 7000
_A_MONDAY = date(2001, 1, 1)


def fill_moments(engine: Engine, now: datetime) -> None:
    """Have the engine know the moments of the instant `now`."""
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
    """Tell whether there is one zone, and very many customers who are all in it."""
    if len(zones) != 1 or customer_count(engine) < ONE_ZONE_MIN:
        return False
    return not engine.rows(_ELSEWHERE, {"zone": zones[0]})


def _is_near(rules: list[Row], now: datetime) -> bool:
    steps = ((abs(months), abs(days)) for _, months, days, *_ in rules)
    return now.year < _YEAR_MAX and all(
        months <= _MONTHS_MAX and days <= _DAYS_MAX for months, days in steps
    )


def moments_of(rules: list[Row], zone: str, now: datetime) -> list[tuple[str, str, datetime]]:
    """Return the rows of a zone: the local time, and one for each rule."""
    local = to_local(now, zone)
    found = [(zone, name, _at(rule, zone, local, now)) for name, *rule in rules]
    return [(zone, LOCAL_NOW, local), *found]


def _at(rule: list[object], zone: str, local: datetime, now: datetime) -> datetime:
    months, days, at, weekday, floor = rule
    assert isinstance(months, int) and isinstance(days, int), "a rule counts months and days"
    base = start_of(floor, local) if isinstance(floor, str) else local
    stepped = plus_months(base, months) + timedelta(days=days)
    if not isinstance(at, time):
        return to_instant(stepped, zone)
    day = stepped.date()
    if isinstance(weekday, int):
        day += timedelta(days=(weekday - 1 - (day - _A_MONDAY).days) % 7)
    first = to_instant(datetime.combine(day, at), zone)
    if first > now or months < 0 or days < 0:
        return first
    # Instants are compared: local times of an hour that occurs twice say nothing.
    later = day + timedelta(days=1 if weekday is None else 7)
    return to_instant(datetime.combine(later, at), zone)
