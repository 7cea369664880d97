"""Who is ready, and in which groups they move."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from cij.compiler.sql import Statement
from cij.compiler.sql.interning import number_of
from cij.compiler.sql.moments import note_instants
from cij.compiler.sql.plan import EventPlan, JourneyPlan, RegionPlan
from cij.runtime.store import passages
from cij.runtime.world import World


class Ready(NamedTuple):
    """How many people are ready at one root of one version of a journey, and the first and last of their
    own instants (S12)."""

    journey: str
    version: str
    root: str
    people: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Group:
    """People who go through one region together: those of one journey, or of several that share its
    statements."""

    plans: Sequence[JourneyPlan]
    root: str
    region: RegionPlan
    people: int

    @property
    def versions(self) -> str:
        """The versions of the journeys as the parameter of shared statements."""
        return versions_of(self.plans)


@dataclass(frozen=True, slots=True)
class Batch:
    """Everybody who moves at once, in the order of the groups. `is_first` tells that nobody has moved
    since they became ready."""

    groups: Sequence[Group]
    now: datetime
    round: int
    is_first: bool

    @property
    def people(self) -> int:
        return sum(group.people for group in self.groups)

    @property
    def parameters(self) -> dict[str, object]:
        """The parameters that all statements of a region have in common."""
        return {"now": self.now, "round": self.round}


@dataclass(slots=True)
class Moved:
    """What became of a batch: how many moves were made, and whether some are ready again."""

    moves: int = 0
    again: int = 0

    def add(self, step: str, changed: int) -> None:
        """Count the rows that one step of a region has changed."""
        if step == "move":
            self.moves += changed
        elif step == "wake again":
            self.again += changed


@dataclass(frozen=True, slots=True)
class Reaction:
    """What the events of one name do to those inside some journeys that share statements."""

    event: str
    plans: Sequence[JourneyPlan]
    plan: EventPlan
    is_paused: bool

    @property
    def statements(self) -> Sequence[Statement]:
        """In a journey that is paused events end no wait: only goals and exits count (S22)."""
        return self.plan.leaving if self.is_paused else self.plan.reactions


def versions_of(plans: Iterable[JourneyPlan]) -> str:
    """Return versions as the parameter of shared statements: a JSON list of numbers."""
    return json.dumps([number_of(plan.version) for plan in plans])


def read_ready(world: World) -> list[Ready]:
    """Return how many people are in `tick_ready`, by journey, version and root, in this order."""
    plans = {number_of(plan.version): plan for plan in world.journeys.values()}
    return sorted(
        Ready(plans[version].name, plans[version].version, _root(plans[version], root), *row)
        for version, root, *row in world.engine.rows(passages.READY)
    )


def _root(plan: JourneyPlan, number: int) -> str:
    return next(name for name in plan.regions if number_of(name) == number)


def show_instants(world: World, now: datetime, ready: Sequence[Ready]) -> None:
    """Give the engine the calendar instants that the regions of those who are ready read."""
    first, last = min(each.first for each in ready), max(each.last for each in ready)
    if first == last:
        world.calendar.show(now, first)
    else:
        world.calendar.show_rows(now, note_instants("tick_ready"))


def due_at(world: World, at: datetime) -> list[Ready]:
    """Return who will be ready by their timers at an instant, by journey, version and root."""
    plans = {number_of(plan.version): plan for plan in world.journeys.values()}
    found: list[Ready] = []
    for version, state, people in world.engine.rows(passages.DUE_AT, {"at": at}):
        plan = plans.get(version)
        if plan is None:
            # Of a journey that was put aside.
            continue
        roots = [root for name, root in plan.timers.items() if number_of(name) == state]
        found += [Ready(plan.name, plan.version, root, people, at, at) for root in roots]
    return sorted(found)


def foremost(world: World, ready: Sequence[Ready]) -> list[Ready]:
    """Return those of the journeys with the highest priority: what they send counts for the caps of all
    others (S18)."""
    if not world.priorities:
        return list(ready)
    first = max(world.priorities.get(each.journey, 0) for each in ready)
    return [each for each in ready if world.priorities.get(each.journey, 0) == first]


def alone(world: World, ready: Sequence[Ready]) -> list[Group]:
    """Return the groups where journeys share nothing: one for each row."""
    return [_alone(world.journey(each.journey, each.version), each) for each in ready]


def _alone(plan: JourneyPlan, ready: Ready) -> Group:
    return Group([plan], ready.root, plan.regions[ready.root], ready.people)


def reactions_alone(
    plans: Iterable[JourneyPlan], event: str, paused: Iterable[str]
) -> Iterator[Reaction]:
    """Yield what an event does in each of the journeys, where they share nothing."""
    for plan in plans:
        if event in plan.events:
            yield Reaction(event, [plan], plan.events[event], plan.name in paused)


def run_region(world: World, group: Group, batch: Batch, moved: Moved) -> None:
    """Move a group by the canonical statements of its region."""
    parameters = {**batch.parameters, "versions": group.versions}
    for step, statement in group.region.statements:
        moved.add(step, world.engine.execute(statement, parameters, rows=group.people))
