"""The coverage of the tests as a table."""

from collections.abc import Sequence

import click

from cij.app.coverage_report import Points, by_journey, share
from cij.cli.render.plain_table import table
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


def print_coverage(coverage: Coverage) -> None:
    """Print a row for each journey, and each point that no test reaches, with its place."""
    used = [k for k in KINDS if any(p.kind == k for p in coverage.points)]
    rows = [_row(name, points, used) for name, points in by_journey(coverage).items()]
    if len(rows) > 1:
        rows.append(_row("all", list(coverage.points.items()), used))
    heads = ("journey", *(_HEADS[k] for k in used), "covered")
    click.echo(table("Covered by tests", heads, rows))
    missing = [point for point, is_covered in coverage.points.items() if not is_covered]
    for point in missing:
        click.echo(f"{point.place}: {told(point)}")
    if missing:
        click.echo(f"no test reaches {_points(len(missing))} of {len(coverage.points)}")


def _points(count: int) -> str:
    return f"{count} point" if count == 1 else f"{count} points"


def _row(name: str, points: Points, kinds: Sequence[str]) -> tuple[str, ...]:
    cells = []
    for kind in kinds:
        found = [is_covered for point, is_covered in points if point.kind == kind]
        cells.append(f"{sum(found)}/{len(found)}" if found else "")
    return (name, *cells, f"{share(c for _, c in points):g}%")


def told(point: Point) -> str:
    """Return in words what no test has made happen."""
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
