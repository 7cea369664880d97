"""The numbers of a store as tables for people."""

from collections.abc import Iterable, Iterator
from datetime import datetime

import click

from cij.app.zone_times import local
from cij.cli.render.plain_table import table, tables
from cij.runtime.report_data import BadRow, Report, Standing

_LACKING = ("where", "calculation", "people", "one of them")


def print_report(report: Report, zone: str) -> None:
    """Print the numbers of a store: sources, segments, entries, messages, and where people are."""
    click.echo(tables(*_tables(report, zone)))
    click.echo(f"next timer: {_next(report, zone)}")


def _next(report: Report, zone: str) -> str:
    if report.next_timer:
        return f"{local(report.next_timer, zone)} ({zone})"
    is_paused = any(s.state == "paused" for s in report.states) and report.standing
    return "none while journeys are paused" if is_paused else "nobody waits"


def _tables(report: Report, zone: str) -> Iterator[str]:
    yield table("Sources", *_sources(report))
    sizes = [("all customers", report.profiles), *report.segments]
    yield table("Customers", ("segment", "people"), sizes)
    if report.away.people:
        away = (report.away.people, report.away.inside, local(report.away.first_end, zone))
        names = ("people", "passages that stand still", "the first leave as gone")
        yield table("In no source any more", names, [away])
    heads = ("journey", "state", "entered", "inside now", "wait to enter")
    yield table("Journeys", heads, _journeys(report))
    messages = [(m.journey, m.channel, m.message, m.outcome, m.count) for m in report.messages]
    heads = ("journey", "channel", "message", "outcome", "messages")
    yield table("Messages", heads, messages)
    actions = [(a.journey, a.action, a.outcome, a.count) for a in report.actions]
    yield table("Actions", ("journey", "action", "outcome", "calls"), actions)
    rates = [(r.way, r.of, r.rate, _when(r.next_at, report.at, zone)) for r in report.rates]
    yield table("Rates", ("way", "of", "rate", "next message"), rates)
    standing = [(s.journey, _step(s), s.count, local(s.next_at, zone)) for s in report.standing]
    yield table("Where people are", ("journey", "step", "people", "first timer"), standing)
    yield table(
        "Left",
        ("journey", "outcome", "people"),
        [(e.journey, e.name, e.count) for e in report.ended],
    )
    goals = [(c.journey, c.name, c.count) for c in report.conversions]
    yield table("Goals reached", ("journey", "goal", "people"), goals)
    failed = [(f.kind, f.name, local(f.since, zone), f.reason) for f in report.failed]
    yield table("Put aside because it failed", ("what", "name", "since", "reason"), failed)
    aside = [(p.reason, p.count) for p in report.put_aside]
    yield table("Events put aside", ("reason", "events"), aside)
    bad = [(r.source, r.count, _place(r), r.reason) for r in report.bad_rows]
    yield table("Rows put aside, by reason", ("source", "rows", "the first", "its reason"), bad)
    lacking = [(f"{u.kind} {u.name}", u.calculation, u.count, u.one) for u in report.uncomputed]
    yield table("Unknown because it cannot be computed", _LACKING, lacking)
    instead = f"the journey's, else {zone}"
    zones = [(z.zone, z.count, z.customer, instead) for z in report.unknown_zones]
    unknown = ("zone", "people", "one of them", "used instead")
    yield table("Time zones that do not exist", unknown, zones)


def _sources(report: Report) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Return the heads and rows of the sources. The column of waiting rows is there if any row waits."""
    rows = [(s.source, s.rows, s.bad, s.waiting) for s in report.sources]
    heads = ("source", "rows", "bad", "wait for a customer or time")
    is_any = any(s.waiting for s in report.sources)
    return (heads, [*rows]) if is_any else (heads[:3], [row[:3] for row in rows])


def _when(at: datetime, now: datetime, zone: str) -> str:
    return "at once" if at <= now else local(at, zone)


def _place(row: BadRow) -> str:
    return ":".join(str(part) for part in (row.file, row.line) if part is not None)


def _step(standing: Standing) -> str:
    return f"{standing.step} (held: {standing.held})" if standing.held else standing.step


def _journeys(report: Report) -> Iterable[tuple[object, ...]]:
    """Yield a row for each journey, also for removed journeys with open passages."""
    states = {s.journey: s for s in report.states}
    entries = {e.journey: e for e in report.entries}
    for name in {**states, **entries}:
        state, entry = states.get(name), entries.get(name)
        entered, inside = (entry.entered, entry.inside) if entry else (0, 0)
        words = (state.state, state.waiting or "") if state else ("removed", "")
        yield (name, words[0], entered, inside, words[1])
