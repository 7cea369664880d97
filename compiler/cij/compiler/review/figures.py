"""A journey in figures: what a reviewer compares before and after."""

from cij.compiler import model
from cij.compiler.expression import Period
from cij.compiler.going_on import going_on, named_target
from cij.compiler.program import WaitState
from cij.compiler.proofs.bounds import send_bound
from cij.compiler.review.both_sides import Compiled
from cij.compiler.review.lineage import all_steps
from cij.compiler.review.review_report import Figures, JourneyReview, Standing
from cij.compiler.review.stay import longest_stay

WINDOWS_DAYS = (1, 7, 30)


def journey_review(
    old: str | None, new: str | None, base: Compiled, head: Compiled
) -> JourneyReview:
    """Return a journey before and after, by its names on both sides."""
    before = _figures(old, base) if old is not None else None
    after = _figures(new, head) if new is not None else None
    is_renamed = old is not None and new is not None and old != new
    return JourneyReview(
        name=new or old or "",
        previous=old if is_renamed else None,
        before=before,
        after=after,
        inside=_inside(old, new, base, head),
    )


def _figures(name: str, side: Compiled) -> Figures:
    journey = side.model.journeys[name]
    lowered = side.lowered.get(name)
    days = {str(n): send_bound(journey, Period(count=n, unit="day")).count for n in WINDOWS_DAYS}
    return Figures(
        version=lowered.version if lowered is not None else None,
        most_messages=days,
        longest_stay_s=longest_stay(journey),
        goals=tuple(goal.name for goal in journey.goals),
        exits=tuple(exit.name for exit in journey.exits),
        tests=tuple(story.title for story in side.stories if story.journey == name),
        messages=_messages(journey, side),
    )


def _messages(journey: model.Journey, side: Compiled) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for step in all_steps(journey.steps):
        if isinstance(step, model.Send) and step.message not in found:
            part = side.model.messages.get(step.message)
            texts = part.locales if part is not None else ()
            found[step.message] = tuple(text.locale for text in texts)
    return found


def _inside(
    old: str | None, new: str | None, base: Compiled, head: Compiled
) -> tuple[Standing, ...]:
    """Return what happens to those who wait at each step of the older version."""
    before = base.lowered.get(old) if old is not None else None
    after = head.lowered.get(new) if new is not None else None
    # A journey under another name is another journey to the store.
    if before is None or after is None or old != new or before.version == after.version:
        return ()
    found = []
    for state in before.states:
        if isinstance(state, WaitState) and not state.is_hidden and ":" not in state.step:
            what, target = going_on(state.step, state.id, after)
            to_step = named_target(what, target) or (target or "").partition(":")[0]
            found.append(Standing(step=state.step, what=what, to_step=to_step))
    return tuple(found)
