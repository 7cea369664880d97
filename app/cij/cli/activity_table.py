"""The activity of a period as tables, as JSON, or as a drawing."""

import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from cij.app.activity import Activity, as_json
from cij.app.activity_chart import chart
from cij.app.atomic_write import write_atomically
from cij.app.zone_times import local
from cij.cli.exits import Exit
from cij.cli.output import write_over
from cij.cli.render.plain_table import table, tables
from cij.runtime.activity import Course, DayCount, HourCount, Standing

_SHOWN_DAYS = 7
_SHOWN_HOURS = 3


def progress(now: datetime, zone: str) -> None:
    """Show the current virtual time, if standard error is a terminal."""
    write_over(local(now, zone))


def clear_progress() -> None:
    """Clear the line of `progress`."""
    write_over("")


def print_activity(
    found: Activity, title: str, *, is_json: bool, svg: Path | None, **more: Any
) -> None:
    """Print the activity, and write its drawing to `svg` if that is given.

    `more` is added to the JSON.
    """
    if svg is not None:
        write_atomically(svg, chart(found.course, found.zone, title))
    if is_json:
        click.echo(json.dumps(as_json(found.course) | more, indent=2, ensure_ascii=False))
    else:
        _print(found.course, found.zone, title)
    for line in _problems(found.course, found.zone):
        click.echo(f"cij: {line}", err=True)


def _problems(found: Course, zone: str) -> Iterator[str]:
    for one in found.failed:
        if one.kind == "source":
            yield one.reason
        else:
            at = local(one.since, zone)
            yield f"{one.kind} {one.name} failed at {at}, and nothing of it runs: {one.reason}"
    for message in found.unwritten:
        count = f"{message.count} message{'' if message.count == 1 else 's'}"
        yield f"{count} of {message.message} cannot be written, one because: {message.reason}"


def exit_with(found: Course) -> None:
    """End the command with the code of what went wrong, as `cij run --once` does."""
    kinds = {one.kind for one in found.failed}
    code = Exit.DATA if "source" in kinds else Exit.DELIVERY if found.unwritten else Exit.ASIDE
    if kinds or found.unwritten:
        raise click.exceptions.Exit(code)


def _print(found: Course, zone: str, title: str) -> None:
    heads = ("day", "journey", "enter", "messages", "reach a goal", "leave")
    about = f"{local(found.start, zone)} to {local(found.end, zone)} ({zone}), {title}"
    click.echo(table(about, heads, _rows(found)))
    parts = (_standing, _left, _busiest, _not_sent, _effects)
    click.echo(tables(*(part(found) for part in parts)))
    for line in _limits(found):
        click.echo(line)
    sent = sum(c.count for c in found.days if c.what == "sent")
    entered = sum(c.count for c in found.days if c.what == "entered")
    people = next((p.people for p in found.people if not p.journey), 0)
    who = "" if people == entered else f" ({people} people)"
    reached = sum(c.count for c in found.days if c.what == "converted")
    goals = f", {reached} goals reached" if reached else ""
    click.echo(f"in all: {entered} enter{who}, {sent} messages{goals}; {found.ticks} ticks")


def _rows(found: Course) -> Iterator[tuple[str, ...]]:
    for day, journey, counts in _grouped(found.days):
        cells = (_all(what, counts) for what in ("entered", "sent", "converted", "ended"))
        yield (day, journey, *cells)


def _grouped(days: Iterable[DayCount]) -> Iterator[tuple[str, str, list[DayCount]]]:
    # The counts are sorted by day and journey, as `groupby` needs.
    for (day, journey), counts in groupby(days, key=lambda c: (c.day, c.journey)):
        yield day.isoformat(), journey, list(counts)


def _all(what: str, counts: list[DayCount]) -> str:
    kinds = (what, "done") if what == "sent" else (what,)
    return ", ".join(f"{c.count} {c.name}".strip() for c in counts if c.what in kinds)


def _standing(found: Course) -> str:
    days = sorted({s.day for s in found.standing})
    shown = _spread(days)
    people = {(s.journey, _step(s), s.day): s.people for s in found.standing}
    steps = dict.fromkeys((s.journey, _step(s)) for s in found.standing)
    rows = [(*step, *(people.get((*step, day), 0) for day in shown)) for step in steps]
    heads = ("journey", "step", *(day.isoformat() for day in shown))
    return table("People at the end of the day", heads, rows)


def _left(found: Course) -> str:
    rows = [(x.journey, x.step or "at once", x.outcome, x.passages) for x in found.left]
    return table("Where they left", ("journey", "step", "outcome", "passages"), rows)


def _step(found: Standing) -> str:
    return f"{found.step} (held: {found.held})" if found.held else found.step


def _spread(days: list[date]) -> list[date]:
    """Return at most seven days with even distances, always with the first and the last.

    A table of all days would be wider than a terminal.
    """
    if len(days) <= _SHOWN_DAYS:
        return days
    last = _SHOWN_DAYS - 1
    return [days[n * (len(days) - 1) // last] for n in range(_SHOWN_DAYS)]


def _busiest(found: Course) -> str:
    rows = []
    for channel, hours in groupby(found.hours, key=lambda h: h.channel):
        most = sorted(hours, key=lambda h: (-h.messages, h.hour))[:_SHOWN_HOURS]
        rows += [(channel, _hour(h), h.messages, h.limit) for h in most]
    return table("Busiest hours", ("channel", "hour", "messages", "provider's limit"), rows)


def _not_sent(found: Course) -> str:
    rows = [(n.channel, n.message, n.outcome, n.reason, n.count) for n in found.not_sent]
    return table("Not sent", ("channel", "message", "outcome", "reason", "messages"), rows)


def _effects(found: Course) -> str:
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
