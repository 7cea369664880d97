"""A wave: all who are woken at one instant, moved by as few statements as there are forms of journeys.

    woken --by form and root--> groups --few of many customers? read only those--> statements

Where few of many customers move, those are put aside first: the statements of all groups then read
some thousand rows instead of scanning everybody each time.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from cij.compiler.sql import Statement, query
from cij.compiler.sql.plan import (
    CLEAR_MOVED,
    MOVE_ENDING,
    MOVE_RESTING,
    EventPlan,
    FormPlan,
    JourneyPlan,
    RegionPlan,
)
from cij.runtime.engine import Row
from cij.runtime.world import World

# Putting aside is one scan more, which a store of few customers or a wave of many is not worth.
_CUSTOMERS_MIN = 20_000
_SHARE_MAX = 1 / 20

# One journey alone has statements with its name in them, which are a little quicker.
_COMMON_MIN = 2

_WOKEN = query(
    "SELECT w.journey, w.version, w.root, COUNT(*) FROM woken AS w "
    "GROUP BY w.journey, w.version, w.root ORDER BY w.journey, w.version, w.root"
)
_CUSTOMERS = query("SELECT COUNT(*) FROM customer AS c")
_CONCERNED = query(
    "CREATE OR REPLACE TEMPORARY TABLE concerned AS SELECT c.* FROM customer AS c "
    "WHERE c.id IN (SELECT w.customer FROM woken AS w)"
)
_DID_SOMETHING = query(
    "CREATE OR REPLACE TEMPORARY TABLE concerned AS SELECT c.* FROM customer AS c "
    "WHERE c.id IN (SELECT f.customer FROM fresh AS f WHERE f.round = $round)"
)
_REACHED = query(
    "CREATE OR REPLACE TEMPORARY TABLE reached AS SELECT p.* FROM passage AS p "
    "WHERE p.customer IN (SELECT f.customer FROM fresh AS f WHERE f.round = $round)"
)
_NOTED = query("SELECT COUNT(*), COUNT(m.outcome) FROM moved AS m")
_VERSIONS = query("SELECT DISTINCT r.version FROM reached AS r")

_OVER_CUSTOMERS = {"customer c": "concerned"}
_OVER_BOTH = {**_OVER_CUSTOMERS, "passage p": "reached"}

Parameters = Mapping[str, object]


def advance(world: World, parameters: Parameters, *, is_gathered: bool = False) -> int:
    """Move everybody who is woken, until nobody is; returns how many moves were made.

    Journeys with a higher priority go first. Parameters: `now`, `round`. `is_gathered` tells that
    all who can be woken are in `concerned`.
    """
    moves = 0
    while woken := world.engine.rows(_WOKEN):
        world.next_timer = None
        groups = _groups(world, _foremost(world, woken))
        if is_gathered or _are_few(world, sum(row[3] for row in woken)):
            moved, is_gathered = _few(world, groups, parameters, is_gathered)
            moves += moved
        else:
            moves += _many(world, groups, parameters)
    return moves


def _foremost(world: World, woken: list[Row]) -> list[Row]:
    """Return those of the journeys whose turn it is: what they send may leave others no room (S18)."""
    if not world.priorities:
        return woken
    first = max(world.priorities.get(row[0], 0) for row in woken)
    return [row for row in woken if world.priorities.get(row[0], 0) == first]


_Group = tuple[RegionPlan, str]


def _many(world: World, groups: list[_Group], parameters: Parameters) -> int:
    moves = 0
    for region, versions in groups:
        for step, statement in region.statements:
            changed = world.engine.execute(statement, {**parameters, "versions": versions})
            moves += changed if step == "move" else 0
    return moves


def _few(
    world: World, groups: list[_Group], parameters: Parameters, is_gathered: bool
) -> tuple[int, bool]:
    """As `_many`, with one look at the customers and one at the passages for all groups.

    Also returns whether `concerned` still holds what the customers do.
    """
    moves, is_noted = 0, len(groups) > 1
    for region, versions in groups:
        if not is_gathered:
            world.engine.execute(_CONCERNED)
        for step, statement in region.noting if is_noted else region.statements:
            narrow = statement.over(_OVER_CUSTOMERS)
            changed = world.engine.execute(narrow, {**parameters, "versions": versions})
            moves += changed if step in ("note", "move") else 0
        # Who comes after reads what was written.
        is_gathered = not region.sets_fields
    if is_noted and any(region.note for region, _ in groups):
        _move_noted(world, parameters)
    return moves, is_gathered


def _move_noted(world: World, parameters: Parameters) -> None:
    people, ending = world.engine.rows(_NOTED)[0]
    if people > ending:
        world.engine.execute(MOVE_RESTING, parameters)
    if ending:
        world.engine.execute(MOVE_ENDING, parameters)
    world.engine.execute(CLEAR_MOVED)


def _groups(world: World, woken: list[Row]) -> list[tuple[RegionPlan, str]]:
    """Return the regions to go through, each with the versions that it is for, as JSON.

    Where there are caps journeys of one form go together only if no other stands between them, for
    the one that goes first gets the last place.
    """
    found: dict[tuple[str, str, int], list[JourneyPlan]] = {}
    turn, last = 0, ("", "")
    for name, version, root, _ in woken:
        plan = world.journey(name, version)
        kind = (_form_of(plan), root)
        turn += world.newest.is_capped and kind != last
        found.setdefault((*kind, turn), []).append(plan)
        last = kind
    return [(_region(world, plans, root), _json(plans)) for (_, root, _), plans in found.items()]


def _form_of(plan: JourneyPlan) -> str:
    return plan.form.key


def _region(world: World, plans: list[JourneyPlan], root: str) -> RegionPlan:
    return _common(world, plans).regions[root]


def _json(plans: Iterable[JourneyPlan]) -> str:
    return json.dumps([plan.version for plan in plans])


def _are_few(world: World, people: int) -> bool:
    customers: int = world.engine.rows(_CUSTOMERS)[0][0]
    return customers >= _CUSTOMERS_MIN and people <= customers * _SHARE_MAX


# --- events -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reaction:
    """What the events of one name do to those inside some journeys of one form."""

    event: str
    statements: tuple[Statement, ...]
    versions: str


def gather(world: World, events: Mapping[str, int], round: int) -> bool:
    """Put aside those who did the events of a round, with their passages, if they are few.

    `events` are the names, with how many there are.
    """
    is_few = _are_few(world, sum(events.values()))
    for statement in (_DID_SOMETHING, _REACHED) if is_few else ():
        world.engine.execute(statement, {"round": round})
    return is_few


def reactions(
    world: World, events: Iterable[str], paused: Iterable[str], *, is_gathered: bool
) -> Iterator[Reaction]:
    """Yield what the events of a round do. In a pause only goals and exits count."""
    live = list(world.journeys.values())
    if is_gathered:
        there = {version for (version,) in world.engine.rows(_VERSIONS)}
        live = [plan for plan in live if plan.version in there]
    for event in events:
        for plans, is_paused in _alike(live, event, set(paused)):
            found = _event(world, plans, event)
            statements = found.leaving if is_paused else found.reactions
            if is_gathered:
                statements = tuple(s.over(_OVER_BOTH) for s in statements)
            yield Reaction(event, statements, _json(plans))


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
