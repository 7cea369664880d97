"""Where a passage of an older version goes on when a journey changes (S21).

`cij diff` says it of every step of the older version, and a deployment does it for those who stand there.
"""

from typing import Literal

from cij.compiler.program import ActState, Journey, WaitState

GoingOn = Literal["stays", "adopts", "moves", "ends", "stuck"]


def going_on(
    step: str, state: str, new: Journey, held_at: str | None = None
) -> tuple[GoingOn, str | None]:
    """Return what happens to a passage at `state`, which is of `step`, and the state where it goes on.

    `held_at` is the send in front of which the passage is held; all others are at a wait.
    """
    for rule in new.removed:
        if rule.step == step and rule.then == "finish":
            return "stays", None
        if rule.step == step:
            return ("moves" if rule.then == "go_to" else "ends"), rule.target
    if new.in_flight == "pin":
        return "stays", None
    name = next((r.new for r in new.renamed if r.old == step), step)
    wanted = _renamed(state, step, name)
    id = _renamed(held_at, step, name) if held_at is not None else wanted
    kind = WaitState if held_at is None else ActState
    is_there = any(s.id == id and isinstance(s, kind) for s in new.states)
    return ("adopts", wanted) if is_there else ("stuck", None)


def _renamed(state: str, step: str, name: str) -> str:
    return state.replace(step, name) if name != step else state


def named_target(what: GoingOn, target: str | None) -> str:
    """Return the step, or the outcome, that an author wrote in `removed`; empty for no target."""
    if what not in ("moves", "ends") or target is None:
        return ""
    return target.removeprefix("moved:").removeprefix("ended:")
