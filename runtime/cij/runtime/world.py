"""What a tick works on: a store, and the plans that are live in it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from cij.compiler.program import Program
from cij.compiler.sql.plan import CLEAR_ENTERED, FormPlan, JourneyPlan, Plan
from cij.runtime.agenda import Agenda
from cij.runtime.engine import Engine
from cij.runtime.migrate import Change


@dataclass(frozen=True, slots=True)
class Unwritten:
    """Those who have entered a journey and are neither written nor woken yet: that can be done where
    they have come to. `entered` are how many."""

    plan: JourneyPlan
    entered: int
    parameters: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Due:
    """Those whose time has come at one rest, the only ones, who are not woken: they can be read where
    they stand. `root` is where its timer leads, `rest` its number, `people` how many they are."""

    plan: JourneyPlan
    root: str
    rest: int
    people: int


@dataclass(slots=True)
class World:
    """`newest` decides who enters and which segments are kept; `journeys` holds every version in
    which somebody still is, by name and version (S21). In virtual time nobody looks on between two
    instants at which something can change, so those are left out.
    `changes` is what deploying meant for those who were inside. `priorities` are those of the
    newest program, of journeys that have one. `forms` are what journeys have in common, made when
    several of them move at once. `agenda` tells when the next timers are due, None where it is not
    known: somebody has moved since it was looked up. `last_tick` is the instant of the last tick,
    None where it is not known. `are_queues_seen` tells that the limits of this program have had
    their say about those who wait to enter: those of the program before may have let in fewer.
    `unwritten` are the last who have entered in this tick, `due` those who are due while nobody else
    is woken. `has_room` tells that very many can move at once on all cores.
    """

    engine: Engine
    program: Program
    newest: Plan
    journeys: dict[tuple[str, str], JourneyPlan] = field(default_factory=dict)
    is_virtual: bool = False
    changes: list[Change] = field(default_factory=list)
    priorities: dict[str, int] = field(init=False)
    forms: dict[str, FormPlan] = field(default_factory=dict)
    agenda: Agenda | None = None
    last_tick: datetime | None = None
    are_queues_seen: bool = False
    unwritten: Unwritten | None = None
    due: Due | None = None
    has_room: bool = False

    def __post_init__(self) -> None:
        self.priorities = {j.name: j.priority for j in self.newest.journeys if j.priority}

    @contextmanager
    def taken_back(self) -> Iterator[None]:
        """Forget what is known of ticks, timers and entries where a transaction inside fails."""
        try:
            yield
        except BaseException:
            self.agenda = self.last_tick = self.unwritten = self.due = None
            self.are_queues_seen = False
            raise

    def write_passages(self) -> None:
        """Write and wake those who have entered, before somebody asks for their passages."""
        if self.unwritten is not None:
            admit, parameters = self.unwritten.plan.admit, self.unwritten.parameters
            self.engine.execute(admit.write, parameters)
            self.engine.execute(admit.wake, parameters)
            self.engine.execute(CLEAR_ENTERED)
            self.unwritten = None

    def journey(self, name: str, version: str) -> JourneyPlan:
        """Return the plan of one version, which is known to be live."""
        plan = self.journeys.get((name, version))
        assert plan is not None, f"no plan of {name} in version {version[:8]}"
        return plan

    def form(self, plan: JourneyPlan) -> FormPlan:
        """Return what the journeys of the form of `plan` have in common."""
        key = plan.form.key
        if key not in self.forms:
            self.forms[key] = plan.form.make()
        return self.forms[key]
