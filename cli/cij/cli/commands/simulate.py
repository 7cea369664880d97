"""`cij simulate`: what would happen, day by day, with nothing sent."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from cij.cli.compiling import compiled
from cij.cli.running import open_copy
from cij.cli.summary import console, local, table
from cij.runtime.clock import LiveClock
from cij.runtime.deploy import deploy
from cij.runtime.runner import refresh_data
from cij.runtime.simulate import DayCount, Simulation, simulate


@click.command(
    epilog="""\b
Examples:
  cij simulate examples/loyalty --days 30
  cij simulate --from 2026-12-01 --days 7 --json"""
)
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 3660))
@click.option("--from", "start", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%d %H:%M"]))
@click.option("--json", "as_json", is_flag=True, help="Print the days as JSON.")
def command(path: Path, days: int, start: datetime | None, as_json: bool) -> None:
    """Show what the journeys of the project at PATH would do in the coming days.

    Works on a copy of the state, or on the sources alone if nothing has run yet. Nobody opens or
    clicks anything in it, so waits end by their timers. Times are local to the project's zone.
    """
    project, program = compiled(path)
    zone = project.settings.project.timezone
    begin = _instant(start, zone) if start else LiveClock().now()
    engine = open_copy(project)
    try:
        world = deploy(engine, program, begin)
        refresh_data(world, project.root, begin)
        found = simulate(world, begin, begin + timedelta(days=days), _progress(zone))
    finally:
        engine.close()
    _clear_progress()
    if as_json:
        click.echo(json.dumps(_plain(found), indent=2, ensure_ascii=False))
    else:
        _print(found, zone)


def _instant(start: datetime, zone: str) -> datetime:
    return start.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)


def _progress(zone: str) -> Callable[[datetime], None]:
    def show(now: datetime) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{local(now, zone)}", err=True, nl=False)

    return show


def _clear_progress() -> None:
    if sys.stderr.isatty():
        click.echo("\r" + " " * 20 + "\r", err=True, nl=False)


def _print(found: Simulation, zone: str) -> None:
    rows = [
        (
            day,
            journey,
            _all("entered", counts),
            _all("sent", counts),
            _all("done", counts),
            _all("converted", counts),
            _all("ended", counts),
        )
        for day, journey, counts in _grouped(found.days)
    ]
    heads = ("day", "journey", "enter", "messages", "actions", "reach a goal", "leave")
    title = f"{local(found.start, zone)} to {local(found.end, zone)} ({zone}), nothing is sent"
    out = console()
    out.print(table(title, heads, rows))
    sent = sum(c.count for c in found.days if c.what == "sent")
    entered = sum(c.count for c in found.days if c.what == "entered")
    done = sum(c.count for c in found.days if c.what == "done")
    actions = f", {done} actions" if done else ""
    out.print(f"in all: {entered} enter, {sent} messages{actions}; {found.ticks} ticks")


def _grouped(days: Iterable[DayCount]) -> Iterator[tuple[str, str, list[DayCount]]]:
    for (day, journey), counts in groupby(days, key=lambda c: (c.day, c.journey)):
        yield day.isoformat(), journey, list(counts)


def _all(what: str, counts: list[DayCount]) -> str:
    parts = [f"{c.count} {c.name}".strip() for c in counts if c.what == what]
    return ", ".join(parts)


def _plain(found: Simulation) -> dict[str, object]:
    return {
        "start": found.start.isoformat() + "Z",
        "end": found.end.isoformat() + "Z",
        "ticks": found.ticks,
        "days": [{**asdict(c), "day": c.day.isoformat()} for c in found.days],
    }
