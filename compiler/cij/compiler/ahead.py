"""Which messages and calls are ahead of a state of a journey, and which are behind it.

It follows arrows only, so it says what may come, not what comes. `cij diff` says it of steps, and a
deployment refuses to send again to those who are adopted (S21).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cij.compiler import program as pg

Ways = dict[str, list[str]]
_EFFECTS = (pg.SendEffect, pg.DoEffect)


def ways(journey: pg.Journey) -> Ways:
    """Return the states that each state leads to."""
    return {state.id: _targets(state) for state in journey.states}


def _targets(state: pg.State) -> list[str]:
    match state:
        case pg.WaitState():
            arms = [*(a.target for a in state.awaits), *(c.target for c in state.conditions)]
            return [*arms, state.timeout]
        case pg.DecideState():
            return [*(b.target for b in state.branches), state.otherwise]
        case pg.ActState():
            return [state.target]
    return []


def backwards(found: Ways) -> Ways:
    """Return the states that lead to each state."""
    turned: Ways = {state: [] for state in found}
    for state, targets in found.items():
        for target in targets:
            turned[target].append(state)
    return turned


def reached(start: str, found: Ways) -> set[str]:
    """Return the states that are reached from a state; the state itself only in a loop."""
    seen, todo = set[str](), list(found.get(start, []))
    while todo:
        state = todo.pop()
        if state not in seen:
            seen.add(state)
            todo += found.get(state, [])
    return seen


def sends(states: set[str], journey: pg.Journey) -> list[str]:
    """Return the steps among states that send a message, in the order of the text."""
    return [
        s.step
        for s in journey.states
        if s.id in states and isinstance(s, pg.ActState) and isinstance(s.effect, pg.SendEffect)
    ]


# --- going over to another version ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Difference:
    """What going over from a state of an older version to one of a newer one means.

    `again` has pairs (step of the older, step of the newer version): who got the first may get the second,
    and the older version would not have sent it again. `missed` are steps of the older version that were
    ahead, and that nobody comes to any more from there.
    """

    again: tuple[tuple[str, str], ...] = ()
    missed: tuple[str, ...] = ()


def difference(
    old: pg.Journey, at: str, new: pg.Journey, to: str | None, *, is_held: bool = False
) -> Difference:
    """Return what is sent again or missed by those who go over from `at` to `to`; None is an end.

    `is_held` tells that they are in front of the send `at`, and not behind it.
    """
    renamed = {r.old: r.new for r in new.renamed}
    before, after = _acts(old), _acts(new)
    way = ways(old)
    ahead = _steps(reached(at, way) | ({at} if is_held else set()), before)
    behind = _steps(reached(at, backwards(way)), before)
    next_states = reached(to, ways(new)) | {to} if to is not None else set()
    ahead_now = _steps(next_states, after)
    same = _same(before, after, renamed)
    again = [(s, t) for s in behind if s not in ahead for t in ahead_now if same(s, t)]
    missed = [s for s in ahead if not any(same(s, t) for t in ahead_now)]
    return Difference(tuple(again), tuple(missed))


def _acts(journey: pg.Journey) -> dict[str, pg.ActState]:
    found = (s for s in journey.states if isinstance(s, pg.ActState))
    return {s.id: s for s in found if isinstance(s.effect, _EFFECTS)}


def _steps(states: set[str], acts: Mapping[str, pg.ActState]) -> list[str]:
    return [act.step for id, act in acts.items() if id in states]


def _same(
    before: Mapping[str, pg.ActState],
    after: Mapping[str, pg.ActState],
    renamed: Mapping[str, str],
) -> Callable[[str, str], bool]:
    """Return the test whether two steps are one: by name; else by what they send, where both names are new
    to the other version."""
    old = {act.step: _what(act) for act in before.values()}
    new = {act.step: _what(act) for act in after.values()}

    def test(one: str, other: str) -> bool:
        if renamed.get(one, one) in new:
            return renamed.get(one, one) == other
        return other not in old and other not in renamed.values() and old[one] == new[other]

    return test


def _what(act: pg.ActState) -> Sequence[str]:
    if isinstance(act.effect, pg.SendEffect):
        return ("send", act.effect.channel, act.effect.message)
    assert isinstance(act.effect, pg.DoEffect), "only effects that leave the project are kept"
    return ("do", act.effect.action)
