"""Calendars, limits, first and last instants, drafts: what a live run does with them."""

from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st

from cij.compiler.compilation import compile_project
from cij.compiler.explain import explanations
from cij.compiler.graph.outline import outline
from cij.compiler.program import Schedule
from cij.compiler.sql import query
from cij.grammar.format import format_text
from cij.runtime.due import next_tick
from cij.runtime.insight import why
from cij.runtime.report import report
from cij.runtime.schedule import next_call, next_period, period_start
from tests.draws import draws
from tests.testbed import DATA, DAY, HOUR, SETTINGS, ZONE, TestBed, names, program_of

# A Wednesday, 10:00 in Madrid.
NOW = datetime(2026, 3, 4, 9)
MONDAY = datetime(2026, 3, 9, 8)

WEEKLY = """
journey weekly {
  enter from segment keen every monday at 09:00
  again always
  steps {
    hello: send email first
  }
}
"""


def limited(rule: str, entry: str = "enter on visit", more: str = "") -> str:
    return f"""
journey limited {{
  {entry}
  {rule}
  {more}
  again always
  steps {{
    hello: send email first
  }}
}}
"""


# --- the calendar -----------------------------------------------------------------------------


def test_a_live_run_is_due_at_the_instants_of_the_calendar() -> None:
    bed = TestBed(WEEKLY, NOW)
    bed.people("ana", points=20)
    bed.tick(NOW)
    assert next_tick(bed.world) == MONDAY
    bed.tick(MONDAY)
    # The last Sunday of March makes the next but two come an hour earlier.
    assert next_tick(bed.world) == MONDAY + 7 * DAY
    bed.run_to(MONDAY + 22 * DAY)
    expected = [MONDAY, MONDAY + 7 * DAY, MONDAY + 14 * DAY, MONDAY + 21 * DAY - HOUR]
    assert bed.entered() == [("ana", at) for at in expected]


def test_instants_at_which_nothing_ran_are_made_up_once() -> None:
    bed = TestBed(WEEKLY, NOW)
    bed.people("ana", points=20)
    bed.tick(NOW)
    back = MONDAY + 16 * DAY
    bed.tick(back)
    # She entered on the first Monday. Her message went out now, so she was inside on the second one.
    assert bed.entered() == [("ana", MONDAY)]
    assert next_tick(bed.world) == MONDAY + 21 * DAY - HOUR


def test_who_left_the_segment_before_the_instant_does_not_enter() -> None:
    text = (
        WEEKLY.replace("keen", "lately")
        + """
segment lately {
  where any(visit within last 5 days)
  refresh = 30 days
}
"""
    )
    bed = TestBed(text, NOW)
    bed.people("ana", "bob")
    bed.event("visit", "ana", NOW - DAY)
    bed.event("visit", "bob", NOW)
    bed.tick(NOW)
    bed.tick(MONDAY - DAY)
    # The segment's own interval is far longer; at the instant it is looked at all the same.
    bed.event("visit", "bob", MONDAY - DAY)
    bed.tick(MONDAY)
    assert names(bed.entered()) == ["bob"]


ZONES = ("Europe/Madrid", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC")


@st.composite
def schedules(draw: Any) -> Schedule:
    unit = draw(st.sampled_from(("day", "week", "month", "year")))
    hour, minute = draw(st.integers(0, 23)), draw(st.sampled_from((0, 15, 30)))
    return Schedule(
        count=draw(st.integers(1, 5)),
        unit=unit,
        weekday=draw(st.integers(1, 7)) if unit == "week" else 1,
        at=time(hour, minute).isoformat(),
    )


def _calls(every: Schedule, zone: str, first: datetime, days: int) -> list[datetime]:
    """Every instant of the schedule, found by looking at each day: an independent, slow way."""
    found: list[datetime] = []
    unit_starts = 0
    day = first.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(zone)).date()
    for _ in range(days):
        is_start = {
            "day": True,
            "week": day.isoweekday() == every.weekday,
            "month": day.day == 1,
            "year": (day.month, day.day) == (1, 1),
        }[every.unit]
        local = datetime.combine(day, time.fromisoformat(every.at)).replace(tzinfo=ZoneInfo(zone))
        at = _instant(local)
        if is_start and at >= first:
            if unit_starts % every.count == 0:
                found.append(at)
            unit_starts += 1
        day += timedelta(days=1)
    return found


