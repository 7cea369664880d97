"""Journeys that differ only in their names move by the same statements.

Saves planning: of a hundred copies of a journey one set of statements runs instead of a hundred.
Applies where two or more journeys move at once, or react to one event; a journey alone has statements
with its name in them, which are a little quicker. Obsolete where planning a statement costs nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cij.compiler.sql.plan import JourneyPlan, SharedPlan
from cij.runtime.moving.batch import Group, Reaction, Ready
from cij.runtime.moving.strategy import Strategy
from cij.runtime.world import World


@dataclass
class SharedPlans(Strategy):
    """Keeps the shared plans by their key, made when several journeys of one class first move."""

    name: str = "shared_plans"
    plans: dict[str, SharedPlan] = field(default_factory=dict)

    def group(self, world: World, ready: Sequence[Ready]) -> list[Group]:
        """Put journeys together that go on alike.

        Where there are caps only neighbours in the order of priority go together: of two who want the
        last place the first gets it (S18).
        """
        found: dict[tuple[str, int], list[Ready]] = {}
        turn, last = 0, ""
        for each in ready:
            kind = each.root
            if len(ready) > 1:
                kind = world.journey(each.journey, each.version).sharing.region_key(each.root)
            turn += world.newest.is_capped and kind != last
            found.setdefault((kind, turn), []).append(each)
            last = kind
        return [self._group(world, rows) for rows in found.values()]

    def _group(self, world: World, rows: Sequence[Ready]) -> Group:
        plans = [world.journey(each.journey, each.version) for each in rows]
        root = rows[0].root
        region = self._common(plans).regions[root]
        return Group(plans, root, region, sum(each.people for each in rows))

    def reactions(
        self, world: World, plans: Sequence[JourneyPlan], event: str, paused: Iterable[str]
    ) -> list[Reaction]:
        found: dict[tuple[str, bool], list[JourneyPlan]] = {}
        for plan in plans:
            if event in plan.events:
                found.setdefault((plan.sharing.key, plan.name in paused), []).append(plan)
        return [
            Reaction(event, alike, self._common(alike).events[event], is_paused)
            for (_, is_paused), alike in found.items()
        ]

    def _common(self, plans: Sequence[JourneyPlan]) -> JourneyPlan | SharedPlan:
        if len(plans) < 2:
            return plans[0]
        sharing = plans[0].sharing
        if sharing.key not in self.plans:
            self.plans[sharing.key] = sharing.make()
        return self.plans[sharing.key]
