"""Journeys that want the same customers: a new journey beside those that are there."""

from collections.abc import Iterator

from cij.compiler import expression as ex, model, program as pg
from cij.compiler.expression import Period
from cij.compiler.model import Model
from cij.compiler.proofs.bounds import total_bound
from cij.compiler.proofs.caps import exempt, window_of
from cij.compiler.proofs.verdicts import disjoint
from cij.compiler.review.both_sides import Context, where
from cij.compiler.review.lineage import all_steps
from cij.compiler.review.review_report import Change
from cij.compiler.unparse import cap_words
from cij.compiler.wording import listed, plural

_WEEK = Period(count=7, unit="day")
# The most journeys that are named; a project may have a thousand that write to everybody.
_NAMED_MAX = 5


def competition(
    journey: model.Journey, context: Context, *, is_new: bool = True
) -> Iterator[Change]:
    """Yield one change where a journey may write to the customers of other journeys.

    A journey whose customers are proved to be others is left out. Only channels that both use count.
    """
    head = context.head.model
    rivals = [other for other in _rivals(journey, context) if may_share(journey, other, head)]
    if not is_new:
        rivals = [other for other in rivals if _is_newly_shared(journey, other, context)]
    channels = _channels(journey)
    if not rivals:
        return
    source = context.head.model
    most = total_bound([journey, *rivals[:_NAMED_MAX]], _WEEK, None, exempt(source)).count
    limit = "any number of messages" if most is None else plural(most, "message")
    of = " from those that are named" if len(rivals) > _NAMED_MAX else ""
    yield Change(
        address=f"journey.{journey.name}.competition",
        action="added" if is_new else "changed",
        change_class="audience",
        what=f"journey `{journey.name}` writes to customers of {listed((r.name for r in rivals), limit=_NAMED_MAX)}",
        effect=f"One customer may be in {'both' if len(rivals) == 1 else 'several'} and get up to {limit} in 7 days{of}. "
        f"{_caps(journey, rivals, channels, context)}",
        who=f"customers who match the entry of `{journey.name}` and of {listed((r.name for r in rivals), limit=_NAMED_MAX)}",
        inside="Messages of people inside the other journeys count in the same limits.",
        decide="Is it right that they get both? If not: `suppress` in one of them, a cap in a policy, or `priority`.",
        affects=tuple(f"journey {r.name}" for r in rivals),
        place=where(model.place(journey.span)),
    )


def _rivals(journey: model.Journey, context: Context) -> Iterator[model.Journey]:
    channels = _channels(journey)
    for other in context.head.model.journeys.values():
        is_other = other.name != journey.name and not other.head.is_draft
        if is_other and channels & _channels(other):
            yield other


def _channels(journey: model.Journey) -> set[str]:
    return {s.channel for s in all_steps(journey.steps) if isinstance(s, model.Send)}


def may_share(journey: model.Journey, other: model.Journey, source: Model) -> bool:
    """Tell whether a customer can enter both, as far as segments prove it."""
    one, two = _condition(journey, source), _condition(other, source)
    return one is None or two is None or not disjoint(one, two, source)


def _is_newly_shared(journey: model.Journey, other: model.Journey, context: Context) -> bool:
    """Tell whether it is proved that nobody could be in both before."""
    base = context.base.model
    one, two = base.journeys.get(journey.name), base.journeys.get(other.name)
    return one is not None and two is not None and not may_share(one, two, base)


def _condition(journey: model.Journey, source: Model) -> ex.Expression | None:
    """Return the condition of those who enter; None where an event lets people in."""
    found = [e.segment for e in journey.head.entries if isinstance(e, pg.SegmentEntry)]
    known = [source.segments[s].condition for s in found if s in source.segments]
    if not known or len(known) < len(journey.head.entries):
        return None
    return known[0] if len(known) == 1 else ex.Or(items=tuple(known))


def _caps(
    journey: model.Journey, rivals: list[model.Journey], channels: set[str], context: Context
) -> str:
    source = context.head.model
    caps = [c for p in source.policies.values() for c in p.caps if c.channel in (None, *channels)]
    if not caps:
        return "No policy limits that."
    for cap in caps:
        bound = total_bound(
            [journey, *rivals[:_NAMED_MAX]], window_of(cap), cap.channel, exempt(source)
        )
        if bound.count is None or bound.count > cap.count:
            more = "held back" if cap.waits else "left out"
            return f"The policy `{cap.policy}` allows {cap_words(cap)}; what is more is {more}."
    return f"The policy `{caps[0].policy}` allows that ({cap_words(caps[0])})."
