"""Sets of values of one ordered type: any union of intervals, with open and closed ends.

A set is the list of cuts at which membership changes, in order, and whether it begins inside. A cut
`(v, 0)` lies right before `v`, a cut `(v, 1)` right after it; so `[2, 5)` is cut at (2, 0) and (5, 0).
The complement of a set has the same cuts.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Any

# All values of one set are of one kind: numbers (dates are day numbers), or texts.
Value = Any
Cut = tuple[Value, int]


@dataclass(frozen=True, slots=True)
class Ranges:
    """`begins` is true if what is below all cuts is inside."""

    begins: bool
    cuts: tuple[Cut, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.begins and not self.cuts

    def __contains__(self, value: Value) -> bool:
        below = sum(1 for cut in self.cuts if cut <= (value, 0))
        return self.begins != bool(below % 2)

    def __and__(self, other: "Ranges") -> "Ranges":
        if not self.cuts:
            return other if self.begins else self
        if not other.cuts:
            return self if other.begins else other
        return _merged(self, other, lambda a, b: a and b)

    def __or__(self, other: "Ranges") -> "Ranges":
        return _merged(self, other, lambda a, b: a or b)

    def __invert__(self) -> "Ranges":
        return Ranges(not self.begins, self.cuts)

    def intervals(self) -> Iterator[tuple[Cut | None, Cut | None]]:
        """Yield each interval as its two cuts; None has no end."""
        ends: list[Cut | None] = [None, *self.cuts] if self.begins else [*self.cuts]
        if len(ends) % 2:
            ends.append(None)
        yield from zip(ends[::2], ends[1::2], strict=True)


ALL = Ranges(True)
NONE = Ranges(False)


def _merged(a: Ranges, b: Ranges, join: Callable[[bool, bool], bool]) -> Ranges:
    in_a, in_b = a.begins, b.begins
    state = begins = join(in_a, in_b)
    cuts = []
    for cut in sorted({*a.cuts, *b.cuts}):
        in_a ^= cut in a.cuts
        in_b ^= cut in b.cuts
        if join(in_a, in_b) != state:
            state = not state
            cuts.append(cut)
    return Ranges(begins, tuple(cuts))


def only(*values: Value) -> Ranges:
    """Return the set of these values."""
    found = NONE
    for value in values:
        found = found | Ranges(False, ((value, 0), (value, 1)))
    return found


def compared(operator: str, value: Value) -> Ranges:
    """Return the values that are `=`, `<`, `<=`, `>` or `>=` the given one."""
    match operator:
        case "=":
            return only(value)
        case "<":
            return Ranges(True, ((value, 0),))
        case "<=":
            return Ranges(True, ((value, 1),))
        case ">":
            return Ranges(False, ((value, 1),))
    assert operator == ">=", operator
    return Ranges(False, ((value, 0),))


def prefixed(prefix: str) -> Ranges:
    """Return the texts that start with `prefix`: one interval in the order of code points."""
    start = (prefix, 0)
    end = _next_prefix(prefix)
    return Ranges(False, (start,)) if end is None else Ranges(False, (start, (end, 0)))


def _next_prefix(prefix: str) -> str | None:
    """Return the least text above all that start with `prefix`, or None."""
    kept = prefix.rstrip(chr(0x10FFFF))
    if not kept:
        return None
    code = ord(kept[-1]) + 1
    return kept[:-1] + chr(0xE000 if 0xD800 <= code < 0xE000 else code)


def whole(ranges: Ranges) -> Ranges:
    """Return the set with every cut moved to a whole number: equal sets become the same."""
    cuts: list[Cut] = []
    for value, side in ranges.cuts:
        cut = (floor(value) + 1 if side else ceil(value), 0)
        if cuts and cuts[-1] == cut:
            cuts.pop()
        else:
            cuts.append(cut)
    return Ranges(ranges.begins, tuple(cuts))


def samples(ranges: Ranges, is_whole: bool) -> Iterator[Value]:
    """Yield some number of each interval."""
    for low, high in ranges.intervals():
        yield _between(low, high, is_whole)


def _between(low: Cut | None, high: Cut | None, is_whole: bool) -> Value:
    if low is None:
        return 0 if high is None else floor(high[0]) - 1
    value, side = low
    if side == 0:
        return value
    if high is None:
        return floor(value) + 1
    return floor(value) + 1 if is_whole else (Fraction(value) + Fraction(high[0])) / 2


def text_samples(ranges: Ranges, needles: Iterable[str]) -> Iterator[str]:
    """Yield texts of each interval that hold all needles, as far as they are easy to find."""
    tail = "".join(needles)
    for low, high in ranges.intervals():
        start = low[0] if low else ""
        for text in (start, start + tail, start + "0" + tail, start + "\x01" + tail, tail):
            if text in ranges:
                yield text
        if high is not None and high[1]:
            yield high[0]


def shared_prefix(low: Cut | None, high: Cut | None) -> str:
    """Return what all texts of an interval start with."""
    if low is None or high is None:
        return ""
    start, end = low[0], high[0]
    if _next_prefix(start) == end and high[1] == 0:
        return str(start)
    length = next((i for i, (a, b) in enumerate(zip(start, end, strict=False)) if a != b), None)
    return str(start[: min(len(start), len(end)) if length is None else length])
