"""Simulation: the same tick in virtual time, on a copy, with nothing delivered.

Time jumps from due instant to due instant, so 30 days cost what happens in them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from cij.compiler.sql import Statement, query
from cij.compiler.sql.plan.days import local_day
from cij.runtime.clock import SimulatedClock
from cij.runtime.due import next_tick
from cij.runtime.tick import tick
from cij.runtime.world import World

_DELIVER = query(
    "UPDATE outbox SET outcome = 'delivered', settled_at = $now, due_at = NULL "
    "WHERE outcome = 'queued' "
    "AND NOT journey IN (SELECT k.journey FROM journey_control AS k WHERE k.state = 'paused')"
)

Progress = Callable[[datetime], None]


@dataclass(frozen=True, slots=True)
class DayCount:
    """`count` of one thing on one local day; `what` is entered, sent, done, converted or ended."""

    day: date
    journey: str
    what: str
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Simulation:
    """What would happen from `start` to `end`; days are those of the project's zone."""

    start: datetime
    end: datetime
    ticks: int
    days: tuple[DayCount, ...]


def run_to(world: World, clock: SimulatedClock, end: datetime, progress: Progress) -> int:
    """Tick at every instant at which something is due, up to and with `end`; return how many."""
    count = run_while(world, clock, lambda at: at <= end, progress)
    clock.advance_to(end)
    return count


def run_while(
    world: World, clock: SimulatedClock, is_wanted: Callable[[datetime], bool], progress: Progress
) -> int:
    """As `run_to`, for the instants that are wanted; the clock stays at the last of them."""
    count = 0
    world.is_virtual = True
    while (due := next_tick(world)) is not None and is_wanted(at := max(due, clock.now())):
        clock.advance_to(at)
        tick(world, at)
        world.engine.execute(_DELIVER, {"now": at})
        progress(at)
        count += 1
    return count


def simulate(world: World, start: datetime, end: datetime, progress: Progress) -> Simulation:
    """Run a world forward in virtual time. Its data stays as it is at the start."""
    count = run_to(world, SimulatedClock(start), end, progress)
    parameters = {"start": start, "end": end, "zone": world.program.timezone}
    rows = [
        DayCount(day, journey, what, name, n)
        for what, statement in _COUNTS.items()
        for day, journey, name, n in world.engine.rows(statement, parameters)
    ]
    order = list(_COUNTS)
    rows.sort(key=lambda r: (r.day, r.journey, order.index(r.what), r.name))
    return Simulation(start, end, count, tuple(rows))


def _counted(table: str, at: str, name: str, which: str = "TRUE") -> Statement:
    return query(
        f"SELECT {{day}} AS day, x.journey, {name} AS name, COUNT(*) FROM {table} AS x "
        f"WHERE x.{at} >= $start AND x.{at} <= $end AND {which} GROUP BY 1, 2, 3",
        day=local_day("x", at),
    )


_WITH_OUTCOME = "CONCAT(x.message, ' (', x.outcome, ')')"

_COUNTS: dict[str, Statement] = {
    "entered": _counted("passage", "entered_at", "''"),
    "sent": _counted("outbox", "created_at", _WITH_OUTCOME, "x.channel <> 'action'"),
    "done": _counted("outbox", "created_at", _WITH_OUTCOME, "x.channel = 'action'"),
    "converted": _counted("conversion", "at", "x.goal"),
    "ended": _counted("passage", "ended_at", "x.outcome"),
}
