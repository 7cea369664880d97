"""`python -m bench.engine intake [SECONDS]`: events as they come, with a million people waiting.

2,000 events a second of ten names come through the store's intake function. Each ends the wait of
the person who did it, in one of 100 journeys, and brings about a message. What has come is taken in
and ticked at once, then what has come meanwhile, with the log folded into the file when it has grown,
as `cij run` does it. Time is from the arrival of an event to the commit of its row in the outbox.
"""

import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from bench.engine.project import DATA, START, THREADS, compiled, waiting
from cij.compiler.sql import query
from cij.runtime.engine import open_engine
from cij.runtime.intake import take_in
from cij.runtime.tick import tick
from cij.runtime.world import World

_JOURNEYS, _NAMES = 100, 10
_PEOPLE = 1_000_000
_RATE = 2_000
_EVENT = "event e{n} {{}}\n"
_JOURNEY = """
journey j{n} {{
  enter on clicked
  steps {{
    day: wait for e{event} up to 60 days
    hello: send email hello
    end done
  }}
}}
"""
_SENT = query("SELECT COUNT(*) FROM outbox")


def main(arguments: list[str]) -> None:
    """Measure and print the percentiles."""
    seconds = int(arguments[0]) if arguments else 60
    text = DATA + "".join(_EVENT.format(n=n) for n in range(_NAMES))
    text += "".join(_JOURNEY.format(n=n, event=n % _NAMES) for n in range(_JOURNEYS))
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(Path(folder) / "intake.duckdb", threads=THREADS)
        world = waiting(engine, compiled(text), _PEOPLE, "day")
        engine.maintain(is_thorough=True)
        cpu = time.process_time()
        taken, ticks = _run(world, seconds * _RATE)
        cpu_s = time.process_time() - cpu
        sent = engine.rows(_SENT)[0][0]
        engine.close()
    marks = statistics.quantiles(taken, n=100)
    print(f"events                 {len(taken):>12,} at {_RATE:,} a second")
    print(f"messages               {sent:>12,} in {ticks:,} ticks")
    print(f"CPU of all threads     {cpu_s:>12.2f} s in {seconds} s")
    print(f"arrival to commit p50  {marks[49]:>12.2f} s")
    print(f"arrival to commit p99  {marks[98]:>12.2f} s")


def _run(world: World, count: int) -> tuple[list[float], int]:
    """Return the seconds of every event and the number of ticks."""
    start, done, ticks, taken = time.perf_counter(), 0, 0, list[float]()
    while done < count:
        spent = time.perf_counter() - start
        come = min(int(spent * _RATE), count)
        if come == done:
            time.sleep(0.001)
            continue
        now = START + timedelta(seconds=spent)
        rows = [_row(n) for n in range(done, come)]
        take_in(world.engine, world.program, rows, now)
        tick(world, now)
        at = time.perf_counter() - start
        taken += [at - n / _RATE for n in range(done, come)]
        done, ticks = come, ticks + 1
        world.engine.maintain()
    return taken, ticks


def _row(n: int) -> dict[str, str]:
    # A step that shares no factor with the number of people: everybody once, all over the table.
    who = n * 7_919 % _PEOPLE
    journey = who // (_PEOPLE // _JOURNEYS)
    return {"event": f"e{journey % _NAMES}", "customer": f"c{who}", "id": str(n)}
