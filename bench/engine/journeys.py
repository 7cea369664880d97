"""`python -m bench.engine journeys [NUMBER]`: many live journeys: start, tick and memory."""

import resource
import time
from datetime import timedelta

from bench.engine.project import DATA, START, THREADS, compiled
from cij.runtime.deploy import deploy
from cij.runtime.due import next_tick
from cij.runtime.engine import open_engine
from cij.runtime.tick import tick

_JOURNEY = """
journey j{n} {{
  enter on clicked
  goal won on opened
  steps {{
    first: send email hello
    look: wait for opened(first) up to 3 days
    if points > {n} {{
      thanks: send email hello
    }} else {{
      nudge: send email hello
    }}
    day: wait 2 days
    last: send email hello
    end done
  }}
}}
"""


def main(arguments: list[str]) -> None:
    """Measure and print seconds, milliseconds and megabytes."""
    count = int(arguments[0]) if arguments else 1_000
    text = DATA + "".join(_JOURNEY.format(n=n) for n in range(count))
    start = time.perf_counter()
    program = compiled(text)
    checked = time.perf_counter()
    engine = open_engine(None, threads=THREADS)
    world = deploy(engine, program, START)
    deployed = time.perf_counter()
    ticks = []
    for n in range(5):
        begin = time.perf_counter()
        tick(world, START + timedelta(seconds=n))
        next_tick(world)
        ticks.append((time.perf_counter() - begin) * 1000)
    engine.close()
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"live journeys     {count:>10,}")
    print(f"check, from text  {checked - start:>10.2f} s")
    print(f"deploy            {deployed - checked:>10.2f} s")
    print(f"idle tick         {min(ticks):>10.1f} ms")
    print(f"peak memory       {peak_mb:>10,} MB")
