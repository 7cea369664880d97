"""The world of a tick: a store, and the plans that are live in it."""

from collections.abc import Iterator, Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field

from cij.compiler.program import Program
from cij.compiler.sql.plan import JourneyPlan, Plan
from cij.runtime.engine import Engine
from cij.runtime.migrate import Change
from cij.runtime.moving.mover import Mover
from cij.runtime.store.aside import Kind


@dataclass(slots=True)
class World:
    """A store with the plans that are live in it.

    - `newest`: the plan of the newest program. It decides who enters and which segments are kept.
    - `journeys`: the plans of all versions with open passages, by name and version (S21).
    - `is_virtual`: time is virtual. Nothing is evaluated between two instants at which something
      can change.
    - `changes`: the changes of open passages at the deployment.
    - `priorities`: the priorities of journeys of the newest program that have one.
    - `are_queues_seen`: the limits of this program have been applied to the entry queues. The
      program before may have had lower limits.
    - `aside`: the plans of journeys that failed. None of their statements runs (S28).
    - `at_work`: the kind and name of what the running statement is for, so that its failure can be
      attributed.
    """

    engine: Engine
    program: Program
    newest: Plan
    mover: Mover
    journeys: dict[tuple[str, str], JourneyPlan] = field(default_factory=dict)
    is_virtual: bool = False
    changes: list[Change] = field(default_factory=list)
    priorities: dict[str, int] = field(init=False)
    are_queues_seen: bool = False
    aside: dict[tuple[str, str], JourneyPlan] = field(default_factory=dict)
    at_work: tuple[Kind, str] | None = None

    def __post_init__(self) -> None:
        self.priorities = {j.name: j.priority for j in self.newest.journeys if j.priority}

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run the statements inside atomically. An error also drops what the mover has cached."""
        try:
            with self.engine.transaction():
                yield
        except BaseException:
            self.mover.forget()
            self.are_queues_seen = False
            raise

    @contextmanager
    def working_on(self, kind: Kind, name: str) -> Iterator[None]:
        """Set `at_work` for the statements inside. After an error it stays, to name what failed."""
        before, self.at_work = self.at_work, (kind, name)
        yield
        self.at_work = before

    def leave_out(self, names: AbstractSet[str]) -> None:
        """Put the plans of these journeys aside, in all versions, and put back those of all
        others."""
        if names == {name for name, _ in self.aside}:
            return
        plans = {**self.journeys, **self.aside}
        self.aside = {key: plan for key, plan in plans.items() if key[0] in names}
        self.journeys = {key: plan for key, plan in plans.items() if key[0] not in names}

    @contextmanager
    def without(self, names: AbstractSet[str]) -> Iterator[None]:
        """Run the statements inside without the plans of these journeys."""
        plans = self.journeys
        self.journeys = {key: plan for key, plan in plans.items() if key[0] not in names}
        try:
            yield
        finally:
            self.journeys = plans

    def journey(self, name: str, version: str) -> JourneyPlan:
        """Return the plan of one version. The caller knows that it is live."""
        plan = self.journeys.get((name, version))
        assert plan is not None, f"no plan of {name} in version {version[:8]}"
        return plan
