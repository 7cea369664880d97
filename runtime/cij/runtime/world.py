"""What a tick works on: a store, and the plans that are live in it."""

from collections.abc import Iterator, Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field

from cij.compiler.program import Program
from cij.compiler.sql.plan import JourneyPlan, Plan
from cij.compiler.sql.uncomputed import Calculation, calculations
from cij.runtime.engine import Engine
from cij.runtime.migrate import Change
from cij.runtime.moments import Calendar
from cij.runtime.moving.mover import Mover
from cij.runtime.store.aside import Kind


@dataclass(slots=True)
class World:
    """A store with the programs that are live in it.

    `newest` decides who enters and which segments are kept; `journeys` has every version in which
    somebody still is, by name and version (S21). `mover` moves people. In virtual time (`is_virtual`)
    nothing is looked at between two instants at which something can change. `changes` is what deploying
    meant for those who were inside. `priorities` are those of the newest program, of journeys that have
    one. `are_queues_seen` tells that the limits of this program have been applied to the entry queues:
    those of the program before may have let in fewer. `events_read` has the events that can change
    something: a journey waits for them, or a condition counts them.

    `reads` has what versions read, as far as a report has asked for it (S31).

    `aside` has the plans of the journeys that failed: nothing of them runs (S28). `at_work` names what
    the statement that is running is for: the kind, as `journey`, and the name. `calendar` is what the
    engine knows of calendar steps.
    """

    engine: Engine
    program: Program
    newest: Plan
    mover: Mover
    journeys: dict[tuple[str, str], JourneyPlan] = field(default_factory=dict)
    is_virtual: bool = False
    changes: list[Change] = field(default_factory=list)
    priorities: dict[str, int] = field(init=False)
    _calculations: tuple[Calculation, ...] | None = field(default=None, init=False)
    events_read: frozenset[str] = frozenset()
    are_queues_seen: bool = False
    aside: dict[tuple[str, str], JourneyPlan] = field(default_factory=dict)
    at_work: tuple[Kind, str] | None = None
    reads: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    calendar: Calendar = field(init=False)

    @property
    def calculations(self) -> tuple[Calculation, ...]:
        """All calculations that may have no result for some customers; made when first asked for."""
        if self._calculations is None:
            self._calculations = tuple(calculations(self.program))
        return self._calculations

    def __post_init__(self) -> None:
        self.calendar = Calendar(self.engine)
        self.priorities = {j.name: j.priority for j in self.newest.journeys if j.priority}

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, in the store and in what is known of it."""
        try:
            with self.engine.transaction():
                yield
        except BaseException:
            self.mover.forget()
            self.calendar.forget()
            self.are_queues_seen = False
            raise

    @contextmanager
    def working_on(self, kind: Kind, name: str) -> Iterator[None]:
        """Note for what the statements within this are. After an error the note stays: it says whose
        statement failed."""
        before = self.at_work
        self.at_work = kind, name
        yield
        self.at_work = before

    def at_nothing(self) -> None:
        """Forget whose statement failed before."""
        self.at_work = None

    def leave_out(self, names: AbstractSet[str]) -> None:
        """Have nothing run of these journeys, in any version, and everything of all others."""
        if names == {name for name, _ in self.aside}:
            return
        plans = {**self.journeys, **self.aside}
        self.aside = {key: plan for key, plan in plans.items() if key[0] in names}
        self.journeys = {key: plan for key, plan in plans.items() if key[0] not in names}

    @contextmanager
    def without(self, names: AbstractSet[str]) -> Iterator[None]:
        """Within this, have nothing run of these journeys."""
        plans = self.journeys
        self.journeys = {key: plan for key, plan in plans.items() if key[0] not in names}
        try:
            yield
        finally:
            self.journeys = plans

    def journey(self, name: str, version: str) -> JourneyPlan:
        """Return the plan of one version, which is known to be live."""
        plan = self.journeys.get((name, version))
        assert plan is not None, f"no plan of {name} in version {version[:8]}"
        return plan
