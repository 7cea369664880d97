"""The most messages that journeys ask for before any cap, by journey and window, and
against caps."""

from collections.abc import Iterator
from typing import Any

from cij.compiler.expression import Period
from cij.compiler.model import Model
from cij.compiler.proofs.bounds import Bound, send_bound, total_bound
from cij.compiler.proofs.caps import CapBound, cap_bounds
from cij.compiler.unparse import cap_words

WINDOWS = tuple(Period(count=days, unit="day") for days in (1, 7, 30))
_TOTAL = "all journeys"


def bounds(source: Model) -> Iterator[tuple[str, list[Bound]]]:
    """Yield the bounds of each journey, one for each window, and those of all journeys together."""
    for name, journey in source.journeys.items():
        yield name, [send_bound(journey, w) for w in WINDOWS]
    yield _TOTAL, [total_bound(source.journeys.values(), w) for w in WINDOWS]


def as_json(source: Model) -> dict[str, Any]:
    """Return the bounds and the caps in types that JSON has."""
    days = [str(window.count) for window in WINDOWS]
    found = {
        name: {"days": dict(zip(days, map(_plain, each), strict=True))}
        for name, each in bounds(source)
    }
    return {"bounds": found, "caps": [_plain_cap(found) for found in cap_bounds(source)]}


def _plain(bound: Bound) -> dict[str, Any]:
    path = [
        {"journey": s.journey, "step": s.step, "message": s.message, "elapsed_s": s.elapsed_s}
        for s in bound.path
    ]
    return {"count": bound.count, "is_exact": bound.is_exact, "path": path}


def _plain_cap(found: CapBound) -> dict[str, Any]:
    cap = {"policy": found.cap.policy, "cap": cap_words(found.cap), "is_kept": found.is_kept}
    return {**cap, **_plain(found.bound)}
