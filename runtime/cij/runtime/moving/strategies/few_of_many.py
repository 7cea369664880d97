"""A few of very many move by a working set: their rows are copied out once for all statements of a tick.

Saves scans: the statements of all journeys read some thousand rows instead of everybody, and passages
are rewritten at the end of their table instead of updated in place. Applies to at most `share_max` of
the customers, in a store with `customers_min` or more. Obsolete with indexes that a mass wave can pay for.
"""

from collections.abc import Callable, Mapping, Sequence

from cij.compiler.sql import Statement
from cij.compiler.sql.derived import working_set
from cij.compiler.sql.derived.working_set import over_both, over_customers
from cij.compiler.sql.interning import number_of
from cij.compiler.sql.plan import WAKE_FIRST, JourneyPlan
from cij.compiler.sql.plan.plan_parts import Steps
from cij.runtime.moving.batch import Batch, Group, Moved, Ready, alone
from cij.runtime.moving.mover import Parameters
from cij.runtime.moving.strategies.timer_cache import TimerCache
from cij.runtime.moving.strategy import Due, PerRegion, Strategy
from cij.runtime.statistics import customer_count
from cij.runtime.world import World

# What it runs whatever the journeys are, where passages are in the working set.
_ALWAYS = (
    working_set.PASSAGES_DUE,
    working_set.CUSTOMERS_BY_ROW,
    *(
        working_set.of(each, is_copied=True)
        for each in (working_set.TIMERS, working_set.DELETE, working_set.INSERT)
    ),
    working_set.CLEAR_MOVES,
)


