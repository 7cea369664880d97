"""Time zones: periods of constant offset, computed from zoneinfo for the table `zone` (S4).

Instants and local times are datetimes without a zone. Local time is the instant plus the offset.
All engines read this table, so their own zone data has no influence.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from cij.compiler.sql import zones as statements
from cij.runtime.engine import Engine
from cij.runtime.errors import ConfigError
from cij.runtime.report_data import UnknownZone
from cij.runtime.zone_names import zone_names

FIRST_YEAR, LAST_YEAR = 1970, 2100

# The first and the last period include all instants that a calendar can express, so a lookup always
# finds a row.
_BEGIN = datetime(1, 1, 2)
_END = datetime(9999, 12, 30)

# No two changes of one zone are closer than this. The closest since 1970 are in Gaza, between 7 and
# 14 days.
_STEP = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Period:
    """A row of the table `zone`. The columns are explained in `cij.compiler.sql.zones`."""

    utc_from: datetime
    utc_to: datetime
    local_from: datetime
    local_to: datetime
    offset_s: int


@lru_cache(maxsize=1024)
def periods(zone: str) -> tuple[Period, ...]:
    """Return the periods of a zone in order, without gaps. The zone must exist."""
    changes = list(_changes(ZoneInfo(zone)))
    nexts = [*changes[1:], (_END, changes[-1][1])]
    found: list[Period] = []
    local_from = datetime.min
    for (start, offset_s), (end, next_s) in zip(changes, nexts, strict=True):
        # Local times that the next period skips or repeats are read with the offset before (S4). A
        # period shorter than the hour that it repeats would end, in local time, before it begins.
        local_to = max(local_from, end + timedelta(seconds=max(offset_s, next_s)))
        found.append(Period(start, end, local_from, local_to, offset_s))
        local_from = local_to
    return tuple(found)


def is_zone(name: str) -> bool:
    """Tell whether there is a time zone with this name. Upper and lower case differ."""
    return name in zone_names()


def to_local(at: datetime, zone: str) -> datetime:
    """Return the local time of an instant."""
    try:
        return at + timedelta(seconds=period_at(at, zone).offset_s)
    except OverflowError:
        # In its first and last hours the calendar has no room for an offset.
        return at


def period_at(at: datetime, zone: str) -> Period:
    """Return the period of constant offset of an instant."""
    found = periods(zone)
    i = bisect_right(found, at, key=lambda p: p.utc_from) - 1
    return found[max(i, 0)]


def to_instant(local: datetime, zone: str) -> datetime:
    """Return the instant of a local time. S4 decides where it is skipped or repeated."""
    found = periods(zone)
    period = found[min(bisect_right(found, local, key=lambda p: p.local_to), len(found) - 1)]
    return max(local - timedelta(seconds=period.offset_s), period.utc_from)


def ensure(engine: Engine, names: Iterable[str]) -> None:
    """Add the rows of zones that the table lacks. Names that are no zones are ignored."""
    there = {row[0] for row in engine.rows(statements.NAMES)}
    missing = sorted(n for n in set(names) - there if is_zone(n))
    rows = [(name, p) for name in missing for p in periods(name)]
    if not rows:
        return
    columns: dict[str, list[object]] = {"name": [name for name, _ in rows]}
    for field in Period.__slots__:
        columns[field] = [getattr(p, field) for _, p in rows]
    engine.append("zone", columns)


def unknown(engine: Engine) -> tuple[UnknownZone, ...]:
    """Return the values of `timezone` that are no zones, those of most customers first, at most 20.

    There are none in a store without customers or without this field.
    """
    if not {"timezone", "zone"} <= engine.columns_of("customer").keys():
        return ()
    return tuple(UnknownZone(*row) for row in engine.rows(statements.UNKNOWN))


def require(name: str, of: str) -> str:
    """Return the name of a zone.

    Raises ConfigError where it does not exist; `of` names its owner.
    """
    if not is_zone(name):
        raise ConfigError(
            f'{of} has the time zone "{name}", which does not exist; see the names of the tz database'
        )
    return name


def _changes(zone: ZoneInfo) -> Iterable[tuple[datetime, int]]:
    """Yield (instant, offset from then on in seconds). The first instant is before all others."""
    at = datetime(FIRST_YEAR, 1, 1)
    offset = _offset_s(zone, at)
    yield _BEGIN, offset
    while at.year <= LAST_YEAR:
        after = at + _STEP
        if (now := _offset_s(zone, after)) != offset:
            yield _first_second(zone, at, after, offset), now
        at, offset = after, now


def _first_second(zone: ZoneInfo, low: datetime, high: datetime, offset: int) -> datetime:
    # Binary search. Invariant: `low` has the old offset, `high` has the new one.
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
        low, high = (middle, high) if _offset_s(zone, middle) == offset else (low, middle)
    return high


def _offset_s(zone: ZoneInfo, at: datetime) -> int:
    offset = at.replace(tzinfo=UTC).astimezone(zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())
