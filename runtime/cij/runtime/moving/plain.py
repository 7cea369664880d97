"""The canonical plan as it is written: the definition of right, for every engine.

Each statement runs for one journey, and the world knows for which: so a failure has a name (S28).

Whatever a strategy does has to leave the store as this would. `tests/test_movers.py` compares them over
drawn journeys.
"""

from collections.abc import Set as AbstractSet
from datetime import datetime

from cij.compiler.sql import Statement
from cij.compiler.sql.interning import number_of
from cij.compiler.sql.plan import CLEAR_ENTERED, WAKE_BEFORE_EVENTS, WAKE_FIRST, JourneyPlan
from cij.runtime.event_rounds import Round
from cij.runtime.moving.batch import (
    Batch,
    Moved,
    Reaction,
    alone,
    foremost,
    reactions_alone,
    read_ready,
    run_region,
    show_instants,
    versions_of,
)
from cij.runtime.moving.mover import AFTER_EVENTS, Parameters
from cij.runtime.store import passages
from cij.runtime.store.counters import counters
from cij.runtime.world import World


class PlainMover:
    """Runs the statements of each journey by themselves, and keeps nothing between them."""

    def begin_tick(self, world: World) -> None:
        return

    def admit(
        self, world: World, plan: JourneyPlan, find: Statement, parameters: Parameters
    ) -> int:
        with world.working_on("journey", plan.name):
            entered = take_numbers(world, plan, find, parameters)
            if entered:
                write_entered(world, plan, entered, parameters)
        return entered

    def react(self, world: World, round: Round, now: datetime, paused: AbstractSet[str]) -> int:
        changed = 0
        round.show(world, now)
        for event in round.events:
            for reaction in reactions_alone(world.journeys.values(), event, paused):
                parameters = reaction_parameters(reaction, round.number, now)
                with world.working_on("journey", reaction.plans[0].name):
                    for statement in reaction.statements:
                        changed += world.engine.execute(statement, parameters)
        return changed

    def wake(self, world: World, statement: Statement, parameters: Parameters) -> int:
        return world.engine.execute(statement, parameters)

    def wake_due(self, world: World, until: datetime, now: datetime, since: datetime) -> int:
        return world.engine.execute(WAKE_FIRST, {"now": until, "tick": now, "since": since})

    def wake_before(self, world: World, round: Round, now: datetime, since: datetime) -> int:
        return wake_before(world, round, now, since)

    def advance(self, world: World, now: datetime, round: int = AFTER_EVENTS) -> int:
        moved, is_first = Moved(), True
        while ready := read_ready(world):
            show_instants(world, now, ready)
            batch = Batch(alone(world, foremost(world, ready)), now, round, is_first)
            for group in batch.groups:
                with world.working_on("journey", group.plans[0].name):
                    run_region(world, group, batch, moved)
            is_first = False
        return moved.moves

    def next_timer(self, world: World) -> datetime | None:
        return first_timer(world)

    def prepare(self, world: World, at: datetime) -> bool:
        return False

    def forget(self) -> None:
        return


def wake_before(world: World, round: Round, now: datetime, since: datetime) -> int:
    """Wake those whose timer was due before their event of a round; return how many."""
    round.show(world, now)
    parameters = {"now": round.last, "tick": now, "since": since, "round": round.number}
    return world.engine.execute(WAKE_BEFORE_EVENTS, parameters)


def take_numbers(world: World, plan: JourneyPlan, find: Statement, parameters: Parameters) -> int:
    """Find who enters and take a number for each; return how many."""
    entered = world.engine.execute(find, parameters)
    if entered:
        world.engine.execute(plan.admit.count, {"entered": entered})
    return entered


def write_entered(world: World, plan: JourneyPlan, entered: int, parameters: Parameters) -> None:
    """Write the passages of those in `tick_entered`, the last who took numbers, and make them ready."""
    numbered = {**parameters, "first": first_number(world, entered)}
    for statement in (plan.admit.write, plan.admit.wake, CLEAR_ENTERED):
        world.engine.execute(statement, numbered)


def first_number(world: World, entered: int) -> int:
    """Return the first of the last numbers that were taken."""
    return counters(world.engine)["passage"] - entered + 1


def reaction_parameters(reaction: Reaction, round: int, now: datetime) -> dict[str, object]:
    """Return the parameters of the statements of a reaction."""
    return {
        "now": now,
        "round": round,
        "event": reaction.event,
        "why": number_of(reaction.event),
        "versions": versions_of(reaction.plans),
    }


def first_timer(world: World) -> datetime | None:
    """Return the instant of the next timer, by a scan of all who wait."""
    found: datetime | None = world.engine.rows(passages.NEXT_TIMER)[0][0]
    return found
