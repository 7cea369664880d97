"""The next timers are kept, and follow those who move.

Finding the next timer is a scan of all who wait. One scan for the first 1,024 takes hardly longer than
that for the first alone. Saves one scan for every wave of a few. Applies in a store with `customers_min`
customers or more; in a smaller one the scan costs less than to follow. Obsolete with an index on
`wake_at`, which no mass wave could pay for here.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from cij.runtime import control
from cij.runtime.engine import Row
from cij.runtime.moving.strategy import Strategy
from cij.runtime.statistics import customer_count
from cij.runtime.store import passages
from cij.runtime.timers import last_tick
from cij.runtime.world import World

# Nobody waits.
NEVER = datetime.max


class TimerCache(Strategy):
    """Keeps how many people are due at each instant before `until`, where they are known.

    There may be more at `until` itself, and later ones are not known. `people` is None where nobody
    knows: somebody has moved since they were read. One scan reads `timers` of them; a cache that has
    grown to more than `instants_max` instants is cut to as many.
    """

    name = "timer_cache"

    def __init__(
        self, customers_min: int = 2_000_000, timers: int = 1_024, instants_max: int = 4_096
    ) -> None:
        self.customers_min, self.timers, self.instants_max = customers_min, timers, instants_max
        self.people: Counter[datetime] | None = None
        self.until = NEVER

    def next_timer(self, world: World) -> tuple[datetime | None] | None:
        # The timers of a paused journey stand in the passages, and are not due.
        if control.standing_still(world.engine):
            return None
        found, last = self.first, last_tick(world)
        if found is None or (last is not None and found <= last):
            # Somebody moved since the last scan, or left without a move (an order, new data).
            self.read(world)
            found = self.first
        return (None if found == NEVER else found,)

    @property
    def first(self) -> datetime | None:
        """The instant of the next timer, `datetime.max` where nobody waits; None where not known."""
        if self.people is None:
            return None
        return min(self.people, default=NEVER if self.until == NEVER else None)

    def read(self, world: World) -> None:
        """Read the next timers by a scan of all who wait."""
        engine = world.engine
        if customer_count(engine) < self.customers_min:
            first = engine.rows(passages.FIRST_TIMER)[0][0]
            self.people, self.until = Counter([first] if first else []), first or NEVER
            return
        found = [at for (at,) in engine.rows(passages.NEXT_TIMERS, {"timers": self.timers})]
        self.people = Counter(found)
        self.until = found[-1] if len(found) == self.timers else NEVER

    def timers_changed(self) -> None:
        self.people = None

    def follows(self, world: World) -> bool:
        """Tell whether it wants to know where people move to, instead of reading all again."""
        return self.people is not None and customer_count(world.engine) >= self.customers_min

    def follow(self, changes: Iterable[Row]) -> None:
        """Count how many more are due at each instant than before."""
        assert self.people is not None, "it follows"
        for at, change in changes:
            self.people[at] += int(change)
            if self.people[at] <= 0:
                del self.people[at]
        if len(self.people) > self.instants_max:
            kept = sorted(self.people)[: self.timers]
            self.people = Counter({at: self.people[at] for at in kept})
            self.until = kept[-1]

    def forget(self) -> None:
        self.people = None
