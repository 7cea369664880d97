"""Regions: the paths from each waking to the leaves that are reached without a wait."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Union

from cij.compiler import program as pg
from cij.compiler.effect import changes_customer
from cij.compiler.expression import And, Expression, FirstCome, OverCap, SendOutcome
from cij.compiler.sql.plan.governing import heading_for
from cij.compiler.verify import targets
from cij.compiler.walk import walk

# A region with more leaves is cut where branches join. Its size is then linear in the size of the
# journey and not in the number of paths, which can be exponential.
_LEAVES_MAX = 64

# 60 bits fit a signed 64-bit integer, which every engine has.
_PATH_DIGITS = 15


Turns = tuple[pg.IterationEffect, ...]


@dataclass(frozen=True, slots=True)
class Visit:
    """A state on the path to a leaf, with the reason of the step to it (None for the root).

    `turns` are the beginnings and ends of iterations before it. `is_hidden` marks a state that the
    compiler added and that history does not show. `is_real` tells that something was sent or done before
    it on the path.
    """

    state: str
    why: str | None
    turns: Turns = ()
    is_hidden: bool = False
    is_real: bool = False


@dataclass(frozen=True, slots=True)
class Leaf:
    """The end of a path: a wait, an end, or a cut, from which the passage goes on in the
    same tick.

    `is_real` tells that something was sent or done on the path, or is held in front of it. That happens
    at the real instant of the tick, so what follows counts from it (S12, S17).
    """

    number: int
    visits: tuple[Visit, ...]
    final: pg.State
    is_cut: bool
    turns: Turns
    is_real: bool = False

    @property
    def path(self) -> int:
        """The number of the path: a hash of its visits, so equal paths of all journeys share one
        number.

        A hash needs no table of numbers, so it is the same in every version and store.
        """
        text = json.dumps([(v.state, v.why) for v in self.visits], ensure_ascii=False)
        return int(hashlib.sha256(text.encode()).hexdigest()[:_PATH_DIGITS], 16)


@dataclass(frozen=True, slots=True)
class Fork:
    """The branches of a `DecideState` in their order. `turns` as for a visit.

    `is_real` tells that the guards are tested at the real instant of the tick: they are rules of a send,
    or something was sent before them.
    """

    turns: Turns
    is_real: bool
    branches: "tuple[tuple[Expression, Tree], ...]"
    otherwise: "Tree"


Tree = Union[int, Fork]


@dataclass(slots=True)
class Region:
    """The paths from one root. `tree` has the numbers of `leaves` at its ends."""

    root: str
    leaves: list[Leaf] = field(default_factory=list)
    tree: Tree = 0

    def through(self, state: str) -> dict[Turns, list[int]]:
        """Return the numbers of the leaves whose path visits `state`, by the iterations
        before it."""
        found: dict[Turns, list[int]] = {}
        for leaf in self.leaves:
            for visit in leaf.visits:
                if visit.state == state:
                    found.setdefault(visit.turns, []).append(leaf.number)
        return found

    def real(self, state: str, leaves: Sequence[int]) -> list[int]:
        """Return those of `leaves` on whose path something is sent or done before `state`."""
        return [
            leaf.number
            for leaf in self.leaves
            if leaf.number in leaves and any(v.state == state and v.is_real for v in leaf.visits)
        ]


def regions(journey: pg.Journey) -> list[Region]:
    """Return the regions of a journey, one for each root.

    A root is the start, a state behind a wait, the end of a goal or exit, or a cut.
    """
    states = {s.id: s for s in journey.states}
    roots = dict.fromkeys([journey.start, *_woken_at(journey)])
    cuts = _begins_anew(journey, states)
    for root in roots:
        if _count(root, states, {}) > _LEAVES_MAX:
            cuts |= _joins(root, states)
    return [
        _region(root, states, cuts)
        # The cuts are sorted, because a set has no stable order and the plan has to be the same
        # each time.
        for root in (*roots, *(c for c in sorted(cuts) if c not in roots))
    ]


def _begins_anew(journey: pg.Journey, states: dict[str, pg.State]) -> set[str]:
    """Return the states at which a region has to be cut.

    All statements of one region read the same snapshot. So a guard that counts passages begins a region, to
    see the counts of those before it, and so does a state that reads the outcome of a send. A state after
    `set` or a change of consent begins one, to read the new value.
    """
    found = {s.id for s in journey.states if isinstance(s, pg.DecideState) and _counts(s)}
    found |= {s.id for s in journey.states if _goes_on(s) and _reads_outcome(s)}
    for state in journey.states:
        if isinstance(state, pg.ActState) and changes_customer(state.effect):
            target = states[state.target]
            if _goes_on(target) or _reads(target):
                found.add(target.id)
    return found


def _counts(state: pg.DecideState) -> bool:
    return any(_is_counting(b.guard) for b in state.branches)


def _is_counting(guard: Expression) -> bool:
    items = guard.items if isinstance(guard, And) else (guard,)
    return any(isinstance(item, (FirstCome, OverCap)) for item in items)


def _reads(state: pg.State) -> bool:
    return isinstance(state, pg.WaitState) and isinstance(state.timer, pg.UntilMoment)


def _reads_outcome(state: pg.State) -> bool:
    return any(isinstance(part, SendOutcome) for part in walk(state))


def _woken_at(journey: pg.Journey) -> list[str]:
    found = [g.target for g in journey.goals if g.target] + [e.target for e in journey.exits]
    for state in journey.states:
        if isinstance(state, pg.WaitState):
            found += targets(state)
    return found


def _goes_on(state: pg.State) -> bool:
    return isinstance(state, (pg.DecideState, pg.ActState))


def _count(id: str, states: dict[str, pg.State], known: dict[str, int]) -> int:
    # Counting with a memo is linear. Building the tree first could take exponential time.
    if id not in known:
        state = states[id]
        inner = targets(state) if _goes_on(state) else ()
        known[id] = sum(_count(t, states, known) for t in inner) if inner else 1
    return known[id]


def _joins(root: str, states: dict[str, pg.State]) -> set[str]:
    """Return the deciding and acting states of a region that several states lead to."""
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
    first = Visit(root, None, (), states[root].is_hidden)
    region.tree = _tree(first, (), region, states, cuts)
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
    # What is sent late is sent at the real instant, and its validity counts from there (S12).
    is_real = heading_for(state.id) is not None or visit.is_real
    if state.id in cuts and before:
        return _leaf(before, state, region, visit.turns, is_cut=True, is_real=is_real)

    # History does not show hidden states, so the reason before one is the reason after it.
    passed_on = visit.why if state.is_hidden else None

    def onward(target: str, why: str | None, turns: Turns = visit.turns) -> Tree:
        is_real = visit.is_real or _leaves_the_store(state)
        step = Visit(target, why, turns, states[target].is_hidden, is_real)
        return _tree(step, path, region, states, cuts)

    match state:
        case pg.ActState(target=target, effect=pg.IterationEffect() as turn):
            return onward(target, passed_on, (*visit.turns, turn))
        case pg.ActState(target=target):
            return onward(target, "")
        case pg.DecideState(branches=branches, otherwise=otherwise):
            forks = tuple(
                (b.guard, onward(b.target, b.why or f"branch {n}"))
                for n, b in enumerate(branches, 1)
            )
            rest = onward(otherwise, passed_on if state.is_hidden else "else")
            return Fork(visit.turns, is_real, forks, rest)
    return _leaf(path, state, region, visit.turns, is_real=is_real)


def _leaves_the_store(state: pg.State) -> bool:
    """Tell whether a state sends a message or calls another system."""
    return isinstance(state, pg.ActState) and isinstance(state.effect, (pg.SendEffect, pg.DoEffect))


def _leaf(
    visits: tuple[Visit, ...],
    final: pg.State,
    region: Region,
    turns: Turns,
    *,
    is_real: bool,
    is_cut: bool = False,
) -> int:
    number = len(region.leaves) + 1
    region.leaves.append(Leaf(number, visits, final, is_cut, turns, is_real))
    return number
