"""The course of a period, simulated or replayed: as tables, as JSON, as a drawing."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from cij.app.atomic_write import write_atomically
from cij.app.config import Settings
from cij.cli.chart import chart
from cij.cli.summary import console, local, table
from cij.runtime.activity import Course, DayCount, HourCount, Standing

_SHOWN_DAYS = 7
_SHOWN_HOURS = 3


def instant(at: datetime, zone: str) -> datetime:
    """Return the instant of a local time."""
    return at.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)


def progress(zone: str) -> Callable[[datetime], None]:
    """Return what shows on a terminal how far virtual time has come."""

    def show(now: datetime) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{local(now, zone)}", err=True, nl=False)

    return show


def clear_progress() -> None:
    if sys.stderr.isatty():
        click.echo("\r" + " " * 20 + "\r", err=True, nl=False)


def limits(settings: Settings) -> dict[str, int]:
    """Return how many messages an hour the provider of each channel takes, where cij.toml says so."""
    delivery = settings.delivery
    found = {name: way.per_hour for name, way in delivery.by_channel().items()}
    found["action"] = delivery.action.default.per_hour
    return {name: count for name, count in found.items() if count is not None}


def tell(
    found: Course, zone: str, title: str, *, as_json: bool, svg: Path | None, **more: Any
) -> None:
    """Print a course; write its drawing where one is wanted. `more` goes into the JSON."""
    if svg is not None:
        write_atomically(svg, chart(found, zone, title))
    if as_json:
        click.echo(json.dumps(_plain(found) | more, indent=2, ensure_ascii=False))
    else:
        _print(found, zone, title)


# --- text -------------------------------------------------------------------------------------


def _print(found: Course, zone: str, title: str) -> None:
    out = console()
    heads = ("day", "journey", "enter", "messages", "reach a goal", "leave")
    about = f"{local(found.start, zone)} to {local(found.end, zone)} ({zone}), {title}"
    out.print(table(about, heads, list(_rows(found))))
    for made in (_standing(found), _busiest(found), _not_sent(found), _effects(found)):
        if made.row_count:
            out.print(made)
    for line in _limits(found):
        out.print(line)
    sent = sum(c.count for c in found.days if c.what == "sent")
    entered = sum(c.count for c in found.days if c.what == "entered")
    reached = sum(c.count for c in found.days if c.what == "converted")
    goals = f", {reached} goals reached" if reached else ""
    out.print(f"in all: {entered} enter, {sent} messages{goals}; {found.ticks} ticks")


def _rows(found: Course) -> Iterator[tuple[str, ...]]:
    for day, journey, counts in _grouped(found.days):
        cells = (_all(what, counts) for what in ("entered", "sent", "converted", "ended"))
        yield (day, journey, *cells)


def _grouped(days: Iterable[DayCount]) -> Iterator[tuple[str, str, list[DayCount]]]:
    for (day, journey), counts in groupby(days, key=lambda c: (c.day, c.journey)):
        yield day.isoformat(), journey, list(counts)


def _all(what: str, counts: list[DayCount]) -> str:
    kinds = (what, "done") if what == "sent" else (what,)
    return ", ".join(f"{c.count} {c.name}".strip() for c in counts if c.what in kinds)


def _standing(found: Course) -> Any:
    days = sorted({s.day for s in found.standing})
    shown = _spread(days)
    people = {(s.journey, _step(s), s.day): s.people for s in found.standing}
    steps = dict.fromkeys((s.journey, _step(s)) for s in found.standing)
    rows = [(*step, *(people.get((*step, day), 0) for day in shown)) for step in steps]
    heads = ("journey", "step", *(day.isoformat() for day in shown))
    return table("People at the end of the day", heads, rows)


def _step(found: Standing) -> str:
    return f"{found.step} (held: {found.held})" if found.held else found.step


def _spread(days: list[date]) -> list[date]:
    """Return some days, evenly: always the first and the last."""
    if len(days) <= _SHOWN_DAYS:
        return days
    last = _SHOWN_DAYS - 1
    return [days[n * (len(days) - 1) // last] for n in range(_SHOWN_DAYS)]


def _busiest(found: Course) -> Any:
    rows = []
    for channel, hours in groupby(found.hours, key=lambda h: h.channel):
        most = sorted(hours, key=lambda h: (-h.messages, h.hour))[:_SHOWN_HOURS]
        rows += [(channel, _hour(h), h.messages, h.limit) for h in most]
    return table("Busiest hours", ("channel", "hour", "messages", "provider's limit"), rows)


def _not_sent(found: Course) -> Any:
    rows = [(n.channel, n.message, n.outcome, n.reason, n.count) for n in found.not_sent]
    return table("Not sent", ("channel", "message", "outcome", "reason", "messages"), rows)


def _effects(found: Course) -> Any:
    rows = [(e.day.isoformat(), e.effect, e.rule, e.times) for e in found.effects]
    return table("What the rules of sending did", ("day", "effect", "rule", "messages"), rows)


def _limits(found: Course) -> Iterator[str]:
    for channel, inner in groupby(found.breaches, key=lambda h: h.channel):
        hours = list(inner)
        worst = max(hours, key=lambda h: h.messages)
        noun = "hour" if len(hours) == 1 else "hours"
        yield (
            f"{channel}: more than the provider's {worst.limit} in {len(hours)} {noun}, "
            f"most at {_hour(worst)} with {worst.messages}"
        )


def _hour(found: HourCount) -> str:
    return found.hour.strftime("%Y-%m-%d %H:00")


# --- JSON -------------------------------------------------------------------------------------


def _plain(found: Course) -> dict[str, Any]:
    return {
        "start": found.start.isoformat() + "Z",
        "end": found.end.isoformat() + "Z",
        "ticks": found.ticks,
        "days": [{**asdict(c), "day": c.day.isoformat()} for c in found.days],
        "standing": [{**asdict(s), "day": s.day.isoformat()} for s in found.standing],
        "hours": [{**asdict(h), "hour": h.hour.isoformat()} for h in found.hours],
        "not_sent": [asdict(n) for n in found.not_sent],
        "effects": [{**asdict(e), "day": e.day.isoformat()} for e in found.effects],
        "breaches": [{**asdict(h), "hour": h.hour.isoformat()} for h in found.breaches],
    }
