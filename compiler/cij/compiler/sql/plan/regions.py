"""Regions: from each waking to the leaves that can be reached without time passing."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Union

from cij.compiler import program as pg
from cij.compiler.expression import Expression
from cij.compiler.verify import targets

# Beyond this a region is cut where branches join, so that its size follows the journey's and not
# the number of paths through it.
_LEAVES_MAX = 64

# 60 bits: what fits a whole number of every engine.
_PATH_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Visit:
    """A state on the way to a leaf, and why it was come to (None for the root)."""

    state: str
    why: str | None


@dataclass(frozen=True, slots=True)
class Leaf:
    """Where a path ends: a rest, an end, or a cut, from where it goes on in the same tick."""

    number: int
    visits: tuple[Visit, ...]
    final: pg.State
    is_cut: bool

    @property
    def path(self) -> int:
        """The number of the path, made of its visits: equal paths share it, in all journeys."""
        text = json.dumps([(v.state, v.why) for v in self.visits], ensure_ascii=False)
        return int(hashlib.sha256(text.encode()).hexdigest()[:_PATH_DIGITS], 16)


@dataclass(frozen=True, slots=True)
class Fork:
    """The branches of a Decide state in their order."""

    branches: "tuple[tuple[Expression, Tree], ...]"
    otherwise: "Tree"


Tree = Union[int, Fork]


@dataclass(slots=True)
class Region:
    """`tree` has leaf numbers at its ends."""

    root: str
    leaves: list[Leaf] = field(default_factory=list)
    tree: Tree = 0

    def through(self, state: str) -> list[int]:
        """Return the numbers of the leaves whose path visits `state`."""
        return [x.number for x in self.leaves if any(v.state == state for v in x.visits)]


def regions(journey: pg.Journey) -> list[Region]:
    """Return the regions of a journey, one for each root."""
    states = {s.id: s for s in journey.states}
    roots = dict.fromkeys([journey.start, *_woken_at(journey)])
    cuts: set[str] = set()
    for root in roots:
        if _count(root, states, {}) > _LEAVES_MAX:
            cuts |= _joins(root, states)
    return [
        _region(root, states, cuts)
        for root in (*roots, *(c for c in sorted(cuts) if c not in roots))
    ]


def _woken_at(journey: pg.Journey) -> list[str]:
    found = [g.target for g in journey.goals if g.target] + [e.target for e in journey.exits]
    for state in journey.states:
        if isinstance(state, pg.Rest):
            found += targets(state)
    return found


def _goes_on(state: pg.State) -> bool:
    return isinstance(state, (pg.Decide, pg.Act))


def _count(id: str, states: dict[str, pg.State], known: dict[str, int]) -> int:
    if id not in known:
        state = states[id]
        inner = targets(state) if _goes_on(state) else ()
        known[id] = sum(_count(t, states, known) for t in inner) if inner else 1
    return known[id]


def _joins(root: str, states: dict[str, pg.State]) -> set[str]:
    """Return the deciding or acting states of a region that more than one state leads to."""
    arrivals: dict[str, int] = {}
    todo, seen = [root], set[str]()
    while todo:
        id = todo.pop()
        if id in seen:
            continue
        seen.add(id)
        if _goes_on(states[id]):
            for target in targets(states[id]):
                arrivals[target] = arrivals.get(target, 0) + 1
                todo.append(target)
    return {id for id, n in arrivals.items() if n > 1 and _goes_on(states[id])}


def _region(root: str, states: dict[str, pg.State], cuts: set[str]) -> Region:
    region = Region(root)
    region.tree = _tree(Visit(root, None), (), region, states, cuts)
    return region


def _tree(
    visit: Visit,
    before: tuple[Visit, ...],
    region: Region,
    states: dict[str, pg.State],
    cuts: set[str],
) -> Tree:
    state = states[visit.state]
    path = (*before, visit)
    if state.id in cuts and before:
        return _leaf(before, state, region, is_cut=True)
    match state:
        case pg.Act(target=target):
            return _tree(Visit(target, ""), path, region, states, cuts)
        case pg.Decide(branches=branches, otherwise=otherwise):
            forks = tuple(
                (b.guard, _tree(Visit(b.target, f"branch {n}"), path, region, states, cuts))
                for n, b in enumerate(branches, 1)
            )
            return Fork(forks, _tree(Visit(otherwise, "else"), path, region, states, cuts))
    return _leaf(path, state, region, is_cut=False)


def _leaf(visits: tuple[Visit, ...], final: pg.State, region: Region, *, is_cut: bool) -> int:
    number = len(region.leaves) + 1
    region.leaves.append(Leaf(number, visits, final, is_cut))
    return number
