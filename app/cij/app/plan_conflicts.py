"""Changed journeys beside the others: the same people, messages at the same time, loops of events."""

from collections.abc import Collection, Iterator, Sequence

from cij.app.plan_report import Conflict
from cij.compiler import program as pg
from cij.compiler.program import Journey, Program
from cij.compiler.review.trigger_loops import trigger_loops
from cij.runtime.change_counts import Overlap
from cij.runtime.forecast import WINDOW, Clash

# A project may have a thousand journeys that write to everybody, and each pair is a query.
_PAIRS_MAX = 20


def pairs(old: Program | None, new: Program) -> tuple[tuple[str, str], ...]:
    """Return the pairs (changed journey, other journey) that write on the same channel."""
    before = {j.name: j.version for j in old.journeys} if old is not None else {}
    changed = [j for j in new.journeys if old is not None and before.get(j.name) != j.version]
    names = {j.name for j in changed}
    found = (
        (one.name, other.name)
        for one in changed
        for other in new.journeys
        if _channels(one) & _channels(other)
        and one.name != other.name
        and (other.name not in names or one.name < other.name)
    )
    return tuple(pair for pair, _ in zip(found, range(_PAIRS_MAX), strict=False))


def _channels(journey: Journey) -> set[str]:
    acts = (s.effect for s in journey.states if isinstance(s, pg.ActState))
    return {effect.channel for effect in acts if isinstance(effect, pg.SendEffect)}


def conflicts(
    program: Program,
    changed: Collection[str],
    overlaps: Sequence[Overlap],
    clashes: Sequence[Clash] = (),
) -> Iterator[Conflict]:
    """Yield what a reviewer should know, in sentences."""
    for each in overlaps:
        if each.people:
            yield Conflict(
                kind="overlap",
                journeys=(each.journey, each.other),
                people=each.people,
                sentence=f"{_customers(each.people)} may enter both `{each.journey}` and `{each.other}`.",
            )
    hours = int(WINDOW.total_seconds()) // 3600
    for clash in clashes:
        yield Conflict(
            kind="competing",
            journeys=(clash.journey, clash.other),
            people=clash.people,
            channel=clash.channel,
            sentence=f"{_customers(clash.people)} would get {clash.channel} of both `{clash.journey}` and "
            f"`{clash.other}` within {hours} hours.",
        )
    for way in trigger_loops(program, changed):
        around = ", which starts ".join(f"`{name}`" for name in (*way[1:], way[0]))
        yield Conflict(
            kind="loop",
            journeys=way,
            sentence=f"`{way[0]}` raises an event that starts {around} again: one customer may go round "
            "without an end.",
        )


def _customers(count: int) -> str:
    return f"{count:,} customer{'' if count == 1 else 's'}"
