"""The longest that one passage may stay in a journey.

Units: seconds. A month counts 31 days and a year 366: no calendar has longer ones. A wait that ends at a
time of day may take up to a day longer, one for a weekday a week. What quiet hours and caps hold is not
counted. None stands for no limit: the instant of `wait until` may be any.
"""

from collections.abc import Iterable

from cij.compiler import model, program as pg
from cij.compiler.expression import Period
from cij.compiler.proofs.bounds import seconds

_Parts = Iterable[int | None]
_DAY_S = 86400
_LONGER_S = {"month": 31 * _DAY_S, "year": 366 * _DAY_S}


def longest_stay(journey: model.Journey) -> int | None:
    """Return the most seconds from the entry to the end; None where nothing limits it."""
    return _block(journey.steps)


def _block(steps: model.Steps) -> int | None:
    return _sum(_step(step) for step in steps)


def _sum(parts: _Parts) -> int | None:
    total = 0
    for part in parts:
        if part is None:
            return None
        total += part
    return total


def _most(parts: _Parts) -> int | None:
    most = 0
    for part in parts:
        if part is None:
            return None
        most = max(most, part)
    return most


def _step(step: model.Step) -> int | None:
    match step:
        case model.Wait():
            return _sum((_timer(step.timer), _most(map(_block, model.blocks(step)))))
        case model.Choose() | model.Group():
            return _most(map(_block, model.blocks(step)))
        case model.Repeat():
            return _loop(step)
    return 0


def _loop(step: model.Repeat) -> int | None:
    once = _block(step.steps)
    if once is None:
        return None
    pause = _length(step.every) if step.every is not None else 0
    return once * step.times + pause * (step.times - 1)


def _timer(timer: pg.Timer) -> int | None:
    match timer:
        case pg.AfterPeriod(period=period, at=at):
            return _length(period) + (_DAY_S if at is not None else 0)
        case pg.UntilWeekday():
            return 7 * _DAY_S
    return None


def _length(period: Period) -> int:
    units = [(n, _LONGER_S.get(u, seconds(Period(count=1, unit=u)))) for n, u in period.lengths]
    return sum(count * length for count, length in units)