class FewOfMany(Strategy):
    """Keeps whether the working set has the customers, and the passages, of all who are ready.

    `scattered_share`: below this share most blocks of 2,048 rows hold nobody, and finding the rows first
    passes those blocks over. `timers` is the cache of the mover, if it has one; `group_as` makes groups
    as the mover does.
    """

    name = "few_of_many"

    def __init__(
        self,
        customers_min: int = 20_000,
        share_max: float = 1 / 20,
        scattered_share: float = 1 / 4096,
    ) -> None:
        self.customers_min, self.share_max = customers_min, share_max
        self.scattered_share = scattered_share
        self.timers: TimerCache | None = None
        self.group_as: Callable[[World, Sequence[Ready]], Sequence[Group]] = alone
        self._forms: PerRegion[Steps | None] = PerRegion(
            lambda _, region: working_set.noted(region)
        )
        self.forget()

    def forget(self) -> None:
        self._has_customers = self._has_passages = self._are_due = False

    def done(self) -> None:
        self.forget()

    def few(self, world: World) -> int:
        """Return how many people are few; 0 where the scan for them would save nothing."""
        customers = customer_count(world.engine)
        return int(customers * self.share_max) if customers >= self.customers_min else 0

    def _are_scattered(self, world: World, people: int) -> bool:
        return people < customer_count(world.engine) * self.scattered_share

    # --- who is in it -------------------------------------------------------------------------

    def begin_round(self, world: World, events: Mapping[str, int], round: int) -> None:
        self.forget()
        people = sum(events.values())
        if people > self.few(world):
            return
        self._copy_customers(world, people, working_set.IN_ROUND, {"round": round})
        by_row = self._are_scattered(world, people)
        copy = working_set.PASSAGES_IN_ROUND_BY_ROW if by_row else working_set.PASSAGES_IN_ROUND
        world.engine.execute(copy, {"round": round})
        self._has_customers = self._has_passages = True

    def admit(
        self, world: World, plan: JourneyPlan, find: Statement, parameters: Parameters
    ) -> None:
        # Those who enter are not in it.
        self.forget()

    def wake_due(self, world: World, due: Due) -> int | None:
        self.forget()
        few = self.few(world)
        if not few:
            return None
        # One more than few shows that they are not few.
        most: Parameters = {"now": due.until, "most": few + 1}
        found = world.engine.execute(working_set.PASSAGES_DUE, most)
        if found > few:
            return None
        if not found:
            return 0
        woken = world.engine.execute(over_both(WAKE_FIRST), due.parameters)
        self._has_passages = self._are_due = due.is_alone
        return woken

    def narrow(self, world: World, plans: Sequence[JourneyPlan]) -> Sequence[JourneyPlan]:
        if not self._has_passages:
            return plans
        there = {version for (version,) in world.engine.rows(working_set.VERSIONS)}
        return [plan for plan in plans if number_of(plan.version) in there]

    def rewrite(self, statement: Statement) -> Statement:
        return over_both(statement) if self._has_passages else statement

    def _copy_ready(self, world: World, people: int) -> None:
        if self._are_due and self._are_scattered(world, people):
            world.engine.execute(working_set.CUSTOMERS_BY_ROW)
            if not self._misses(world, working_set.READY, {}):
                return
        self._copy_customers(world, people, working_set.READY, {})

    def _copy_customers(
        self, world: World, people: int, customers: str, parameters: Parameters
    ) -> None:
        if self._are_scattered(world, people):
            world.engine.execute(working_set.customers_by_hash(customers), parameters)
            if not self._misses(world, customers, parameters):
                return
        world.engine.execute(working_set.customers_by_id(customers), parameters)

    def _misses(self, world: World, customers: str, parameters: Parameters) -> bool:
        found: bool = world.engine.rows(working_set.missing(customers), parameters)[0][0]
        return found

    # --- moving -------------------------------------------------------------------------------

    def applies(self, world: World, batch: Batch) -> bool:
        return self._has_customers or batch.people <= self.few(world)

    def run(self, world: World, batch: Batch, moved: Moved) -> None:
        noted = 0
        for group in batch.groups:
            if not self._has_customers:
                self._copy_ready(world, batch.people)
            noted += self._run_group(world, group, batch, moved)
            # Another region reads the fields that this one has set.
            self._has_customers = not group.region.sets_fields
        if noted:
            self._move(world, batch)
        self._has_passages = self._are_due = False

    def _run_group(self, world: World, group: Group, batch: Batch, moved: Moved) -> int:
        form, before = self._forms.of(group.plans[0], group.region), moved.moves
        if form is None and self.timers is not None:
            self.timers.timers_changed()
        parameters = {**batch.parameters, "versions": group.versions}
        for step, statement in form or group.region.statements:
            narrow = over_customers(statement)
            moved.add(step, world.engine.execute(narrow, parameters))
        return moved.moves - before if form else 0

    def _move(self, world: World, batch: Batch) -> None:
        engine, is_copied = world.engine, self._has_passages
        if not is_copied:
            engine.execute(working_set.TAKE_OUT)
        if self.timers is not None and self.timers.follows(world):
            changes = working_set.of(working_set.TIMERS, is_copied=is_copied)
            self.timers.follow(engine.rows(changes, {"until": self.timers.until}))
        elif self.timers is not None:
            self.timers.timers_changed()
        for statement in (working_set.DELETE, working_set.INSERT):
            engine.execute(working_set.of(statement, is_copied=is_copied), batch.parameters)
        self._has_passages = False
        engine.execute(working_set.CLEAR_MOVES)

    # --- ahead --------------------------------------------------------------------------------

    def prepare(self, world: World, ready: Sequence[Ready]) -> bool:
        """Make the texts of the statements that will move those who are due, if they are few.

        The first statements of a region take some milliseconds each to print: in a tick in which few
        move that is as long as all the rest.
        """
        if sum(each.people for each in ready) > self.few(world):
            return False
        for statement in (*_ALWAYS, working_set.missing(working_set.READY), over_both(WAKE_FIRST)):
            world.engine.prepare(statement)
        for group in self.group_as(world, ready):
            form = self._forms.of(group.plans[0], group.region)
            for _, statement in form or group.region.statements:
                world.engine.prepare(over_customers(statement))
        return True
