"""The most messages that one customer can receive from a journey in a window.

The worst case: every branch may be taken, every event may come at once, every timer takes its
least time. What the walk keeps is the ages of the messages sent inside the window; of two such
lists the one that has at least as many, all at least as recent, stands for both.

Units: seconds. A day counts 24 hours, a month 28 days, a year 365 days: no calendar has shorter
ones but for the hour that is lost when clocks go forward. A message counts when it is queued.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import time

from cij.compiler import model, program as pg
from cij.compiler.expression import Period
from cij.compiler.proofs.path_time import ANY_TIME, Clock

_UNIT_S = {
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86400,
    "week": 604800,
    "month": 28 * 86400,
    "year": 365 * 86400,
}
# Beyond this many passages inside one window the count is estimated, not walked.
_PASSAGES_MAX = 400
# Beyond this many pasts they are taken together, as one that is worse than each.
# More iterations of a loop than this are not walked one by one.
_ITERATIONS_MAX = 400
_PASTS_MAX = 100


@dataclass(frozen=True, slots=True)
class SentAt:
    """One message of the worst case, and the seconds since the first of them."""

    journey: str
    step: str
    message: str
    elapsed_s: int


@dataclass(frozen=True, slots=True)
class Bound:
    """`count` is None where nothing limits it. `is_exact` means that `path` has as many."""

    count: int | None
    path: tuple[SentAt, ...] = ()
    is_exact: bool = True


_NONE: frozenset[str] = frozenset()


def send_bound(
    journey: model.Journey,
    window: Period,
    channel: str | None = None,
    exempt: frozenset[str] = _NONE,
) -> Bound:
    """Return the most messages of a journey, on one channel or all, in any window this long.

    `exempt` are messages that are not counted.
    """
    gap = _gap(journey)
    walk = _Walk(journey, seconds(window), channel, exempt, is_timed=gap is not None)
    ends = walk.passage({_START})
    if walk.best and gap is not None:
        return _with_returns(walk, ends, gap)
    return _bound_of(walk)


def passage_bound(
    journey: model.Journey, window: Period, channel: str | None, exempt: frozenset[str]
) -> Bound:
    """Return the most messages of one passage."""
    walk = _Walk(journey, seconds(window), channel, exempt, is_timed=False)
    walk.passage({_START})
    return _bound_of(walk)


def total_bound(
    journeys: Iterable[model.Journey],
    window: Period,
    channel: str | None = None,
    exempt: frozenset[str] = _NONE,
) -> Bound:
    """Return the most messages of all journeys together: their worst cases may coincide."""
    bounds = [send_bound(j, window, channel, exempt) for j in journeys]
    path = tuple(sent for b in bounds for sent in b.path)
    counts = [b.count for b in bounds if b.count is not None]
    if len(counts) < len(bounds):
        return Bound(None, path, all(b.is_exact for b in bounds))
    return Bound(sum(counts), path, all(b.is_exact for b in bounds))


def exceeds(bound: Bound, limit: int) -> bool:
    """Tell whether a customer could receive more than `limit`."""
    return bound.count is None or bound.count > limit


def seconds(period: Period) -> int:
    """Return the least length of a period."""
    return sum(count * _UNIT_S[unit] for count, unit in period.lengths)


# --- the walk ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Past:
    """The sends inside the window, newest first, as (age, step, message).

    `elapsed_s` counts from the start of the passage, `has_sent` is true once it sent anything.
    """

    sends: tuple[tuple[int, str, str], ...] = ()
    clock: Clock = ANY_TIME
    elapsed_s: int = 0
    has_sent: bool = False

    def covers(self, other: "_Past") -> bool:
        """Tell whether this past is at least as bad, whatever comes."""
        return (
            len(self.sends) >= len(other.sends)
            and self.clock.covers(other.clock)
            and all(a[0] <= b[0] for a, b in zip(self.sends, other.sends, strict=False))
            and self.elapsed_s <= other.elapsed_s
            and self.has_sent >= other.has_sent
        )


_START = _Past()
_Pasts = set[_Past]


@dataclass(slots=True)
class _Walk:
    """`best` is the longest list of sends inside one window so far.

    `is_timed` keeps how long a passage took, which matters where it may be followed by another.
    """

    journey: model.Journey
    window_s: int
    channel: str | None
    exempt: frozenset[str]
    is_timed: bool
    best: tuple[tuple[int, str, str], ...] = ()
    is_exact: bool = True

    def passage(self, starts: _Pasts) -> _Pasts:
        """Return all that may be past when a passage that begins so has ended."""
        ends: _Pasts = set()
        ends |= self._block(self.journey.steps, starts, ends)
        return self._worst(ends)

    def later(self, past: _Past, delay_s: int, clock: Clock) -> _Past:
        """Return a past after some time."""
        aged = ((age + delay_s, step, message) for age, step, message in past.sends)
        kept = tuple(s for s in aged if s[0] < self.window_s)
        elapsed = past.elapsed_s + delay_s if self.is_timed else 0
        return replace(past, sends=kept, clock=clock, elapsed_s=elapsed)

    def _block(self, steps: model.Steps, pasts: _Pasts, ends: _Pasts) -> _Pasts:
        for step in steps:
            pasts = self._worst(self._step(step, pasts, ends))
        return pasts

    def _step(self, step: model.Step, pasts: _Pasts, ends: _Pasts) -> _Pasts:
        match step:
            case model.Send():
                return {self._sent(step, past) for past in pasts}
            case model.Wait():
                return self._wait(step, pasts, ends)
            case model.Choose():
                blocks = [*(a.steps for a in step.arms), step.otherwise]
                return set().union(*(self._block(b, pasts, ends) for b in blocks))
            case model.Act():
                return pasts
            case model.Group():
                return self._block(step.steps, pasts, ends)
            case model.Repeat():
                return self._repeat(step, pasts, ends)
        ends |= pasts
        return set()

    def _repeat(self, step: model.Repeat, pasts: _Pasts, ends: _Pasts) -> _Pasts:
        """Walk iteration after iteration, until one more changes nothing or there are no more."""
        found: _Pasts = set(pasts) if step.until is not None else set()
        for iteration in range(step.times):
            after = self._worst(self._block(step.steps, pasts, ends))
            is_last = iteration + 1 == step.times
            if step.until is not None or is_last:
                found |= after
            if step.every is not None and not is_last:
                timer = pg.AfterPeriod(period=step.every)
                after = self._worst({self.later(p, *_timer(timer, p.clock)) for p in after})
            if after == pasts or iteration >= _ITERATIONS_MAX:
                self.is_exact &= after == pasts
                return found | after
            pasts = after
        return found

    def _sent(self, step: model.Send, past: _Past) -> _Past:
        if self.channel not in (None, step.channel) or step.message in self.exempt:
            return past
        sends = ((0, step.name, step.message), *past.sends)
        if len(sends) > len(self.best):
            self.best = sends
        return replace(past, sends=sends, has_sent=True)

    def _wait(self, step: model.Wait, pasts: _Pasts, ends: _Pasts) -> _Pasts:
        if _may_break_off(self.journey):
            ends |= {self.later(p, 0, ANY_TIME) for p in pasts}
        due = {self.later(p, *_timer(step.timer, p.clock)) for p in pasts}
        found = self._block(step.otherwise, due, ends)
        at_once = {self.later(p, 0, ANY_TIME) for p in pasts}
        for block in (*(a.steps for a in step.arms), *(c.steps for c in step.conditions)):
            found |= self._block(block, at_once, ends)
        return found

    def _worst(self, pasts: _Pasts) -> _Pasts:
        """Leave out every past that another one covers."""
        kept: list[_Past] = []
        for past in sorted(pasts, key=_badness):
            if not any(k.covers(past) for k in kept):
                kept.append(past)
        if len(kept) <= _PASTS_MAX:
            return set(kept)
        self.is_exact = False
        return _together(kept)


def _badness(past: _Past) -> tuple[object, ...]:
    return (-len(past.sends), past.clock.cycle_s, past.sends, past.elapsed_s)


def _together(pasts: Iterable[_Past]) -> _Pasts:
    """Return pasts that cover all of these: the most sends, each as recent as any."""
    found = set()
    for has_sent in (True, False):
        group = [p for p in pasts if p.has_sent == has_sent]
        count = max((len(p.sends) for p in group), default=0)
        sends = tuple(min(p.sends[i] for p in group if len(p.sends) > i) for i in range(count))
        if group:
            found.add(_Past(sends, ANY_TIME, min(p.elapsed_s for p in group), has_sent))
    return found


def _timer(timer: pg.Timer, clock: Clock) -> tuple[int, Clock]:
    """Return the least delay of a timer, and what the clock shows then."""
    match timer:
        case pg.AfterPeriod(period=period, at=at):
            delay, later = seconds(period), clock.after(seconds(period))
            if period.unit in ("month", "year"):
                later = later.without_weekday()
            return (delay, later) if at is None else _at(delay, later, at)
        case pg.UntilWeekday(weekday=weekday, at=at):
            return clock.until_weekday(weekday, _second_of_day(at))
    return 0, ANY_TIME


def _at(delay: int, clock: Clock, at: str) -> tuple[int, Clock]:
    more, later = clock.until(_second_of_day(at))
    return delay + more, later


def _second_of_day(at: str) -> int:
    found = time.fromisoformat(at)
    return found.hour * 3600 + found.minute * 60 + found.second


def _may_break_off(journey: model.Journey) -> bool:
    """Tell whether something may end a passage at a wait."""
    return bool(journey.exits) or any(not goal.is_stay for goal in journey.goals)


# --- coming back ------------------------------------------------------------------------------


def _gap(journey: model.Journey) -> int | None:
    """Return the least time between two passages; None when there is only one."""
    is_once = all(isinstance(e, pg.SegmentEntry) and e.is_once for e in journey.head.entries)
    if journey.head.per is not None:
        return 0
    if journey.head.again == "never" or is_once:
        return None
    return seconds(journey.head.again_after) if journey.head.again_after else 0


def _with_returns(walk: _Walk, ends: _Pasts, gap: int) -> Bound:
    """Add the passages that may follow in the same window."""
    turn_s = gap + min((p.elapsed_s for p in ends if p.has_sent), default=0)
    if walk.journey.head.per is not None or turn_s == 0:
        return Bound(None, _path(walk.journey, walk.best))
    turns = -(-walk.window_s // turn_s)
    if turns > _PASSAGES_MAX:
        return Bound(len(walk.best) * (turns + 1), _path(walk.journey, walk.best), is_exact=False)
    walk.is_timed = False
    before: _Pasts = set()
    for _ in range(turns):
        starts = {walk.later(p, gap, ANY_TIME) for p in ends}
        ends = walk.passage({replace(p, elapsed_s=0, has_sent=False) for p in starts})
        if ends == before:
            break
        before = ends
    return _bound_of(walk)


def _bound_of(walk: _Walk) -> Bound:
    return Bound(len(walk.best), _path(walk.journey, walk.best), walk.is_exact)


def _path(journey: model.Journey, sends: Sequence[tuple[int, str, str]]) -> tuple[SentAt, ...]:
    first = sends[-1][0] if sends else 0
    return tuple(SentAt(journey.name, s, m, first - age) for age, s, m in reversed(sends))
