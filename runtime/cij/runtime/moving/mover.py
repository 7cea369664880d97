"""What a tick needs of a mover. No table, threshold or engine is named here."""

from collections.abc import Mapping, Set as AbstractSet
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from cij.compiler.sql import Statement
from cij.compiler.sql.plan import JourneyPlan

if TYPE_CHECKING:
    from cij.runtime.event_rounds import Round
    from cij.runtime.world import World

Parameters = Mapping[str, object]

# Beyond all rounds: no event is still to come.
AFTER_EVENTS = 2**62


class Mover(Protocol):
    """Moves people through the journeys of a world. All mover do the same to the store; they differ in
    what it costs. Everything runs in the transaction of the tick, at its instant `now` (UTC).

    People are *ready* from the moment they are admitted or woken until `advance` has moved them.
    """

    def begin_tick(self, world: "World") -> None:
        """Prepare for a tick, before its transaction begins."""
        ...

    def admit(
        self, world: "World", plan: JourneyPlan, find: Statement, parameters: Parameters
    ) -> int:
        """Admit those whom `find` adds to `tick_entered`; return how many (S6, S7). They are ready at
        the start of the journey."""
        ...

    def react(self, world: "World", round: "Round", now: datetime, paused: AbstractSet[str]) -> int:
        """Do what the events of a round do to those inside: goals, exits, ends of waits (S8, S13).

        In a journey that is paused only goals and exits count (S22). Returns how many rows changed: 0
        where nobody is ready.
        """
        ...

    def wake(self, world: "World", statement: Statement, parameters: Parameters) -> int:
        """Make those ready whom a statement of the plan adds to `tick_ready`; return how many."""
        ...

    def wake_due(self, world: "World", until: datetime, now: datetime, since: datetime) -> int:
        """Make those ready whose timer is due up to `until`, not those of a paused journey; return how many.

        Of several timers of a customer only the earliest counts; the others come after it (S12). A timer
        that was due before `since`, the last tick, counts as due then.
        """
        ...

    def wake_before(self, world: "World", round: "Round", now: datetime, since: datetime) -> int:
        """Make those ready whose timer was due before their event of a round; return how many. As in
        `wake_due` only the earliest timer of each customer counts."""
        ...

    def advance(self, world: "World", now: datetime, round: int = AFTER_EVENTS) -> int:
        """Move everybody who is ready until nobody is; events after `round` are still to come.

        Journeys with a higher priority go first (S18). Returns the number of moves, one for each
        passage and region.
        """
        ...

    def next_timer(self, world: "World") -> datetime | None:
        """Return the instant of the next timer of anybody who is not paused; None while nobody waits."""
        ...

    def prepare(self, world: "World", at: datetime) -> bool:
        """Do ahead what a tick at `at` will need and what changes nothing in the store.

        For moments in which nothing is due. Returns whether there was something to do.
        """
        ...

    def forget(self) -> None:
        """Forget everything that is known of the store: a transaction was rolled back."""
        ...
