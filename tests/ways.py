"""Ways to move people: the plain mover, each strategy and pass alone, and all of them together.

Thresholds are such that each applies to the few people of a test. All ways have to do the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from cij.compiler.sql.passes import PASSES, Pass
from cij.compiler.sql.passes.semi_join import semi_join
from cij.runtime.engine import Engine, open_engine
from cij.runtime.moving.mover import Mover
from cij.runtime.moving.plain import PlainMover
from cij.runtime.moving.strategic import StrategicMover
from cij.runtime.moving.strategies import STRATEGIES
from cij.runtime.moving.strategies.due_in_place import DueInPlace
from cij.runtime.moving.strategies.few_of_many import FewOfMany
from cij.runtime.moving.strategies.new_entries import NewEntries
from cij.runtime.moving.strategies.shared_plans import SharedPlans
from cij.runtime.moving.strategies.timer_cache import TimerCache
from cij.runtime.moving.strategy import Strategy


@dataclass(frozen=True)
class Way:
    """How people are moved: the strategies of a world, the passes of its engine."""

    strategies: Callable[[], list[Strategy]] | None = None
    passes: tuple[Pass, ...] = ()

    def mover(self) -> Mover:
        return StrategicMover(self.strategies()) if self.strategies else PlainMover()

    def engine(self, *, is_tiny: bool = True) -> Engine:
        return open_engine(None, threads=1, is_tiny=is_tiny, passes=self.passes)


def always(name: str) -> Pass:
    """Return a pass that applies to any number of people."""
    found = next(each for each in PASSES if each.name == name)
    return Pass(name, partial(semi_join, rows_min=0)) if name == "semi_join" else found


ALL_PASSES = tuple(always(each.name) for each in PASSES)


def _by_itself(each: Pass) -> tuple[Pass, ...]:
    """Return a pass alone. Most apply only where rows read no instant of their own (`one_instant`)."""
    first = always("one_instant")
    return (each,) if each == first else (first, each)


def _few() -> FewOfMany:
    return FewOfMany(customers_min=0, share_max=1_000)


def _scattered() -> FewOfMany:
    return FewOfMany(customers_min=0, share_max=1_000, scattered_share=1_000)


PLAIN = Way()
# What a store of this size gets by itself.
DEFAULT = Way(lambda: [make() for make in STRATEGIES], PASSES)

WAYS: dict[str, Way] = {
    "all passes": Way(None, ALL_PASSES),
    **{f"pass {each.name}": Way(None, _by_itself(each)) for each in ALL_PASSES},
    "no strategy": Way(list),
    "shared_plans": Way(lambda: [SharedPlans()]),
    "few_of_many": Way(lambda: [_few()]),
    "few_of_many by hash and row": Way(lambda: [_scattered()]),
    "due_in_place": Way(lambda: [DueInPlace(customers_min=0)]),
    "new_entries": Way(lambda: [NewEntries(at_once_min=10**9)]),
    "new_entries at once": Way(lambda: [NewEntries(at_once_min=0)]),
    "timer_cache": Way(lambda: [_few(), TimerCache(customers_min=0)]),
    "all for few": Way(
        lambda: [SharedPlans(), _few(), DueInPlace(0), NewEntries(0), TimerCache(0)], ALL_PASSES
    ),
    "all for many": Way(
        lambda: [SharedPlans(), DueInPlace(0), NewEntries(0), TimerCache(0)], ALL_PASSES
    ),
    "as a small store": DEFAULT,
}