def _instant(local: datetime) -> datetime:
    """Return the first of two, or the end of a gap: by trying every second quarter of an hour."""
    utc = local.astimezone(ZoneInfo("UTC")).replace(tzinfo=None)
    zone = local.tzinfo
    assert isinstance(zone, ZoneInfo)
    if utc.replace(tzinfo=ZoneInfo("UTC")).astimezone(zone).replace(tzinfo=None) == local.replace(
        tzinfo=None
    ):
        return utc
    probe = utc - timedelta(hours=3)
    wall = local.replace(tzinfo=None)
    while probe.replace(tzinfo=ZoneInfo("UTC")).astimezone(zone).replace(tzinfo=None) < wall:
        probe += timedelta(minutes=15)
    return probe


@pytest.mark.slow
@settings(max_examples=draws(50), deadline=None)
@given(schedules(), st.sampled_from(ZONES), st.integers(0, 500), st.integers(0, 23))
def test_the_calendar_agrees_with_looking_at_every_day(
    every: Schedule, zone: str, day: int, hour: int
) -> None:
    first = datetime(2025, 1, 1) + timedelta(days=day, hours=hour)
    expected = _calls(every, zone, first, 800)
    found: list[datetime] = []
    after = None
    while len(found) < len(expected):
        after = next_call(every, zone, first, after)
        found.append(after)
    assert found == expected
    for before, at in pairwise(expected):
        assert next_call(every, zone, first, at - timedelta(seconds=1)) == at
        assert next_call(every, zone, first, before) == at


@settings(max_examples=draws(100), deadline=None)
@given(
    st.sampled_from(("second", "minute", "hour", "day", "week", "month", "year")),
    st.sampled_from(ZONES),
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31)),
)
def test_periods_follow_each_other_without_a_hole(unit: Any, zone: str, now: datetime) -> None:
    start, end = period_start(unit, zone, now), next_period(unit, zone, now)
    assert start <= now < end
    assert period_start(unit, zone, end) == end
    assert period_start(unit, zone, end - timedelta(microseconds=1)) == start


# --- the limit --------------------------------------------------------------------------------


def test_over_the_limit_people_wait_in_the_order_of_arrival_and_nobody_is_lost() -> None:
    bed = TestBed(limited("limit = 3 per day"), NOW)
    people = [f"p{n:02}" for n in range(20)]
    bed.people(*people)
    for n, name in enumerate(reversed(people)):
        bed.event("visit", name, NOW + timedelta(minutes=n))
    bed.tick(NOW + HOUR)
    assert names(bed.entered()) == ["p19", "p18", "p17"]
    assert bed.waiting() == list(reversed(people))[3:]
    assert next_tick(bed.world) == datetime(2026, 3, 4, 23)
    bed.run_to(NOW + 10 * DAY)
    found = bed.entered()
    days = [at for _, at in found]
    assert dict(found) == dict(zip(reversed(people), days, strict=True))
    assert max(days.count(at) for at in days[3:]) == 3 and bed.waiting() == []


def test_who_waits_is_turned_away_for_a_reason_when_his_turn_comes() -> None:
    more = 'suppress = plan = "vip"'
    text = limited("limit = 1 per day", "enter from segment keen", more)
    bed = TestBed(text.replace("again always", "again never"), NOW)
    bed.people("a", "b", "c", "d", "e", "f", points=20)
    bed.tick(NOW)
    assert names(bed.entered()) == ["a"] and bed.waiting() == ["b", "c", "d", "e", "f"]
    bed.change("b", plan="vip")
    bed.change("c", points=1)
    bed.engine.execute(query("DELETE FROM customer WHERE id = 'd'"))
    bed.tick(NOW + HOUR)
    # A customer is turned away only at the head of the queue.
    assert bed.turned_away() == []
    bed.tick(NOW + DAY)
    assert bed.turned_away() == [
        ("b", "suppressed"),
        ("c", "left the segment"),
        ("d", "gone"),
    ]
    assert names(bed.entered()) == ["a", "e"] and bed.waiting() == ["f"]


