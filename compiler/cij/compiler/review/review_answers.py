"""The answers that changes of many kinds have in common: who is affected, and what happens inside."""

from collections.abc import Iterable, Sequence

from cij.compiler.review.both_sides import Context, journeys_of
from cij.compiler.review.lineage import Node
from cij.compiler.wording import listed

AT_ONCE = "The new rule holds at once, also for people who are inside a journey now."
COUNT = "`cij plan` counts how many"


def who_uses(users: Sequence[Node], *, otherwise: str = "nobody: nothing uses it") -> str:
    """Return whom a change of a shared declaration affects, by the journeys that read it."""
    names = journeys_of(users)
    if names:
        return f"customers of {_noun(names)} {listed(names)}"
    messages = [n.name for n in users if n.kind == "message"]
    if messages:
        return f"nobody yet: only {listed(messages)} reads it, and no journey sends that"
    return otherwise


def _noun(names: Sequence[str]) -> str:
    return "journey" if len(names) == 1 else "the journeys"


def inside(names: Iterable[str], context: Context) -> str:
    """Return what happens to the people inside journeys that have another version now."""
    old, new = context.base.model.journeys, context.head.model.journeys
    both = [name for name in names if name in old and name in new]
    adopting = [n for n in both if new[n].head.in_flight == "adopt"]
    pinned = [n for n in both if n not in adopting]
    found = []
    if pinned:
        found.append(
            f"People inside {listed(pinned)} stay on the version they entered with, "
            "so nothing changes for them."
        )
    if adopting:
        found.append(f"People inside {listed(adopting)} go over to the new version at once.")
    return " ".join(found)


def used_by(users: Sequence[Node]) -> tuple[str, ...]:
    """Return the users of a declaration as texts, journeys first."""
    return tuple(str(node) for node in users)
