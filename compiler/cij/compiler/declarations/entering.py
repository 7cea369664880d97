"""Who enters a journey and when: entries, the calendar, the limit, first and last instant, draft."""

from cij.compiler import program as pg
from cij.compiler.declarations.body import Body
from cij.compiler.declarations.named_zone import named_zone
from cij.compiler.declarations.patterns import find_event, pattern_filter
from cij.compiler.declarations.steps import everything
from cij.compiler.naming import did_you_mean
from cij.compiler.nullability import known_by_event, known_fields
from cij.compiler.pass_state import Build
from cij.compiler.typecheck import Environment
from cij.compiler.typecheck.environment import ENTRY_IS_ASKED
from cij.grammar import codes, syntax

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_UNITS = ("day", "week", "month", "year")


def resolve_entries(
    node: syntax.Journey, env: Environment, build: Build
) -> tuple[tuple[pg.Entry, ...], tuple[pg.Event, ...]]:
    """Return the entries, and the events that people enter by if there is no other way in."""
    entries: list[pg.Entry] = []
    events: list[pg.Event] = []
    for header in node.headers:
        if isinstance(header, syntax.EnterSegment):
            entries += _segment_entry(header, build)
        elif isinstance(header, syntax.EnterOn):
            event = find_event(header.pattern, build)
            if event is not None:
                asked = env.before_entry(ENTRY_IS_ASKED)
                where = pattern_filter(header.pattern, event, asked)
                entries.append(pg.EventEntry(event=event.name, where=where))
                events.append(event)
    # With a segment beside it an event is not sure to be there, so nothing may be read from it.
    only_events = len(events) == len(entries)
    return tuple(entries), tuple(events) if only_events else ()


def entry_headers(node: syntax.Journey) -> list[syntax.Header]:
    """Return the clauses `enter …` of a journey, also those with a mistake."""
    return [h for h in node.headers if isinstance(h, (syntax.EnterSegment, syntax.EnterOn))]


def known_at_entry(entries: tuple[pg.Entry, ...], env: Environment) -> frozenset[str]:
    """Return the fields of customer and entering event that every way in promises to be known."""
    segments = env.model.segments
    names = [e.segment for e in entries if isinstance(e, pg.SegmentEntry)]
    if env.is_trigger_broken or not segments.keys() >= set(names):
        return everything(env)
    promises = [
        known_fields(segments[entry.segment].condition, segments)
        if isinstance(entry, pg.SegmentEntry)
        else known_by_event(entry.where, segments)
        for entry in entries
    ]
    return promises[0].intersection(*promises[1:]) if promises else frozenset()


def _segment_entry(header: syntax.EnterSegment, build: Build) -> list[pg.Entry]:
    name = header.segment.text
    if name not in build.declared["segment"]:
        hint = did_you_mean(name, build.declared["segment"])
        message = f"there is no segment `{name}`"
        build.report(codes.UNKNOWN_NAME.at(header.segment.span, message, help=hint))
        return []
    every = schedule_of(header.every, build) if header.every is not None else None
    return [pg.SegmentEntry(segment=name, is_once=header.is_once, every=every)]


# --- the calendar -----------------------------------------------------------------------------


def schedule_of(node: syntax.Schedule, build: Build) -> pg.Schedule | None:
    """Return what a calendar entry means, or report what is wrong with it."""
    at, zone = node.at.value.isoformat(), named_zone(node.zone, build)
    if node.zone is not None and zone is None:
        return None
    if node.weekday is not None:
        weekday = _WEEKDAYS.index(node.weekday.name) + 1
        return pg.Schedule(count=1, unit="week", weekday=weekday, at=at, zone=zone)
    assert node.period is not None, "a schedule has a weekday or a period"
    if node.period.rest or node.period.unit not in _UNITS or node.period.count < 1:
        message = "a calendar entry counts days, weeks, months or years"
        hint = "write `every day at 09:00`, `every monday at 09:00` or `every 2 weeks at 09:00`"
        build.report(codes.BAD_SETTING.at(node.period.span, message, help=hint))
        return None
    return pg.Schedule.model_validate(
        {"count": node.period.count, "unit": node.period.unit, "at": at, "zone": zone}
    )


def report_calendar_once(node: syntax.Journey, again: str, build: Build) -> None:
    """Warn of a calendar whose every instant but the first admits newcomers only."""
    for header in node.headers:
        if isinstance(header, syntax.EnterSegment) and header.every and again == "never":
            message = "the calendar repeats, but no customer can enter this journey twice"
            hint = "add `again always`, or `again after 30 days`"
            build.report(codes.CALENDAR_ONCE.at(header.every.span, message, help=hint))


# --- settings ---------------------------------------------------------------------------------


def limit(body: Body) -> pg.Limit | None:
    """Return the setting `limit = 500 per day`."""
    rate = body.rate("limit")
    if rate is None:
        return None
    if rate.count < 1:
        body.wrong(body.settings["limit"], "at least 1; to admit nobody, write `stage = draft`")
        return None
    return pg.Limit.model_validate({"count": rate.count, "unit": rate.unit})


def check_dates(body: Body, starts: str | None, ends: str | None) -> None:
    """Report a journey that ends before it starts. Both are local times in ISO form."""
    if starts is None or ends is None or starts < ends:
        return
    message = f"the journey ends at {ends.replace('T', ' ')}, which is not after its start"
    body.report(codes.BAD_SETTING.at(body.settings["ends"].value.span, message))