def test_suppress_reads_the_entering_event_also_of_who_waits() -> None:
    rule = 'limit = 1 per day\n  suppress = trigger.page = "home"'
    bed = TestBed(limited(rule), NOW)
    bed.people("ana", "bob", "eve", "fay")
    for minutes, (person, page) in enumerate(
        [("ana", "home"), ("bob", "shop"), ("eve", "home"), ("fay", "shop")]
    ):
        bed.event("visit", person, NOW + timedelta(minutes=minutes), page=page)
    bed.run_to(NOW + 2 * DAY)
    assert [c for (c,) in bed.rows("SELECT p.customer FROM passage AS p ORDER BY p.id")] == [
        "bob",
        "fay",
    ]
    away = bed.rows("SELECT t.customer, t.reason FROM turned_away AS t ORDER BY t.customer")
    assert away == [("ana", "suppressed"), ("eve", "suppressed")]
    answer = why.why(bed.engine, bed.world.program, "fay", "limited", NOW + 2 * DAY)
    told = "\n".join(why.lines(answer, ZONE))
    assert 'not suppressed, which the entering event decides: trigger.page = "home"' in told


def test_nobody_waits_twice_and_nobody_has_two_passages_at_once() -> None:
    bed = TestBed(limited("limit = 1 per hour").replace("send email first", "wait 2 days"), NOW)
    bed.people("ana", "bob")
    for minute in range(6):
        at = NOW + timedelta(minutes=minute)
        bed.event("visit", "ana" if minute % 2 else "bob", at)
        bed.tick(at)
    bed.run_to(NOW + DAY)
    assert names(bed.entered()) == ["bob", "ana"]
    assert bed.turned_away() == [("bob", "again")]


@pytest.mark.parametrize("rule", ["limit = 10 per day", ""])
def test_a_limit_that_is_raised_or_left_out_lets_in_who_waits(rule: str) -> None:
    bed = TestBed(limited("limit = 1 per day"), NOW)
    bed.people("ana", "bob", "cem")
    for name in ("ana", "bob", "cem"):
        bed.event("visit", name, NOW)
    bed.tick(NOW)
    assert bed.waiting() == ["bob", "cem"] and next_tick(bed.world) == datetime(2026, 3, 4, 23)
    bed.deploy(limited(rule), NOW + HOUR)
    assert next_tick(bed.world) == datetime.min
    bed.tick(NOW + HOUR)
    assert names(bed.entered()) == ["ana", "bob", "cem"] and bed.waiting() == []
    due = next_tick(bed.world)
    assert due is None or due > NOW + HOUR


def test_an_hour_that_occurs_twice_is_two_hours() -> None:
    """In Madrid it is two o'clock at midnight UTC, and an hour later again."""
    night = datetime(2026, 10, 25)
    bed = TestBed(limited("limit = 1 per hour"), night)
    bed.people("ana", "bob", "cem", "dan")
    for name in ("ana", "bob", "cem", "dan"):
        bed.event("visit", name, night + timedelta(minutes=30))
    bed.tick(night + timedelta(minutes=30))
    bed.run_to(night + DAY)
    found = [at.hour for _, at in bed.entered()]
    assert found == [0, 1, 2, 3] and bed.waiting() == []


def test_who_comes_by_two_entries_at_once_is_looked_at_once() -> None:
    """A suppressed customer who is turned away is not queued again by the other entry."""
    entries = "enter on visit\n  enter on visit where customer.points > 3"
    bed = TestBed(limited("limit = 1 per day", entries, "suppress = points > 10"), NOW)
    bed.people("ana", points=20)
    bed.people("bob", points=5)
    bed.event("visit", "ana", NOW)
    bed.event("visit", "bob", NOW)
    bed.tick(NOW)
    assert names(bed.entered()) == ["bob"]
    assert bed.turned_away() == [("ana", "suppressed")] and bed.waiting() == []


def test_who_comes_by_different_events_waits_in_the_order_of_their_times() -> None:
    bed = TestBed(limited("limit = 1 per day", "enter on visit\n  enter on purchase"), NOW)
    bed.people("ana", "bob", "cem")
    bed.event("visit", "cem", NOW)
    bed.event("visit", "bob", NOW + timedelta(minutes=2))
    bed.event("purchase", "ana", NOW + timedelta(minutes=1))
    bed.tick(NOW + HOUR)
    assert names(bed.entered()) == ["cem"] and bed.waiting() == ["ana", "bob"]


