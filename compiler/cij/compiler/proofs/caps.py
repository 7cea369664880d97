"""Whether journeys ask for more messages than the caps of the policies allow.

A warning is about a single passage that may do so: messages above the cap are left out, or wait. All
journeys together are for `cij check --bounds`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from cij.compiler import expression as ex, model
from cij.compiler.expression import Period
from cij.compiler.model import Model
from cij.compiler.pass_state import Build
from cij.compiler.policy import TRANSACTIONAL
from cij.compiler.proofs.bounds import Bound, SentAt, passage_bound, total_bound
from cij.compiler.unparse import cap_words, duration_words, seconds_words
from cij.grammar import codes
from cij.grammar.span import Span

# The longest that a unit of the calendar can be.
_DAYS_MAX = {"day": 1, "week": 7, "month": 31, "year": 366}
_SHOWN_MAX = 8


@dataclass(frozen=True, slots=True)
class CapBound:
    """What all journeys together may want to send in the window of a cap."""

    cap: ex.Cap
    bound: Bound

    @property
    def is_kept(self) -> bool | None:
        """Tell whether no journey asks for more than the cap allows; None where it is not proved."""
        count = self.bound.count
        if count is not None and count <= self.cap.count:
            return True
        return False if count is None or self.bound.is_exact else None


def cap_bounds(source: Model) -> Iterator[CapBound]:
    """Yield each cap with what all journeys together may ask for."""
    journeys = source.journeys.values()
    for policy in source.policies.values():
        for cap in policy.caps:
            bound = total_bound(journeys, window_of(cap), cap.channel, exempt(source))
            yield CapBound(cap, bound)


def exempt(source: Model) -> frozenset[str]:
    """Return the messages that no cap counts."""
    return frozenset(m.name for m in source.messages.values() if m.topic == TRANSACTIONAL)


def window_of(cap: ex.Cap) -> Period:
    """Return the longest window of a cap, in a unit whose length is known."""
    parts = [(n * _DAYS_MAX[unit], unit) for n, unit in cap.period.lengths if unit in _DAYS_MAX]
    if not parts:
        return cap.period
    is_split = cap.period.rest is not None and not cap.period.is_whole_days
    rest = cap.period.rest if is_split else None
    return Period(count=sum(days for days, _ in parts), unit="day", rest=rest)


def check_caps(build: Build) -> None:
    """Report the journeys of which one passage may send more than a cap allows."""
    source = build.model
    caps = [c for policy in source.policies.values() for c in policy.caps if not c.waits]
    free = exempt(source)
    for journey in source.journeys.values() if caps else ():
        for cap in caps:
            bound = passage_bound(journey, window_of(cap), cap.channel, free)
            if bound.count is not None and bound.count > cap.count and bound.is_exact:
                _report(journey, cap, bound, build)


def _report(journey: model.Journey, cap: ex.Cap, bound: Bound, build: Build) -> None:
    steps = [f"{s.step} after {seconds_words(s.elapsed_s)}" for s in bound.path[:_SHOWN_MAX]]
    message = (
        f"`{journey.name}` may send somebody {bound.count} {cap.channel or 'messages'} within "
        f"{duration_words(window_of(cap))}, and the policy `{cap.policy}` allows "
        f"{cap_words(cap)}: the others are skipped"
    )
    build.report(
        codes.OVER_CAP.at(
            _span(journey, bound.path[cap.count]),
            message,
            label="this one is above the cap",
            notes=[f"the worst case: {', '.join(steps)}"],
            help="wait longer in between, or add `on cap wait` to the policy",
        )
    )


def _span(journey: model.Journey, sent: SentAt) -> Span:
    return next(s for s in _steps(journey.steps) if s.name == sent.step).span


def _steps(steps: model.Steps) -> Iterator[model.Step]:
    for step in steps:
        yield step
        for block in model.blocks(step):
            yield from _steps(block)
