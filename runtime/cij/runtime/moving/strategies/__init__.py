"""The strategies for an engine with row ids that one process owns, in the order in which they are asked.

The order matters where several apply to one batch: a few of very many are moved by their working set
even where they share a wait or have just entered. `docs/performance.md` has what each one saves.
"""

from collections.abc import Callable

from cij.runtime.moving.strategies.due_in_place import DueInPlace
from cij.runtime.moving.strategies.few_of_many import FewOfMany
from cij.runtime.moving.strategies.new_entries import NewEntries
from cij.runtime.moving.strategies.shared_plans import SharedPlans
from cij.runtime.moving.strategies.timer_cache import TimerCache
from cij.runtime.moving.strategies.warm_up import WarmUp
from cij.runtime.moving.strategy import Strategy

# Each world has its own: a strategy keeps what it knows of one store.
STRATEGIES: tuple[Callable[[], Strategy], ...] = (
    WarmUp,
    SharedPlans,
    FewOfMany,
    DueInPlace,
    NewEntries,
    TimerCache,
)