def test_at_the_end_of_a_journey_its_queue_is_turned_away() -> None:
    text = limited("limit = 1 per day", more="ends = 2026-03-05")
    bed = TestBed(text, NOW)
    bed.people("a", "b", "c", "d")
    for n, name in enumerate("abcd"):
        bed.event("visit", name, NOW + timedelta(minutes=n))
    bed.tick(NOW + HOUR)
    bed.run_to(NOW + 5 * DAY)
    bed.event("visit", "a", NOW + 5 * DAY)
    bed.tick(NOW + 5 * DAY)
    assert names(bed.entered()) == ["a", "b"]
    assert bed.turned_away() == [("c", "the journey ended"), ("d", "the journey ended")]
    assert [s.state for s in report(bed.world, NOW + 5 * DAY).states] == ["ended"]


# --- first and last instant, drafts -----------------------------------------------------------


def test_events_before_the_start_and_from_the_end_on_admit_nobody() -> None:
    text = limited("starts = 2026-03-05 09:00", more="ends = 2026-03-06 09:00")
    bed = TestBed(text, NOW)
    bed.people("a", "b", "c", "d")
    starts, ends = datetime(2026, 3, 5, 8), datetime(2026, 3, 6, 8)
    second = timedelta(seconds=1)
    for name, at in zip("abcd", (starts - second, starts, ends - second, ends), strict=True):
        bed.event("visit", name, at)
        bed.tick(at)
    assert names(bed.entered()) == ["b", "c"]


def test_a_run_that_was_down_for_the_whole_of_a_journey_rests() -> None:
    text = limited("starts = 2026-03-05", "enter from segment keen", "ends = 2026-03-05")
    bed = TestBed(text, NOW)
    bed.people("ana", points=20)
    bed.tick(NOW)
    assert next_tick(bed.world) == datetime(2026, 3, 4, 23)
    bed.tick(NOW + 9 * DAY)
    assert bed.entered() == [] and next_tick(bed.world) is None


def test_a_draft_begins_when_it_is_a_draft_no_more() -> None:
    draft = limited("stage = draft", "enter from segment keen\n  enter on visit")
    bed = TestBed(draft, NOW)
    bed.people("ana", points=20)
    bed.people("bob")
    bed.event("visit", "bob", NOW)
    bed.tick(NOW)
    assert bed.entered() == [] and next_tick(bed.world) is None
    assert [s.state for s in report(bed.world, NOW).states] == ["draft"]
    bed.deploy(draft.replace("stage = draft", "stage = live"), NOW + DAY)
    bed.tick(NOW + DAY)
    # An event from before the beginning admits nobody (S6).
    assert bed.entered() == [("ana", NOW + DAY)]
    assert [s.state for s in report(bed.world, NOW + DAY).states] == ["live"]


@pytest.mark.parametrize("stage", ["stage = draft", "stage = live"])
def test_who_is_inside_goes_on_when_the_journey_becomes_a_draft(stage: str) -> None:
    text = limited("stage = live").replace("send email first", "wait 2 days")
    bed = TestBed(text, NOW)
    bed.people("ana", "bob")
    bed.event("visit", "ana", NOW)
    bed.tick(NOW)
    bed.deploy(text.replace("stage = live", stage), NOW + HOUR)
    bed.event("visit", "bob", NOW + HOUR)
    bed.run_to(NOW + 5 * DAY)
    assert bed.ended()["ana"] == ("completed", NOW + 2 * DAY)
    assert ("bob" in names(bed.entered())) == (stage == "stage = live")


def test_zone_of_the_limit_is_that_of_the_journey() -> None:
    text = limited("limit = 1 per day", more='timezone = "America/New_York"')
    bed = TestBed(text, NOW)
    bed.people("a", "b")
    bed.event("visit", "a", NOW)
    bed.event("visit", "b", NOW)
    bed.tick(NOW)
    midnight = datetime(2026, 3, 5, tzinfo=ZoneInfo("America/New_York"))
    assert next_tick(bed.world) == midnight.astimezone(ZoneInfo("UTC")).replace(tzinfo=None)
    assert ZONE != "America/New_York"


# --- what is told -----------------------------------------------------------------------------

FULL = limited(
    "limit = 3 per day",
    "enter from segment keen every 2 weeks at 09:30\n  enter from segment keen every week at 08:00",
    "starts = 2026-12-01 09:00\n  ends = 2026-12-24\n  stage = draft",
)


