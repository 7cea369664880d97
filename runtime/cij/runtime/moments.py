"""The calendar instants of a tick: the values that depend only on an instant and a zone (S2, S4).

For many zones one statement fills the table `moment` (`cij.compiler.sql.moments`). For few zones
the rows are computed here. The engine takes ten times as long to plan that statement, which would
be a quarter of most ticks of a small store.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from cij.compiler.sql import Statement, query
from cij.compiler.sql.moments import BEGIN_INSTANTS, CLEAR, FILL, LOCAL_NOW, NOTE_INSTANT
from cij.runtime.calendar_steps import on_day, plus_months, start_of
from cij.runtime.engine import Engine, Row
from cij.runtime.statistics import customer_count
from cij.runtime.zones import to_instant, to_local

_RULES = query(
    "SELECT r.name, r.months, r.days, r.at_time, r.weekday, r.floor, r.day, "
    "COALESCE(r.elapsed_s, 0) FROM moment_rule AS r"
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


@dataclass(slots=True)
class Calendar:
    """The calendar instants that an engine has at present.

    `shown` is what they count from: the instant of the tick and the own instant of the rows that move.
    None where rows have different ones, or nothing is known. `shown_for` is then what has these rows.
    """

    engine: Engine
    shown: tuple[datetime, datetime] | None = None
    shown_for: object = None

    def show(self, now: datetime, own: datetime | None = None) -> None:
        """Give the engine the calendar instants for `now`, and for `own` where all rows that move have
        that instant (S12). Without `own` it is `now`."""
        counted = (now, own or now)
        if self.shown != counted:
            fill_moments(self.engine, *counted)
            self.shown, self.shown_for = counted, None

    def show_rows(
        self, now: datetime, note: Statement, *, of: object = None, **parameters: object
    ) -> None:
        """Give the engine the calendar instants for `now` and for the own instants that the statement
        `note` writes into `tick_instant`, where rows have different ones.

        `of` is what has the rows: nothing is done where its instants are shown already.
        """
        if of is not None and self.shown_for is of:
            return
        self.shown, self.shown_for = None, of
        self.engine.bind_own_instant(None)
        self.engine.execute(BEGIN_INSTANTS, {"instant": now})
        self.engine.execute(note, parameters)
        self.engine.execute(CLEAR)
        self.engine.execute(FILL)

    def forget(self) -> None:
        """Take note that somebody else may have shown the engine other instants."""
        self.shown = self.shown_for = None


def fill_moments(engine: Engine, now: datetime, own: datetime | None = None) -> None:
    """Give the engine the calendar instants for `now` and the own instant of all rows that move, as
    parameters or in the table `moment`."""
    counted = {"now": now, "as_of": own or now}
    rules = engine.rows(_RULES)
    zones = [zone for zone, first, end in engine.rows(_ZONES) if first <= now < end]
    is_near = all(_is_near(rules, at) for at in counted.values())
    engine.bind_own_instant(counted["as_of"])
    if is_near and len(zones) <= _ZONES_BOUND:
        bound = {name: _by_zone(rules, zones, at) for name, at in counted.items()}
        if engine.bind_instants(bound, is_one_zone=_is_one_zone(engine, zones)):
            return
    different = sorted(set(counted.values()))
    engine.execute(CLEAR)
    if is_near and len(different) * len(zones) * (len(rules) + 1) <= _FEW:
        rows = [
            (zone, at, *row[1:])
            for at in different
            for zone in zones
            for row in moments_of(rules, zone, at)
        ]
        columns = zip(("zone", "as_of", "name", "at"), zip(*rows, strict=True), strict=True)
        engine.append("moment", dict(columns))
    else:
        engine.execute(BEGIN_INSTANTS, {"instant": different[0]})
        for at in different[1:]:
            engine.execute(NOTE_INSTANT, {"instant": at})
        engine.execute(FILL)


def _by_zone(rules: list[Row], zones: list[str], at: datetime) -> dict[str, dict[str, datetime]]:
    return {
        zone: {name: instant for _, name, instant in moments_of(rules, zone, at)} for zone in zones
    }


def _is_one_zone(engine: Engine, zones: list[str]) -> bool:
    """Tell whether there is one zone, and so many customers in it that this helps statements."""
    if len(zones) != 1 or customer_count(engine) < ONE_ZONE_MIN:
        return False
    return not engine.rows(_ELSEWHERE, {"zone": zones[0]})


def _is_near(rules: list[Row], now: datetime) -> bool:
    steps = (
        (abs(months), abs(days) + abs(elapsed) // 86400) for _, months, days, *_, elapsed in rules
    )
    return now.year < _YEAR_MAX and all(
        months <= _MONTHS_MAX and days <= _DAYS_MAX for months, days in steps
    )


def moments_of(rules: list[Row], zone: str, now: datetime) -> list[tuple[str, str, datetime]]:
    """Return the rows (zone, name, instant) of a zone: the local time, and one for each rule."""
    local = to_local(now, zone)
    found = [(zone, name, _at(rule, zone, local, now)) for name, *rule in rules]
    return [(zone, LOCAL_NOW, local), *found]


def _at(rule: list[object], zone: str, local: datetime, now: datetime) -> datetime:
    *step, at, weekday, floor, day_of_month, elapsed_s = rule
    months, days = step
    assert isinstance(months, int) and isinstance(days, int), "a rule counts months and days"
    assert isinstance(elapsed_s, int), "a rule counts seconds"
    if elapsed_s < 0:
        local = to_local(now + timedelta(seconds=elapsed_s), zone)
    base = start_of(floor, local) if isinstance(floor, str) else local
    stepped = plus_months(base + timedelta(days=min(days, 0)), months) + timedelta(
        days=max(days, 0)
    )
    if isinstance(day_of_month, int):
        stepped = on_day(stepped, day_of_month)
    if not isinstance(at, time):
        return to_instant(stepped, zone) + timedelta(seconds=max(elapsed_s, 0))
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
