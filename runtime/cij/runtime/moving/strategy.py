"""What a strategy is: a cheaper way to do one thing, for batches to which it applies.

A strategy may hold people back: it has admitted or woken them, and has written neither passages nor rows
of `tick_ready`, because it can move them without. `held` has them; `release` writes them the plain way.
Statements that read passages release them by themselves (`Engine.defer`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from cij.compiler.sql import Statement
from cij.compiler.sql.plan import JourneyPlan, RegionPlan
from cij.runtime.moving.batch import Batch, Group, Moved, Reaction, Ready
from cij.runtime.moving.mover import Parameters
from cij.runtime.store.control import RESUMING
from cij.runtime.world import World

Form = TypeVar("Form")


@dataclass(frozen=True, slots=True)
class Due:
    """The timers up to `until`, in the tick at `now`; `since` is the last tick. With `is_alone` nobody else
    is ready."""

    until: datetime
    now: datetime
    since: datetime
    is_alone: bool

    @property
    def parameters(self) -> Parameters:
        """The parameters of the statements that wake."""
        return {"now": self.until, "tick": self.now, "since": self.since}

    def are_at_once(self, world: World, first: datetime, last: datetime) -> bool:
        """Tell whether timers between two instants have the same own instant (S12), so that nobody has an
        earlier one."""
        return (first == last or last <= self.since) and not world.engine.rows(RESUMING)


class Strategy:
    """A strategy that never applies; each one overrides what it does otherwise.

    `admit`, `wake_due`, `group`, `reactions` and `next_timer` return None where the strategy does not
    apply: the next one is asked, and at last the plain mover.
    """

    name = ""

    def admit(
        self, world: World, plan: JourneyPlan, find: Statement, parameters: Parameters
    ) -> int | None:
        """As `Mover.admit`."""
        return None

    def wake_due(self, world: World, due: Due) -> int | None:
        """As `Mover.wake_due`; with `is_alone` nobody else is ready."""
        return None

    def held(self) -> Sequence[Ready]:
        """Return the people whom it holds back."""
        return ()

    def release(self, world: World) -> None:
        """Write the people whom it holds back the plain way."""

    def begin_round(self, world: World, events: Mapping[str, int], round: int) -> None:
        """Prepare for the events of a round, before anything is done with them."""

    def reactions(
        self, world: World, plans: Sequence[JourneyPlan], event: str, paused: Iterable[str]
    ) -> Sequence[Reaction] | None:
        """Return what an event does in the journeys."""
        return None

    def narrow(self, world: World, plans: Sequence[JourneyPlan]) -> Sequence[JourneyPlan]:
        """Return the journeys in which the events of the round can do something."""
        return plans

    def rewrite(self, statement: Statement) -> Statement:
        """Return a statement of a reaction as it should run in this round."""
        return statement

    def group(self, world: World, ready: Sequence[Ready]) -> list[Group] | None:
        """Return the groups in which people move."""
        return None

    def applies(self, world: World, batch: Batch) -> bool:
        """Tell whether it moves this batch."""
        return False

    def run(self, world: World, batch: Batch, moved: Moved) -> None:
        """Move a batch to which it applies."""
        raise AssertionError(f"{self.name} moves nobody")

    def done(self) -> None:
        """Take note that nobody is ready any more."""

    def next_timer(self, world: World) -> tuple[datetime | None] | None:
        """Return the instant of the next timer, in a tuple, for nobody may wait."""
        return None

    def timers_changed(self) -> None:
        """Take note that somebody has moved, nobody knows where to."""

    def prepare(self, world: World, ready: Sequence[Ready]) -> bool:
        """Do ahead what a tick in which these people are due will need; tell whether it did."""
        return False

    def begin_tick(self, world: World) -> None:
        """Prepare for a tick, before its transaction."""

    def forget(self) -> None:
        """Forget everything that is known of the store."""


class PerRegion(Generic[Form]):
    """Forms that are made of regions when they are first asked for, and kept."""

    def __init__(self, make: Callable[[JourneyPlan, RegionPlan], Form]) -> None:
        self._make = make
        self._made: dict[RegionPlan, Form] = {}

    def of(self, plan: JourneyPlan, region: RegionPlan) -> Form:
        """Return the form of a region of a journey."""
        if region not in self._made:
            self._made[region] = self._make(plan, region)
        return self._made[region]
