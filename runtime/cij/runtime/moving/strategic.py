"""The first strategy that applies moves a batch, else the canonical plan does.

tick_ready + those who are held back --group--> batch --first strategy that applies--> moved
"""

from collections.abc import Iterable, Sequence, Set as AbstractSet
from datetime import datetime

from cij.compiler.sql import Statement
from cij.compiler.sql.plan import WAKE_DUE, WAKE_FIRST, JourneyPlan
from cij.runtime.event_rounds import Round
from cij.runtime.moving.batch import (
    Batch,
    Group,
    Moved,
    Reaction,
    Ready,
    alone,
    due_at,
    foremost,
    reactions_alone,
    read_ready,
    run_region,
    show_instants,
)
from cij.runtime.moving.mover import AFTER_EVENTS, Parameters
from cij.runtime.moving.plain import (
    first_timer,
    reaction_parameters,
    take_numbers,
    wake_before,
    write_entered,
)
from cij.runtime.moving.strategies.few_of_many import FewOfMany
from cij.runtime.moving.strategies.timer_cache import TimerCache
from cij.runtime.moving.strategy import Due, Strategy
from cij.runtime.store import passages
from cij.runtime.world import World


class StrategicMover:
    """Moves people by strategies, which are asked in their order.

    `_ready` is at least the number of those who are ready, held back or not.
    """

    def __init__(self, strategies: Sequence[Strategy]) -> None:
        self.strategies = tuple(strategies)
        self._ready = 0
        timers = [each for each in strategies if isinstance(each, TimerCache)]
        for each in strategies:
            if isinstance(each, FewOfMany):
                each.timers = timers[0] if timers else None
                each.group_as = self._groups

    def begin_tick(self, world: World) -> None:
        for each in self.strategies:
            each.begin_tick(world)

    # --- making ready -------------------------------------------------------------------------

    def admit(
        self, world: World, plan: JourneyPlan, find: Statement, parameters: Parameters
    ) -> int:
        for each in self.strategies:
            entered = each.admit(world, plan, find, parameters)
            if entered is not None:
                break
        else:
            entered = take_numbers(world, plan, find, parameters)
            if entered:
                write_entered(world, plan, entered, parameters)
        self._ready += entered
        return entered

    def react(self, world: World, round: Round, now: datetime, paused: AbstractSet[str]) -> int:
        round.show(world, now)
        for each in self.strategies:
            each.begin_round(world, round.events, round.number)
        plans: Sequence[JourneyPlan] = list(world.journeys.values())
        for each in self.strategies:
            plans = each.narrow(world, plans)
        changed = 0
        for event in round.events:
            for reaction in self._reactions(world, plans, event, paused):
                parameters = reaction_parameters(reaction, round.number, now)
                for statement in reaction.statements:
                    changed += world.engine.execute(self._rewritten(statement), parameters)
        self._ready += changed
        if not changed:
            self._done()
        return changed

    def _done(self) -> None:
        for each in self.strategies:
            each.done()

    def _reactions(
        self, world: World, plans: Sequence[JourneyPlan], event: str, paused: Iterable[str]
    ) -> Iterable[Reaction]:
        for each in self.strategies:
            found = each.reactions(world, plans, event, paused)
            if found is not None:
                return found
        return reactions_alone(plans, event, paused)

    def _rewritten(self, statement: Statement) -> Statement:
        for each in self.strategies:
            statement = each.rewrite(statement)
        return statement

    def wake(self, world: World, statement: Statement, parameters: Parameters) -> int:
        woken = world.engine.execute(statement, parameters)
        self._ready += woken
        return woken

    def wake_due(self, world: World, until: datetime, now: datetime, since: datetime) -> int:
        # Passages that are held back have no timer yet.
        with world.engine.beside_deferred():
            timer = self.next_timer(world)
            is_due = timer is not None and timer <= until
            due = Due(until, now, since, is_alone=not self._ready)
            woken = self._wake_due(world, due) if is_due else 0
        self._ready += woken
        return woken

    def _wake_due(self, world: World, due: Due) -> int:
        for each in self.strategies:
            woken = each.wake_due(world, due)
            if woken is not None:
                return woken
        first, last = world.engine.rows(passages.SPAN_DUE, {"now": due.until})[0]
        wake = WAKE_DUE if due.are_at_once(world, first, last) else WAKE_FIRST
        return world.engine.execute(wake, due.parameters)

    def wake_before(self, world: World, round: Round, now: datetime, since: datetime) -> int:
        # Where the next timer is not known, looking for it costs as much as waking.
        known = [each.first for each in self.strategies if isinstance(each, TimerCache)]
        if any(first is not None and max(first, since) >= round.last for first in known):
            return 0
        woken = wake_before(world, round, now, since)
        self._ready += woken
        return woken

    # --- moving -------------------------------------------------------------------------------

    def advance(self, world: World, now: datetime, round: int = AFTER_EVENTS) -> int:
        moved, is_first, is_left = Moved(), True, True
        while is_left and (ready := self._all_ready(world)):
            show_instants(world, now, ready)
            first = foremost(world, ready)
            moved.again = 0
            self._run(world, Batch(self._groups(world, first), now, round, is_first), moved)
            # Without a look: nobody is ready again, and nobody was left for later.
            is_left = moved.again > 0 or len(first) < len(ready)
            is_first = False
        self._ready = 0
        self._done()
        return moved.moves

    def _all_ready(self, world: World) -> list[Ready]:
        """Return who is ready, with those who are held back; a strategy gives up those at a root at
        which others are ready too."""
        if not self._ready:
            return []
        held = [(each, row) for each in self.strategies for row in each.held()]
        if len(held) == 1 and held[0][1].people == self._ready:
            return [held[0][1]]
        rows = read_ready(world)
        taken = {row[:3] for row in rows}
        clashing = [each for each, row in held if row[:3] in taken]
        for each in clashing:
            each.release(world)
        if clashing:
            return self._all_ready(world)
        return sorted([*rows, *(row for _, row in held)])

    def _groups(self, world: World, ready: Sequence[Ready]) -> list[Group]:
        for each in self.strategies:
            found = each.group(world, ready)
            if found is not None:
                return found
        return alone(world, ready)

    def _run(self, world: World, batch: Batch, moved: Moved) -> None:
        chosen = next((s for s in self.strategies if s.applies(world, batch)), None)
        for each in self.strategies:
            if each is not chosen:
                each.release(world)
        if not isinstance(chosen, FewOfMany):
            for each in self.strategies:
                each.timers_changed()
        if chosen is not None:
            chosen.run(world, batch, moved)
            return
        for group in batch.groups:
            run_region(world, group, batch, moved)

    # --- timers -------------------------------------------------------------------------------

    def next_timer(self, world: World) -> datetime | None:
        for each in self.strategies:
            found = each.next_timer(world)
            if found is not None:
                return found[0]
        return first_timer(world)

    def prepare(self, world: World, at: datetime) -> bool:
        ready = due_at(world, at)
        return bool(ready) and any(each.prepare(world, ready) for each in self.strategies)

    def forget(self) -> None:
        self._ready = 0
        for each in self.strategies:
            each.forget()
