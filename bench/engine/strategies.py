"""`python -m bench.engine strategies [MASS [FEW]]`: what each strategy and pass saves of its case.

Each is left out alone, and the case it is for is run with and without it in turn. Cases: `mass`, where
MASS people enter, wait and go on at once (`steps`); `few`, where 1,000 of FEW people wake in 100 journeys
(`idle`); `event`, a tick with one event in a store of two customers.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median

from bench.engine import idle, steps
from bench.engine.project import DATA, START, compiled
from cij.compiler.sql.passes import PASSES, Pass
from cij.runtime import zones
from cij.runtime.deploy import deploy
from cij.runtime.engine import open_engine
from cij.runtime.intake import take_in
from cij.runtime.moving.strategic import StrategicMover
from cij.runtime.moving.strategies import STRATEGIES
from cij.runtime.moving.strategies.few_of_many import FewOfMany
from cij.runtime.moving.strategy import Strategy
from cij.runtime.tick import tick
from cij.runtime.world import World

_ROUNDS = 5
# Runs the case once, with these strategies and passes; returns seconds.
Case = Callable[[Sequence[Strategy], tuple[Pass, ...]], float]

_MASS = ("new_entries", "due_in_place", "warm_up", "semi_join", "number_rows")
_FEW = ("few_of_many", "shared_plans", "timer_cache")
_EVENT = ("prune_empty", "inline_instants", "one_instant")
# These passes work only on what the pass has rewritten. It is measured without them, so that its row
# has what it saves by itself.
_NEED = {"one_instant": ("semi_join", "inline_instants")}
_EVENTS = 20
_JOURNEY = """
event visit { fields { page = text } }
event bought { fields { amount = decimal } }
journey j {
  enter on visit  again always  goal won on bought
  steps { first: send email hello
          look: wait for opened(first) up to 2 days
          if any(bought within last 30 days) { more: send email hello }
          end done }
}
"""


def main(arguments: list[str]) -> None:
    """Measure and print a table."""
    mass = int(arguments[0]) if arguments else 300_000
    few = int(arguments[1]) if arguments[1:] else 3_000_000
    print(f"{'':<30} {'case':<8} {'with':>10} {'without':>10} {'saves':>8}")
    for name in _MASS:
        _row(name, "mass", *_both(name, lambda s, p: _mass(mass, s, p)))
    for name in _EVENT:
        _row(name, "event", *_both(name, _event))
    with tempfile.TemporaryDirectory() as folder:
        world = idle.world_of(few, Path(folder))
        minutes = iter(range(1, 1_000))
        for name in _FEW:
            _row(name, "few", *_both(name, lambda s, p: _few(world, next(minutes), s)))
        _row("prepare", "few", *_prepared(world, minutes))
        for name, forms in _LOCATORS.items():
            runs = [partial(_next_located, world, minutes, form) for form in forms]
            _row(name, "few", *_in_turn(runs))
        world.engine.close()


def _row(name: str, case: str, used: float, unused: float) -> None:
    saved = 1 - used / unused
    print(
        f"{name:<30} {case:<8} {used * 1000:>7.0f} ms {unused * 1000:>7.0f} ms {saved:>8.0%}",
        flush=True,
    )


def _both(name: str, case: Case) -> tuple[float, float]:
    """Return the seconds of a case with everything, and without one strategy or pass.

    Both are without the passes that need it.
    """
    others = _NEED.get(name, ())
    return _in_turn(
        [lambda: case(*_without(others)), lambda: case(*_without((*others, name)))],
    )


def _without(names: Sequence[str]) -> tuple[list[Strategy], tuple[Pass, ...]]:
    strategies = [s for s in (make() for make in STRATEGIES) if s.name not in names]
    return strategies, tuple(each for each in PASSES if each.name not in names)


def _in_turn(runs: Sequence[Callable[[], float]]) -> tuple[float, float]:
    found: list[list[float]] = [[run() for run in runs] for _ in range(_ROUNDS)]
    used, unused = (median(each) for each in zip(*found, strict=True))
    return used, unused


def _mass(people: int, strategies: Sequence[Strategy], passes: tuple[Pass, ...]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        mover = StrategicMover(strategies)
        return steps.ours(people, Path(folder), mover=mover, passes=passes).ticks_s


def _few(world: World, minute: int, strategies: Sequence[Strategy]) -> float:
    world.mover = StrategicMover(strategies)
    # Statements are printed once in a process; here that is not what is measured.
    idle.wave(world, 2 * minute - 1)
    return idle.wave(world, 2 * minute) / 1000


def _prepared(world: World, minutes: Iterator[int]) -> tuple[float, float]:
    """Return the seconds of the first wave of a mover, with its statements prepared and without."""

    def first(is_prepared: bool) -> float:
        world.mover = StrategicMover([make() for make in STRATEGIES])
        return idle.wave(world, 2 * next(minutes), is_prepared=is_prepared) / 1000

    return _in_turn([lambda: first(True), lambda: first(False)])


# How the rows of customers are found: as it is, and without one of the ways.
_LOCATORS: dict[str, list[Callable[[], FewOfMany]]] = {
    "few_of_many: row locators": [FewOfMany, lambda: FewOfMany(scattered_share=0)],
}


def _next_located(world: World, minutes: Iterator[int], make: Callable[[], FewOfMany]) -> float:
    strategies = [make() if m is FewOfMany else m() for m in STRATEGIES]
    return _few(world, next(minutes), strategies)


def _event(strategies: Sequence[Strategy], passes: tuple[Pass, ...]) -> float:
    program = compiled(DATA + _JOURNEY)
    with closing(open_engine(None, is_tiny=True, passes=passes)) as engine:
        world = deploy(engine, program, START, StrategicMover(strategies))
        zones.ensure(engine, ["Europe/Madrid"])
        columns = {"zone": "Europe/Madrid", "points": 20, "consent.news.email": True}
        rows = {name: [value] * 2 for name, value in columns.items()}
        engine.append("customer", {"id": ["ana", "bob"], **rows})
        times = [_one_event(world, hour) for hour in range(_EVENTS)]
    # The first make what the others use again.
    return median(times[_EVENTS // 2 :])


def _one_event(world: World, hour: int) -> float:
    at = START + timedelta(hours=hour)
    row = {"event": "visit", "customer": "ana", "at": at, "id": str(hour), "page": "x"}
    take_in(world.engine, world.program, [row], at)
    start = time.perf_counter()
    tick(world, at)
    return time.perf_counter() - start
