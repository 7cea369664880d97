"""Many who are due at one wait, the only ones, are read where they are stored.

Saves a copy of their passages in `tick_ready` and its deletion: a quarter of a mass wave. Applies where
the store is large, nobody else is ready, no journey is paused, and all who are due are at one wait.
Obsolete where a tick keeps who is ready in the passages themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cij.compiler.sql.derived.due_in_place import due_form
from cij.compiler.sql.interning import number_of
from cij.compiler.sql.plan import WAKE_DUE, JourneyPlan
from cij.compiler.sql.plan.plan_parts import Steps
from cij.runtime import control
from cij.runtime.moving.batch import Batch, Moved, Ready
from cij.runtime.moving.strategy import Due, PerRegion, Strategy
from cij.runtime.statistics import customer_count
from cij.runtime.store import passages
from cij.runtime.world import World


@dataclass(frozen=True, slots=True)
class _Due:
    plan: JourneyPlan
    root: str
    state: int
    people: int
    due: Due
    as_of: datetime


class DueInPlace(Strategy):
    """Holds back those who are due. In a store with fewer customers than `customers_min` looking where
    they are costs as much as it saves."""

    name = "due_in_place"

    def __init__(self, customers_min: int = 20_000) -> None:
        self.customers_min = customers_min
        self._due: _Due | None = None
        self._forms: PerRegion[Steps] = PerRegion(due_form)

    def wake_due(self, world: World, due: Due) -> int | None:
        if not due.is_alone or customer_count(world.engine) < self.customers_min:
            return None
        if control.standing_still(world.engine):
            return None
        self._due = self._at_one_wait(world, due)
        return self._due.people if self._due else None

    def _at_one_wait(self, world: World, due: Due) -> _Due | None:
        waits = world.engine.rows(passages.DUE_NOW, {"now": due.until})
        if len(waits) != 1:
            return None
        version, state, people, first, last = waits[0]
        if not due.are_at_once(world, first, last):
            # At different instants: of each customer the earliest goes first (S12).
            return None
        for plan in world.journeys.values():
            if number_of(plan.version) == version:
                for name, root in plan.timers.items():
                    if number_of(name) == state:
                        return _Due(plan, root, state, people, due, max(last, due.since))
        return None

    def held(self) -> Sequence[Ready]:
        due = self._due
        if due is None:
            return ()
        at = due.as_of
        return [Ready(due.plan.name, due.plan.version, due.root, due.people, at, at)]

    def release(self, world: World) -> None:
        due, self._due = self._due, None
        if due is not None:
            world.engine.execute(WAKE_DUE, due.due.parameters)

    def applies(self, world: World, batch: Batch) -> bool:
        return self._due is not None

    def run(self, world: World, batch: Batch, moved: Moved) -> None:
        due, self._due = self._due, None
        assert due is not None, "it applies to those who are held back"
        parameters = {**batch.parameters, "due": due.due.until, "state": due.state}
        for step, statement in self._forms.of(due.plan, due.plan.regions[due.root]):
            moved.add(step, world.engine.execute(statement, parameters, rows=due.people))

    def forget(self) -> None:
        self._due = None
