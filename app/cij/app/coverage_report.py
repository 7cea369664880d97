"""The coverage of tests: shares by journey, and all points in types that JSON has."""

from collections.abc import Iterable, Sequence
from typing import Any

from cij.compiler.unparse import words
from cij.runtime.story.coverage import Coverage, Point

Points = Sequence[tuple[Point, bool]]


def by_journey(coverage: Coverage) -> dict[str, Points]:
    """Return the points of each journey, and whether a test reaches them."""
    names = [j.name for j in coverage.program.journeys]
    return {n: [(p, c) for p, c in coverage.points.items() if p.journey == n] for n in names}


def share(points: Iterable[bool]) -> float:
    """Return the covered percentage; 100 where there are no points.

    It is rounded down to a tenth, so that 100 always means that every point is covered.
    """
    found = list(points)
    return (1000 * sum(found) // len(found)) / 10 if found else 100.0


def as_json(coverage: Coverage) -> dict[str, Any]:
    """Return the coverage in types that JSON has."""
    journeys = {
        name: {"covered_percent": share(c for _, c in points), "points": _plain(points)}
        for name, points in by_journey(coverage).items()
    }
    return {"covered_percent": share(coverage.points.values()), "journeys": journeys}


def _plain(points: Points) -> list[dict[str, Any]]:
    return [
        {
            "kind": point.kind,
            "step": point.step or None,
            "name": point.name,
            "condition": words(point.condition) if point.condition is not None else None,
            "file": point.place.file,
            "line": point.place.line,
            "covered": is_covered,
        }
        for point, is_covered in points
    ]
