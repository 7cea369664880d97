"""The activity of a simulated or replayed period as a value: counts by day, journey and hour."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cij.app.compile import compiled
from cij.app.config import Settings
from cij.app.known_names import require_journey
from cij.app.open_store import open_copy
from cij.app.request_error import RequestError
from cij.app.zone_times import instant
from cij.compiler.program import Program
from cij.runtime import control
from cij.runtime.activity import Course
from cij.runtime.backtest import backtest
from cij.runtime.clock import LiveClock
from cij.runtime.deploy import deploy
from cij.runtime.runner import refresh_what_can_be
from cij.runtime.simulate import simulate

# Is called with the current virtual time, and the zone to show it in.
Progress = Callable[[datetime, str], None]


@dataclass(frozen=True, slots=True)
class Activity:
    """The activity of a period. `paused` are the journeys that did not run.

    For a replay, `events` is the number of replayed events, and `every` the step to which their
    times were rounded.
    """

    course: Course
    zone: str
    paused: tuple[str, ...] = ()
    events: int = 0
    every: timedelta = timedelta()


def simulated(path: Path, days: int, start: datetime | None, progress: Progress) -> Activity:
    """Run the project at `path` for some days of virtual time, on a copy of its state.

    `start` is local to the project's zone; None is now. Nothing is sent or stored.
    """
    project, program = compiled(path)
    zone = project.settings.project.timezone
    begin = instant(start, zone) if start else LiveClock().now()
    engine = open_copy(project)
    try:
        world = deploy(engine, program, begin)
        refresh_what_can_be(world, project.root, begin)
        paused = tuple(sorted(control.journeys_in(engine, "paused")))
        end = begin + timedelta(days=days)
        course = simulate(
            world, begin, end, lambda at: progress(at, zone), limits(project.settings)
        )
    finally:
        engine.close()
    return Activity(course, zone, paused)


def replayed(
    path: Path, journey: str | None, start: datetime, end: datetime | None, progress: Progress
) -> Activity:
    """Replay the events of a past period on a copy of the state.

    Times are local to the project's zone; None is now. Without `journey` all journeys are replayed.
    Raises: RequestError for an unknown journey, or a period that ends before it begins.
    """
    project, program = compiled(path)
    zone = project.settings.project.timezone
    begin, finish = period(start, end, zone)
    program = _only(program, journey)
    # A replay changes the store, so it never gets the real one.
    engine = open_copy(project)
    try:
        found = backtest(
            engine,
            program,
            project.root,
            begin,
            finish,
            lambda at: progress(at, zone),
            limits(project.settings),
        )
    finally:
        engine.close()
    return Activity(found.course, zone, events=found.events, every=found.every)


def period(start: datetime, end: datetime | None, zone: str) -> tuple[datetime, datetime]:
    """Return the instants of a period of local times; None is now. Raises: RequestError where it is empty."""
    begin, finish = instant(start, zone), _end(end, zone)
    if begin >= finish:
        raise RequestError("`--from` is not before `--to`")
    return begin, finish


def _end(end: datetime | None, zone: str) -> datetime:
    if end is None:
        return LiveClock().now()
    # A date means the whole day, and click reads it as midnight.
    is_day = (end.hour, end.minute) == (0, 0)
    if not is_day:
        return instant(end, zone)
    # A replay includes its end, so it ends a second before the next day.
    return instant(end + timedelta(days=1), zone) - timedelta(seconds=1)


def _only(program: Program, journey: str | None) -> Program:
    if journey is None:
        return program
    require_journey(journey, [j.name for j in program.journeys])
    alone = tuple(j for j in program.journeys if j.name == journey)
    return program.model_copy(update={"journeys": alone})


def limits(settings: Settings) -> dict[str, int]:
    """Return the most messages per hour of each channel's provider, for channels with
    `per_hour` or `rate`."""
    delivery = settings.delivery
    found = {name: way.most_per_hour() for name, way in delivery.by_channel().items()}
    found["action"] = delivery.action.default.most_per_hour()
    return {name: count for name, count in found.items() if count is not None}


def as_json(found: Course) -> dict[str, Any]:
    """Return the counts in types that JSON has. Instants are ISO text with `Z`."""
    return {
        "start": found.start.isoformat() + "Z",
        "end": found.end.isoformat() + "Z",
        "ticks": found.ticks,
        "days": [{**asdict(c), "day": c.day.isoformat()} for c in found.days],
        "standing": [{**asdict(s), "day": s.day.isoformat()} for s in found.standing],
        "hours": [{**asdict(h), "hour": h.hour.isoformat()} for h in found.hours],
        "not_sent": [asdict(n) for n in found.not_sent],
        "effects": [{**asdict(e), "day": e.day.isoformat()} for e in found.effects],
        "people": [asdict(p) for p in found.people],
        "left": [asdict(x) for x in found.left],
        "failed": [{**asdict(f), "since": f.since.isoformat() + "Z"} for f in found.failed],
        "breaches": [{**asdict(h), "hour": h.hour.isoformat()} for h in found.breaches],
    }