def test_an_explanation_tells_who_enters_when() -> None:
    source = compile_project(SETTINGS, {"data.journey": DATA, "a.journey": FULL}, {}, {}).model
    [lines] = explanations("limited", source, {})
    text = "\n".join(line.strip() for line in lines)
    for words in (
        "everybody in segment keen at that instant, every 2 weeks at 09:30",
        "everybody in segment keen at that instant, every monday at 08:00",
        "nobody in a real run, because it is a draft",
        "from 2026-12-01 09:00 on",
        "until the end of 2026-12-24; customers inside then go on",
        "at most 3 per day; the others wait for the next",
    ):
        assert words in text


def test_a_drawing_tells_who_enters_when() -> None:
    drawn = outline(program_of(FULL).journeys[0])
    assert {node.text[0] for node in drawn.nodes if node.kind == "entry"} == {
        "enter from segment keen every 2 weeks at 09:30",
        "enter from segment keen every monday at 08:00",
    }
    wanted = {
        "draft: nobody enters in a real run",
        "starts 2026-12-01 09:00",
        "ends at the end of 2026-12-24",
        "at most 3 enter per day",
    }
    assert wanted <= set(drawn.notes)


@pytest.mark.parametrize(
    ("rule", "entry", "words"),
    [
        ("limit = 0 per day", "enter on visit", "`limit` takes at least 1"),
        ("limit = 5", "enter on visit", "`limit` takes a number and a time"),
        ("starts = monday", "enter on visit", "`starts` takes a date and time"),
        ("starts = 2026-02-02\n  ends = 2026-02-01", "enter on visit", "is not after its start"),
        (
            "starts = 2026-02-02\n  ends = 2026-02-02 00:00",
            "enter on visit",
            "is not after its start",
        ),
        ("stage = secret", "enter on visit", "`stage` is one of `draft`, `live`"),
        ("", "enter from segment keen every hour at 09:00", "counts days, weeks"),
        ("", "enter from segment keen every 0 days at 09:00", "counts days, weeks"),
    ],
)
def test_mistakes_are_told(rule: str, entry: str, words: str) -> None:
    texts = {"data.journey": DATA, "a.journey": limited(rule, entry)}
    found = compile_project(SETTINGS, texts, {}, {}).diagnostics
    messages = [d.message for d in found if d.is_error]
    assert len(messages) == 1 and words in messages[0], messages


def test_a_calendar_without_again_is_a_warning() -> None:
    texts = {"data.journey": DATA, "a.journey": WEEKLY.replace("again always", "")}
    [found] = compile_project(SETTINGS, texts, {}, {}).diagnostics
    assert (found.code, found.is_error) == ("CIJ307", False)


def test_a_calendar_may_name_its_zone() -> None:
    head = 'journey {0} {{\n  enter from segment s every day at 09:00{1}\n  again always\n  timezone = "Europe/Madrid"\n'
    rest = "  steps {\n    rest: wait 1 hour\n  }\n}\n\n"
    text = head.format("own", ' in "Asia/Tokyo"') + rest + head.format("plain", "") + rest
    text += "segment s {\n  where points > 1\n}\n"
    assert format_text("a.journey", text).text == text
    bed = TestBed(text, datetime(2026, 3, 1, 12))
    bed.people("ana", points=5)
    bed.run_to(datetime(2026, 3, 2, 12))
    entered = bed.rows("SELECT p.journey, p.entered_at FROM passage AS p ORDER BY 1")
    # 09:00 in Tokyo is midnight in UTC, and 09:00 in Madrid is 08:00.
    assert entered == [("own", datetime(2026, 3, 2)), ("plain", datetime(2026, 3, 2, 8))]
    files = {"data.journey": DATA, "a.journey": text}
    found = compile_project(SETTINGS, files, {}, {}, is_zone=lambda zone: zone != "Asia/Tokyo")
    [mistake] = found.diagnostics
    assert mistake.message == "`Asia/Tokyo` is not an IANA time zone"


def test_a_wait_that_names_no_zone_is_told() -> None:
    wait = 'wait until friday at 09:00 in "Asia/Nowhere"'
    text = limited("limit = 1 per day").replace("send email first", wait)
    assert format_text("a.journey", text.lstrip("\n")).text.count(wait) == 1
    files = {"data.journey": DATA, "a.journey": text}
    found = compile_project(SETTINGS, files, {}, {}, is_zone=lambda zone: "/No" not in zone)
    assert [d.message for d in found.diagnostics] == ["`Asia/Nowhere` is not an IANA time zone"]
