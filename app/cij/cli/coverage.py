"""What the tests of journeys have come by, as a table and as JSON."""

from collections.abc import Iterable, Sequence
from typing import Any

from cij.cli.summary import console, table
from cij.compiler.unparse import words
from cij.runtime.story.coverage import KINDS, Coverage, Point

_HEADS = {
    "entry": "entries",
    "arm": "arms",
    "event": "events",
    "condition": "conditions",
    "timeout": "timeouts",
    "exit": "exits",
    "goal": "goals",
    "locale": "locales",
}


def share(points: Iterable[bool]) -> float:
    """Return the percentage that is covered, rounded down to a tenth; of nothing, all."""
    found = list(points)
    return (1000 * sum(found) // len(found)) / 10 if found else 100.0


def print_coverage(coverage: Coverage) -> None:
    """Print a row a journey, and every point that is not covered with its place."""
    out = console()
    used = [k for k in KINDS if any(p.kind == k for p in coverage.points)]
    rows = [_row(name, points, used) for name, points in _by_journey(coverage).items()]
    if len(rows) > 1:
        rows.append(_row("all", list(coverage.points.items()), used))
    heads = ("journey", *(_HEADS[k] for k in used), "covered")
    out.print(table("Covered by tests", heads, rows))
    missing = [point for point, is_covered in coverage.points.items() if not is_covered]
    for point in missing:
        out.print(f"{point.place}: {told(point)}", soft_wrap=True)
    if missing:
        out.print(f"no test comes by {_points(len(missing))} of {len(coverage.points)}")


def _points(count: int) -> str:
    return f"{count} point" if count == 1 else f"{count} points"


Points = Sequence[tuple[Point, bool]]


def _by_journey(coverage: Coverage) -> dict[str, Points]:
    names = [j.name for j in coverage.program.journeys]
    return {n: [(p, c) for p, c in coverage.points.items() if p.journey == n] for n in names}


def _row(name: str, points: Points, kinds: Sequence[str]) -> tuple[str, ...]:
    cells = []
    for kind in kinds:
        found = [is_covered for point, is_covered in points if point.kind == kind]
        cells.append(f"{sum(found)}/{len(found)}" if found else "")
    return (name, *cells, f"{share(c for _, c in points):g}%")


def told(point: Point) -> str:
    """Return what did not happen, in words."""
    condition = words(point.condition) if point.condition is not None else ""
    where = f" where {condition}" if condition else ""
    name = point.name.partition(" #")[0]
    texts = {
        "entry": f"nobody enters {name}{where}",
        "arm": f"{point.step}: nobody takes {name}" + (f", {condition}" if condition else ""),
        "event": f"{point.step}: nobody leaves the wait by {name}{where}",
        "condition": f"{point.step}: nobody leaves the wait when {condition}",
        "timeout": f"{point.step}: nobody waits to the end",
        "exit": f"nobody leaves by the exit {name.removeprefix('exit:')}",
        "goal": f"nobody reaches the goal {name}",
        "locale": f'message {point.step}: nobody gets it in "{name}"',
    }
    return f"{point.journey}: {texts[point.kind]}"


def as_json(coverage: Coverage) -> dict[str, Any]:
    """Return the whole as plain values."""
    journeys = {
        name: {"covered_percent": share(c for _, c in points), "points": _plain(points)}
        for name, points in _by_journey(coverage).items()
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
