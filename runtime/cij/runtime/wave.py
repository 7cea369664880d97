"""A wave: all who are woken at one instant, moved by as few statements as there are forms of journeys.

    woken --by form and root--> groups --few of many customers? set them aside--> statements

Where few of many customers move, they are set aside first (`aside`).
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from cij.compiler.sql import Statement, query
from cij.compiler.sql.crowds import for_many
from cij.compiler.sql.interning import number_of
from cij.compiler.sql.plan import CLEAR_ENTERED, EventPlan, FormPlan, JourneyPlan, RegionPlan
from cij.runtime import aside as set_aside
from cij.runtime.aside import Aside
from cij.runtime.engine import Row
from cij.runtime.world import World

# One journey alone has statements with its name in them, which are a little quicker.
_COMMON_MIN = 2

# So many are asked for their events all at once.
_CROWD_MIN = 100_000

# A table between costs so many less than to plan what is read in its place several times.
_AT_ONCE_MIN = 1_000

# A wave of some people is counted here: grouping takes the engine ten times as long to plan.
_SOME = 64
_SOMEBODY = query("SELECT w.journey, w.version, w.root FROM woken AS w LIMIT $most")
_WOKEN = query(
    "SELECT w.journey, w.version, w.root, COUNT(*) FROM woken AS w "
    "GROUP BY w.journey, w.version, w.root"
)
_VERSIONS = query("SELECT DISTINCT r.version FROM reached AS r")

Parameters = Mapping[str, object]


def advance(world: World, parameters: Parameters, aside: Aside | None = None) -> int:
    """Move everybody who is woken, until nobody is; returns how many moves were made.

    Journeys with a higher priority go first. Parameters: `now`, `round`. `aside` is what was set
    aside of all who can be woken.
    """
    moves, aside, is_left = 0, aside or Aside(), True
    while is_left and (woken := _woken(world)):
        foremost = _foremost(world, woken)
        groups = _groups(world, foremost)
        people = sum(row[3] for row in woken)
        if aside.customers or set_aside.are_few(world.engine, people):
            world.write_passages()
            done = _few(world, groups, parameters, people, aside)
        else:
            world.agenda = None
            done = _many(world, groups, parameters, people, is_first=not moves)
        moves += done["move"]
        is_left = done["wake again"] > 0 or len(foremost) < len(woken)
    return moves


def make_ready(world: World, woken: list[Row]) -> None:
    """Make the statements that move few who are woken."""
    for plans, root in _groups(world, woken):
        for _, statement in _region(world, plans, root).noting:
            world.engine.make_ready(set_aside.over_customers(statement))


def _woken(world: World) -> list[Row]:
    """Return how many are woken, by journey, version and root, in this order; with who has entered."""
    if (due := world.due) is not None:
        return [(due.plan.name, due.plan.version, due.root, due.people)]
    found, new = _woken_rows(world), world.unwritten
    if new is None:
        return found
    start = (new.plan.name, new.plan.version, new.plan.start)
    if any(row[:3] == start for row in found):
        # Others have come back to the start.
        world.write_passages()
        return _woken_rows(world)
    return sorted([*found, (*start, new.entered)])


def _woken_rows(world: World) -> list[Row]:
    some = world.engine.rows(_SOMEBODY, {"most": _SOME})
    if len(some) == _SOME:
        found = world.engine.rows(_WOKEN)
    else:
        found = [(*group, people) for group, people in Counter(some).items()]
    plans = {number_of(plan.version): plan for plan in world.journeys.values()}
    return sorted(_named(plans[version], root, people) for _, version, root, people in found)


def _named(plan: JourneyPlan, root: int, people: int) -> Row:
    name = next(name for name in plan.regions if number_of(name) == root)
    return plan.name, plan.version, name, people


def _foremost(world: World, woken: list[Row]) -> list[Row]:
    """Return those of the journeys whose turn it is: what they send may leave others no room (S18)."""
    if not world.priorities:
        return woken
    first = max(world.priorities.get(row[0], 0) for row in woken)
    return [row for row in woken if world.priorities.get(row[0], 0) == first]


# Journeys of one form, and the root at which people in them are woken.
_Group = tuple[list[JourneyPlan], str]


def _many(
    world: World, groups: list[_Group], parameters: Parameters, people: int, *, is_first: bool
) -> Counter[str]:
    """Return how many rows were changed, by what the statements do. `is_first` tells that nobody has
    moved since people came in."""
    if world.due is not None:
        return _fall_due(world, parameters)
    done = Counter[str]()
    for plans, root in groups:
        region = _region(world, plans, root)
        if _are_entering(world, plans, root) and region.entering:
            is_alone = is_first and len(groups) == 1
            done += _settle(world, region, parameters, people, is_alone=is_alone)
        else:
            if _are_entering(world, plans, root):
                world.write_passages()
            named = {**parameters, "versions": _versions(plans)}
            for step, statement in region.statements:
                done[step] += world.engine.execute(_quickest(statement, people), named)
    return done


def _are_entering(world: World, plans: list[JourneyPlan], root: str) -> bool:
    """Tell whether those who have just entered are among the woken, whose passages are unwritten."""
    entered = world.unwritten
    if entered is None or root != entered.plan.start:
        return False
    # A version is made of the name as well, so it says whose it is.
    return any(plan.version == entered.plan.version for plan in plans)


def _settle(
    world: World, region: RegionPlan, parameters: Parameters, people: int, *, is_alone: bool
) -> Counter[str]:
    """Take those who have entered to where they go, and write their passages there."""
    assert world.unwritten is not None
    done, all_of = Counter[str](), {**world.unwritten.parameters, **parameters}
    world.unwritten = None
    at_once = is_alone and people >= _AT_ONCE_MIN
    for step, statement in region.settling(at_once=at_once):
        done[step] += world.engine.execute(_quickest(statement, people), all_of)
    world.engine.execute(CLEAR_ENTERED)
    return done


def _fall_due(world: World, parameters: Parameters) -> Counter[str]:
    """Take those who are due, and nobody else, on from the rest at which they stand."""
    assert world.due is not None
    done, due, world.due = Counter[str](), world.due, None
    named = {**parameters, "rest": due.rest}
    for step, statement in due.plan.regions[due.root].due:
        done[step] += world.engine.execute(_quickest(statement, due.people), named)
    return done


def _quickest(statement: Statement, people: int) -> Statement:
    return statement if people < _CROWD_MIN else for_many(statement)


def _few(
    world: World, groups: list[_Group], parameters: Parameters, people: int, aside: Aside
) -> Counter[str]:
    """As `_many`, with one look at the customers and one at the passages for all groups."""
    done, noted = Counter[str](), 0
    for plans, root in groups:
        region, versions = _region(world, plans, root), _versions(plans)
        before = done["move"]
        if not aside.customers:
            set_aside.of_woken(world.engine, people, aside)
        for step, statement in region.noting:
            narrow = set_aside.over_customers(statement)
            done[step] += world.engine.execute(narrow, {**parameters, "versions": versions})
        if region.note is None:
            world.agenda = None
        else:
            noted += done["move"] - before
        # Who comes after reads what was written.
        aside.customers = not region.sets_fields
    if noted:
        set_aside.move_noted(world, noted, parameters, aside)
    aside.passages = False
    return done


def _groups(world: World, woken: list[Row]) -> list[_Group]:
    """Return the regions to go through, each by the journeys that it is of.

    Where there are caps journeys that go on alike go together only if no other stands between them,
    for the one that goes first gets the last place.
    """
    found: dict[tuple[str, int], list[JourneyPlan]] = {}
    roots: dict[str, str] = {}
    turn, last = 0, ""
    for name, version, root, _ in woken:
        plan = world.journey(name, version)
        kind = _way_of(plan, root) if len(woken) > 1 else root
        turn += world.newest.is_capped and kind != last
        found.setdefault((kind, turn), []).append(plan)
        roots[kind], last = root, kind
    return [(plans, roots[kind]) for (kind, _), plans in found.items()]


def _way_of(plan: JourneyPlan, root: str) -> str:
    return plan.form.region_key(root)


def _form_of(plan: JourneyPlan) -> str:
    return plan.form.key


def _region(world: World, plans: list[JourneyPlan], root: str) -> RegionPlan:
    return _common(world, plans).regions[root]


def _versions(plans: Iterable[JourneyPlan]) -> str:
    return json.dumps([number_of(plan.version) for plan in plans])


# --- events -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reaction:
    """What the events of one name do to those inside some journeys of one form."""

    event: str
    statements: tuple[Statement, ...]
    versions: str


def reactions(
    world: World, events: Iterable[str], paused: Iterable[str], aside: Aside
) -> Iterator[Reaction]:
    """Yield what the events of a round do. In a pause only goals and exits count."""
    live = list(world.journeys.values())
    if aside.passages:
        there = {version for (version,) in world.engine.rows(_VERSIONS)}
        live = [plan for plan in live if number_of(plan.version) in there]
    for event in events:
        for plans, is_paused in _alike(live, event, set(paused)):
            found = _event(world, plans, event)
            statements = found.leaving if is_paused else found.reactions
            if aside.passages:
                statements = tuple(set_aside.over_both(s) for s in statements)
            yield Reaction(event, statements, _versions(plans))


def _alike(
    live: list[JourneyPlan], event: str, paused: set[str]
) -> Iterator[tuple[list[JourneyPlan], bool]]:
    found: dict[tuple[str, bool], list[JourneyPlan]] = {}
    for plan in live:
        if event in plan.events:
            found.setdefault((_form_of(plan), plan.name in paused), []).append(plan)
    for (_, is_paused), plans in found.items():
        yield plans, is_paused


def _event(world: World, plans: list[JourneyPlan], event: str) -> EventPlan:
    return _common(world, plans).events[event]


def _common(world: World, plans: list[JourneyPlan]) -> JourneyPlan | FormPlan:
    return plans[0] if len(plans) < _COMMON_MIN else world.form(plans[0])
