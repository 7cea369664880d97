"""The arms of a split as intervals of the hash: who changes arms when the shares change is exact (S14)."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from cij.compiler import expression as ex, model
from cij.compiler.unparse import percent_words
from cij.compiler.walk import walk

Interval = tuple[Decimal, Decimal]


def interval(arm: model.ChooseArm) -> Interval:
    """Return the part of all hashes, from 0 to 1, that leads into an arm."""
    share = next(node for node in walk(arm.guard) if isinstance(node, ex.HashShare))
    return Decimal(share.low), Decimal(share.high)


def share_words(arm: model.ChooseArm) -> str:
    """Return the share of an arm: `45%`."""
    low, high = interval(arm)
    return percent_words(high - low)


def switches(
    old: Sequence[model.ChooseArm], new: Sequence[model.ChooseArm]
) -> Iterator[tuple[str, str, Decimal]]:
    """Yield (arm before, arm after, share of all customers) for those who come into another arm.

    The name is empty for customers in no arm.
    """
    for before, (low, high) in _covering(old):
        for after, (start, end) in _covering(new):
            shared = min(high, end) - max(low, start)
            if shared > 0 and before != after:
                yield before, after, shared


def _covering(arms: Sequence[model.ChooseArm]) -> list[tuple[str, Interval]]:
    found = [(arm.name, interval(arm)) for arm in arms]
    taken = max((end for _, (_, end) in found), default=Decimal(0))
    return [*found, ("", (taken, Decimal(1)))]
