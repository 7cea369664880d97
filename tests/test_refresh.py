"""A whole refresh: all or nothing; events of sources; single events that are handed in."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cij.compiler import program as pr
from cij.compiler.expression import Column
from cij.compiler.types import DATE
from cij.runtime.engine import Engine, open_engine
from cij.runtime.errors import ConfigError, DataError
from cij.runtime.refresh import prepare, refresh, take_in
from tests.builders import event, exact, mapping, program, rewrite, rows, source, topic, write_csv

NOW = datetime(2026, 3, 2, 10)
LATER = NOW + timedelta(hours=1)

ORDERS = source("orders", {"who": "integer", "at": "datetime", "amount": "money", "item": "text"})
PURCHASE = event("purchase", "orders", {"amount": "money"}, customer=("shop", "who"))
HEADER = "id,who,at,amount,item"


def shop(*events: pr.Event, **parts: Any) -> pr.Program:
    people = source("shop", {"email": "text"})
    return program([people, ORDERS], [mapping("shop", "email")], [exact("email")],
                   events=events or (PURCHASE,), **parts)  # fmt: skip


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = open_engine(None)
    yield engine
    engine.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_csv(tmp_path, "shop", "id,email", "1,ann", "2,bob")
    write_csv(tmp_path, "orders", HEADER, "o2,1,2026-01-02,20,tea", "o1,2,2026-01-01,10.5,mug")
    return tmp_path


def purchases(engine: Engine) -> list[tuple[Any, ...]]:
    return rows(
        engine,
        "SELECT e.seq, e.id, c.email, e.at, e.arrived_at, e.amount FROM event_purchase AS e "
        "LEFT JOIN customer AS c ON c.id = e.customer ORDER BY e.seq",
    )


def quarantined(engine: Engine) -> list[tuple[Any, ...]]:
    return rows(
        engine, "SELECT q.source, q.reason, q.loaded_at FROM quarantine AS q ORDER BY q.reason"
    )


# --- refresh ----------------------------------------------------------------------------------


def test_events_come_in_the_order_of_their_time(engine: Engine, folder: Path) -> None:
    report = refresh(engine, shop(), folder, NOW)
    assert purchases(engine) == [
        (1, "o1", "bob", datetime(2026, 1, 1), NOW, Decimal("10.5")),
        (2, "o2", "ann", datetime(2026, 1, 2), NOW, Decimal(20)),
    ]
    assert report.events == {"purchase": 2} and report.profiles == 2 and report.changed


def test_a_second_refresh_does_nothing(engine: Engine, folder: Path) -> None:
    refresh(engine, shop(), folder, NOW)
    before = purchases(engine)
    report = refresh(engine, shop(), folder, LATER)
    assert [s.is_unchanged for s in report.sources] == [True, True]
    assert not report.changed and report.profiles == 2
    assert purchases(engine) == before


def test_only_new_rows_become_events(engine: Engine, folder: Path) -> None:
    refresh(engine, shop(), folder, NOW)
    lines = ("o2,1,2026-01-02,999,tea", "o3,1,2025-12-31,5,tea")
    rewrite(folder, "orders", HEADER, *lines)
    assert refresh(engine, shop(), folder, LATER).events == {"purchase": 1}
    assert [row[:2] + row[4:] for row in purchases(engine)] == [
        (1, "o1", NOW, Decimal("10.5")),
        (2, "o2", NOW, Decimal(20)),
        (3, "o3", LATER, Decimal(5)),
    ]


@pytest.mark.slow
def test_who_is_unknown_waits_in_quarantine(engine: Engine, folder: Path) -> None:
    lines = ("o1,9,2026-01-01,1,", "o2,1,,1,", "o3,,2026-01-01,1,")
    rewrite(folder, "orders", HEADER, *lines)
    report = refresh(engine, shop(), folder, NOW)
    assert report.waiting == {"purchase": 3} and report.events == {"purchase": 0}
    rewrite(folder, "orders", HEADER, *lines, "o4,1,2026-01-01,1,")
    refresh(engine, shop(), folder, LATER)
    assert quarantined(engine) == [
        ("event purchase", 'shop("9") leads to no customer', NOW),
        ("event purchase", "the column who is missing", NOW),
        ("event purchase", "the time `at` is missing", NOW),
    ]
    rewrite(folder, "shop", "id,email", "1,ann", "9,zoe")
    assert refresh(engine, shop(), folder, LATER).events == {"purchase": 1}
    assert len(quarantined(engine)) == 2
    assert [row[1:3] for row in purchases(engine)] == [("o4", "ann"), ("o1", "zoe")]


def test_a_date_is_the_local_midnight_of_the_source(engine: Engine, folder: Path) -> None:
    columns = {"who": "integer", "on": "date"}
    visits = source("visits", columns, timezone="America/New_York")
    on = Column(source="visits", name="on", type=DATE, is_nullable=True)
    visit = event("visit", "visits", customer=("shop", "who"), at=on)
    people = source("shop", {"email": "text"})
    built = program([people, visits], [mapping("shop", "email")], events=[visit])
    write_csv(folder, "visits", "id,who,on", "v1,1,2026-07-01", "v2,1,")
    refresh(engine, built, folder, NOW)
    assert rows(engine, "SELECT e.id, e.at FROM event_visit AS e") == [
        ("v1", datetime(2026, 7, 1, 4))
    ]


@pytest.mark.slow
def test_events_follow_their_customer(engine: Engine, folder: Path) -> None:
    refresh(engine, shop(), folder, NOW)
    rewrite(folder, "shop", "id,email", "1,bob", "2,bob")
    assert len(refresh(engine, shop(), folder, LATER).merged) == 1
    assert [row[2] for row in purchases(engine)] == ["bob", "bob"]
    rewrite(folder, "shop", "id,email", "1,ann", "2,bob")
    assert len(refresh(engine, shop(), folder, LATER).split) == 1
    assert [row[2] for row in purchases(engine)] == ["bob", "ann"]


@pytest.mark.slow
def test_a_failure_leaves_everything_as_it_was(engine: Engine, folder: Path) -> None:
    refresh(engine, shop(), folder, NOW)
    before = purchases(engine), rows(engine, "SELECT * FROM customer AS c ORDER BY c.id")
    rewrite(folder, "shop", "id,email", "1,other", "3,new")
    rewrite(folder, "orders", HEADER, "o9,1,yesterday,1,")
    with pytest.raises(DataError, match="1 of 1 rows are bad"):
        refresh(engine, shop(), folder, LATER)
    assert (purchases(engine), rows(engine, "SELECT * FROM customer AS c ORDER BY c.id")) == before
    assert rows(engine, "SELECT s.email FROM source_shop AS s ORDER BY s.id") == [
        ("ann",),
        ("bob",),
    ]
    rewrite(folder, "orders", HEADER, "o9,1,2026-01-01,1,")
    assert refresh(engine, shop(), folder, LATER).profiles == 2


@pytest.mark.slow
def test_an_export_of_customers_without_rows_is_refused(engine: Engine, folder: Path) -> None:
    """It broke off, most likely, and would take everybody out of everything."""
    refresh(engine, shop(), folder, NOW)
    rewrite(folder, "shop", "id,email")
    with pytest.raises(DataError, match="has no rows, and had 2 before"):
        refresh(engine, shop(), folder, LATER)
    rewrite(folder, "shop", "id,email", "1,ann")
    # What is no customer may be nothing for a while.
    rewrite(folder, "orders", HEADER)
    assert refresh(engine, shop(), folder, LATER).profiles == 1
    rewrite(folder, "shop", "id,email")
    given = shop()
    sources = tuple(s.model_copy(update={"tolerate": "1"}) for s in given.sources)
    tolerant = given.model_copy(update={"sources": sources})
    assert refresh(engine, tolerant, folder, LATER).profiles == 0


def test_a_new_field_is_filled_for_old_events(engine: Engine, folder: Path) -> None:
    refresh(engine, shop(), folder, NOW)
    wider = event(
        "purchase", "orders", {"amount": "money", "item": "text"}, customer=("shop", "who")
    )
    report = refresh(engine, shop(wider), folder, LATER)
    assert report.events == {"purchase": 0}
    assert rows(engine, "SELECT e.id, e.item, e.arrived_at FROM event_purchase AS e") == [
        ("o1", "mug", NOW),
        ("o2", "tea", NOW),
    ]


def test_a_zone_must_exist(engine: Engine, folder: Path) -> None:
    with pytest.raises(ConfigError, match='the project has the time zone "Mars/Base"'):
        refresh(engine, shop(timezone="Mars/Base"), folder, NOW)


def test_a_store_in_a_file_keeps_it_all(folder: Path) -> None:
    engine = open_engine(folder / "state.duckdb")
    refresh(engine, shop(), folder, NOW)
    engine.close()
    engine = open_engine(folder / "state.duckdb")
    assert not refresh(engine, shop(), folder, LATER).changed
    assert len(purchases(engine)) == 2
    engine.close()


# --- single events ----------------------------------------------------------------------------

VISIT = event(
    "visit",
    fields={
        "page": "text",
        "seconds": "integer",
        "price": "money",
        "share": "percent",
        "is_new": "boolean",
        "day": "date",
        "due": "datetime",
    },
)
OPENED = event("opened", is_interaction=True)
UNSUBSCRIBED = event("unsubscribed", fields={"topic": "text"}, is_interaction=True)
SUBSCRIBED = event("subscribed", fields={"topic": "text"}, is_interaction=True)


@pytest.fixture
def world(engine: Engine, folder: Path) -> pr.Program:
    topics = (topic("news", "email", "sms"), topic("bills", "email", consent="none"),
              topic("care", "email", consent="opt_out"))  # fmt: skip
    built = shop(
        PURCHASE, VISIT, OPENED, UNSUBSCRIBED, SUBSCRIBED, topics=topics, timezone="Europe/Berlin"
    )
    refresh(engine, built, folder, NOW)
    return built


def test_an_event_is_taken_in_once(engine: Engine, world: pr.Program) -> None:
    ann = rows(engine, "SELECT c.id FROM customer AS c WHERE c.email = 'ann'")[0][0]
    given = [
        {
            "event": "visit",
            "customer": "shop:1",
            "id": "v1",
            "at": "2026-03-02T10:00:00+01:00",
            "fields": {
                "page": "e\u0301",
                "seconds": "3",
                "price": 0.1,
                "share": "10%",
                "is_new": "yes",
                "day": "2026-03-01",
                "due": "2026-03-29 02:30",
            },
        },
        {"event": "visit", "customer": ann, "id": "v2", "at": datetime(2026, 3, 1), "page": ""},
        {"event": "visit", "customer": ann, "id": "v2", "page": "again"},
    ]
    taken = take_in(engine, world, given, NOW)
    assert (taken.accepted, taken.known, taken.refused) == (2, 1, ())
    assert (take_in(engine, world, given, LATER).accepted, engine_count(engine)) == (0, 2)
    nothing = (None,) * 7
    assert rows(engine, "SELECT * FROM event_visit AS e ORDER BY e.seq") == [
        (3, "v2", ann, datetime(2026, 3, 1), NOW, *nothing),
        (4, "v1", ann, datetime(2026, 3, 2, 9), NOW, "é", 3, Decimal("0.1"), Decimal("0.1"), True,
         date(2026, 3, 1), datetime(2026, 3, 29, 1, 30)),
    ]  # fmt: skip


def engine_count(engine: Engine) -> int:
    return int(rows(engine, "SELECT COUNT(*) FROM event_visit AS e")[0][0])


def test_events_without_an_id(engine: Engine, world: pr.Program) -> None:
    bare = {"event": "visit", "customer": "shop:1", "page": "x"}
    assert take_in(engine, world, [bare], NOW).accepted == 1
    assert take_in(engine, world, [bare], LATER).accepted == 1
    placed = {**bare, "file": "a.jsonl", "line": 1}
    assert take_in(engine, world, [placed, {**placed, "line": 2}], NOW).accepted == 2
    assert take_in(engine, world, [placed], LATER).accepted == 0
    dated = {**bare, "at": datetime(2026, 3, 1, 9, tzinfo=timezone(timedelta(hours=9)))}
    assert take_in(engine, world, [dated], NOW).accepted == 1
    first = rows(engine, "SELECT MIN(e.at) FROM event_visit AS e")
    assert first == [(datetime(2026, 3, 1, tzinfo=UTC).replace(tzinfo=None),)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"event": "vist"}, "there is no event vist"),
        ({"customer": None}, "the customer is missing"),
        ({"customer": "shp:77"}, 'there is no customer "shp:77"'),
        ({"customer": "ana at example.com"}, 'there is no customer "ana at example.com"'),
        ({"pages": 1}, "event visit has no field pages; it has page, seconds,"),
        ({"page": 7}, "field page: 7 is not a text"),
        ({"seconds": 1.5}, "field seconds: 1.5 is not a whole number"),
        ({"seconds": True}, "field seconds: True is not a whole number"),
        ({"price": "1,5"}, 'field price: "1,5" is not an amount'),
        ({"price": float("nan")}, "field price: nan is not an amount"),
        ({"is_new": "maybe"}, 'field is_new: "maybe" is not true or false'),
        ({"day": "2026-02-30"}, 'field day: "2026-02-30" is not a date'),
        ({"at": "yesterday"}, 'at: "yesterday" is not a date and time'),
        ({"fields": [1]}, "`fields` is not a table of names and values"),
        ({"channel": "email"}, "event visit has no channel"),
    ],
)
def test_a_bad_event_goes_to_quarantine(
    engine: Engine, world: pr.Program, change: dict[str, Any], reason: str
) -> None:
    row = {"event": "visit", "customer": "shop:1", "file": "x.jsonl", "line": 4, **change}
    good = {"event": "visit", "customer": "shop:1"}
    taken = take_in(engine, world, [row, good], NOW)
    assert taken.accepted == 1
    assert taken.refused[0].reason.startswith(reason) and taken.refused[0].row is row
    found = rows(engine, "SELECT q.source, q.file, q.line, q.reason FROM quarantine AS q")
    assert found == [("intake", "x.jsonl", 4, taken.refused[0].reason)]


CONSENTS = (
    'SELECT c."consent.news.email", c."consent.news.sms", c."consent.care.email", '
    "c.\"consent.bills.email\" FROM customer AS c WHERE c.email = 'ann'"
)


def test_an_unsubscribe_works_at_once(engine: Engine, world: pr.Program, folder: Path) -> None:
    def say(name: str, at: datetime, **given: Any) -> tuple[Any, ...]:
        row = {"event": name, "customer": "shop:1", "at": at, **given}
        assert take_in(engine, world, [row], NOW).accepted == 1
        return rows(engine, CONSENTS)[0]

    minute = timedelta(minutes=1)
    assert rows(engine, CONSENTS) == [(False, False, True, True)]
    assert say("subscribed", NOW, topic="news") == (True, True, True, True)
    assert say("unsubscribed", NOW + minute, channel="email") == (False, True, False, True)
    assert say("subscribed", NOW, channel="email") == (False, True, False, True)
    rewrite(folder, "shop", "id,email", "1,ann", "2,bob", "3,cy")
    refresh(engine, world, folder, LATER)
    assert rows(engine, CONSENTS) == [(False, True, False, True)]
    assert say("unsubscribed", NOW + 2 * minute) == (False, False, False, True)


def test_an_interaction_keeps_its_message(engine: Engine, world: pr.Program) -> None:
    row = {"event": "opened", "customer": "shop:2", "message_key": "k1", "channel": "email"}
    take_in(engine, world, [row], NOW)
    assert rows(engine, "SELECT e.message_key, e.channel FROM event_opened AS e") == [
        ("k1", "email")
    ]


def test_the_tables_are_there_before_any_data(engine: Engine) -> None:
    prepare(engine, shop(VISIT))
    prepare(engine, shop(VISIT))
    taken = take_in(engine, shop(VISIT), [{"event": "visit", "customer": "x"}], NOW)
    assert taken.refused[0].reason == 'there is no customer "x"'
