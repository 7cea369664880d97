"""`python -m bench.engine idle [PEOPLE]`: ticks while people wait in 100 journeys.

An idle tick finds nothing due. Then 1,000 people of all journeys wake at once and are sent a message.
Before the first such tick its statements are made ahead, as `cij run` does while nothing is due.
"""

import statistics
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

from bench.engine.project import DATA, START, THREADS, compiled, waiting
from cij.compiler.sql import query
from cij.runtime.due import next_tick
from cij.runtime.engine import open_engine
from cij.runtime.tick import tick
from cij.runtime.world import World

_JOURNEYS = 100
_WAKING = 1_000
_JOURNEY = """
journey j{n} {{
  enter from segment loyal
  steps {{
    day: wait 30 days
    hello: send email hello
    end done
  }}
}}
"""
_SEEN = query("UPDATE journey_state SET entered_until = $now")
_LOOKED = query(
    "INSERT INTO segment_state (segment, evaluated_at, definition, joined_at) "
    "VALUES ('loyal', $now, '', $now - INTERVAL '1' DAY)"
)
# Drawn by lot: they stand anywhere.
_WAKE = query(
    "UPDATE passage_row SET wake_at = $at WHERE id IN "
    "(SELECT p.id FROM passage_row AS p WHERE p.ended_at IS NULL "
    "ORDER BY HASH(p.id + $turn) LIMIT $waking)"
)
_SENT = query("SELECT COUNT(*) FROM outbox")


def main(arguments: list[str]) -> None:
    """Measure and print milliseconds."""
    people = int(arguments[0]) if arguments else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        world = world_of(people, Path(folder))
        engine = world.engine
        idle = [_timed(world, START + timedelta(seconds=n)) for n in range(1, 12)]
        wake = {"waking": _WAKING, "turn": 0, "at": START + timedelta(minutes=1)}
        _have_wake(world, wake)
        _timed(world, START + timedelta(seconds=30))
        ahead = _made_ready(world, START + timedelta(minutes=1))
        first, first_cpu = _timed(world, START + timedelta(minutes=1))
        _have_wake(world, wake | {"turn": 1, "at": START + timedelta(minutes=2)})
        _timed(world, START + timedelta(seconds=90))
        again, again_cpu = _timed(world, START + timedelta(minutes=2))
        sent = engine.rows(_SENT)[0][0]
        assert sent == 2 * _WAKING, "who woke was sent a message"
        engine.close()
    print(f"people waiting                 {people:>12,} in {_JOURNEYS} journeys")
    clock, cpu = (statistics.median(times) for times in zip(*idle, strict=True))
    print("                                      clock          CPU, all threads")
    print(f"idle tick, median of {len(idle)}        {clock:>12.1f} ms {cpu:>9.1f} ms")
    print(
        f"tick in which {_WAKING:,} wake      {first:>12.1f} ms {first_cpu:>9.1f} ms   (the first)"
    )
    print(f"the same again                 {again:>12.1f} ms {again_cpu:>9.1f} ms")
    print(f"made ready ahead of the first  {ahead:>12.1f} ms")
    print(f"messages                       {sent:>12,}")


def world_of(people: int, folder: Path) -> World:
    """Return a world in which people wait in all journeys."""
    engine = open_engine(folder / "idle.duckdb", threads=THREADS)
    text = DATA + "".join(_JOURNEY.format(n=n) for n in range(_JOURNEYS))
    world = waiting(engine, compiled(text), people, "day")
    engine.execute(_LOOKED, {"now": START})
    engine.execute(_SEEN, {"now": START})
    engine.maintain(is_thorough=True)
    return world


def wave(world: World, minute: int, *, is_prepared: bool = True) -> float:
    """Return the milliseconds of a tick in which 1,000 people wake, drawn anew for each `minute`."""
    at = START + timedelta(minutes=minute)
    _have_wake(world, {"waking": _WAKING, "turn": minute, "at": at})
    _timed(world, at - timedelta(seconds=30))
    if is_prepared:
        world.mover.prepare(world, at)
    return _timed(world, at)[0]


def _have_wake(world: World, parameters: dict[str, object]) -> None:
    """Change when some wake, behind the back of the engine."""
    world.engine.execute(_WAKE, parameters)
    world.mover.forget()
    world.engine.maintain(is_thorough=True)


def _made_ready(world: World, at: datetime) -> float:
    """Return the milliseconds of making ready for those who are due then."""
    start = time.perf_counter()
    assert world.mover.prepare(world, at), "somebody is due"
    return (time.perf_counter() - start) * 1000


def _timed(world: World, now: datetime) -> tuple[float, float]:
    """Return the milliseconds of a tick, and those of all threads."""
    start, cpu = time.perf_counter(), time.process_time()
    tick(world, now)
    next_tick(world)
    return (time.perf_counter() - start) * 1000, (time.process_time() - cpu) * 1000
