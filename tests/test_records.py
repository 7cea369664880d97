"""Record events: created, updated, deleted between two refreshes."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from cij.compiler.compilation import Compilation, compile_project
from cij.compiler.model import ProjectSettings
from cij.compiler.program import Program
from cij.runtime.deploy import deploy
from cij.runtime.engine import Engine, open_engine
from cij.runtime.errors import DataError
from cij.runtime.refresh import refresh
from cij.runtime.runner import refresh_data
from cij.runtime.tick import tick
from tests.builders import rewrite, rows, write_csv
from tests.testbed import DAY, HOUR

NOW = datetime(2026, 3, 2, 10)

DATA = """
source cards {
  kind = csv
  path = "cards.csv"
  key = card
  tolerate = 100%
  columns {
    card = text
    mail = text
    points = integer
    tier = text
    changed_at = datetime
  }
}

source orders {
  kind = csv
  path = "orders.csv"
  key = id
  columns {
    id = text
    card = text
    state = text
  }
}

profile customer {
  from cards {
    email = mail
    points = points
  }
}

topic service {
  channels = [email]
  consent = none
}
"""

EVENTS = """
event card_created {
  source = cards
  on = created
  fields {
    points = points
  }
}

event card_changed {
  source = cards
  on = updated
  changes = [points]
  at = changed_at
  fields {
    points = points
    before = before.points
    more = points - before.points
  }
}

event any_change {
  source = cards
  on = updated
}

event card_deleted {
  source = cards
  on = deleted
  fields {
    points = points
  }
}

event order_updated {
  source = orders
  on = updated
  changes = [state]
  customer = cards(card)
  fields {
    state = state
    was = before.state
  }
}
"""
HEADER = "card,mail,points,tier,changed_at"
ANN = "1,ann@x.com,10,basic,2026-03-01 09:00"
BOB = "2,bob@x.com,20,basic,2026-03-01 09:00"


def compilation_of(text: str) -> Compilation:
    return compile_project(ProjectSettings("shop", "UTC"), {"a.journey": DATA + text}, {}, {})


def program_of(text: str) -> Program:
    found = compilation_of(text)
    assert found.program is not None, found.diagnostics
    return found.program


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = open_engine(None)
    yield engine
    engine.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_csv(tmp_path, "cards", HEADER, ANN, BOB)
    write_csv(tmp_path, "orders", "id,card,state", "o1,1,open", "o2,2,open")
    return tmp_path


def happened(engine: Engine, event: str, *fields: str) -> list[tuple[Any, ...]]:
    columns = "".join(f', e."{f}"' for f in fields)
    return rows(
        engine,
        f"SELECT c.email{columns} FROM event_{event} AS e "
        "LEFT JOIN customer AS c ON c.id = e.customer ORDER BY e.seq",
    )


def test_the_first_load_is_no_news(engine: Engine, folder: Path) -> None:
    found = refresh(engine, program_of(EVENTS), folder, NOW)
    assert sum(found.events.values()) == 0
    again = refresh(engine, program_of(EVENTS), folder, NOW + HOUR)
    assert sum(again.events.values()) == 0


@pytest.mark.slow
def test_each_kind_of_change_is_an_event(engine: Engine, folder: Path) -> None:
    program = program_of(EVENTS)
    refresh(engine, program, folder, NOW)
    eve = "3,eve@x.com,5,basic,2026-03-02 11:00"
    changed = "1,ann@x.com,15,basic,2026-03-02 10:30"
    rewrite(folder, "cards", HEADER, changed, "2,bob@x.com,20,gold,2026-03-01 09:00", eve)
    refresh(engine, program, folder, NOW + HOUR)
    assert happened(engine, "card_created", "points", "at") == [("eve@x.com", 5, NOW + HOUR)]
    at = datetime(2026, 3, 2, 10, 30)
    assert happened(engine, "card_changed", "points", "before", "more", "at") == [
        ("ann@x.com", 15, 10, 5, at)
    ]
    assert sorted(happened(engine, "any_change")) == [("ann@x.com",), ("bob@x.com",)]
    rewrite(folder, "cards", HEADER, changed, eve)
    refresh(engine, program, folder, NOW + 2 * HOUR)
    # The customer is gone with their only record, so the event is about nobody.
    assert happened(engine, "card_deleted") == []
    assert rows(engine, "SELECT COUNT(*) FROM quarantine AS q") == [(0,)]


@pytest.mark.slow
def test_a_change_to_and_from_nothing_is_one(engine: Engine, folder: Path) -> None:
    program = program_of(EVENTS)
    refresh(engine, program, folder, NOW)
    for hour, points in enumerate(("", "30"), 1):
        line = f"1,ann@x.com,{points},basic,2026-03-02 1{hour}:00"
        rewrite(folder, "cards", HEADER, line, BOB)
        refresh(engine, program, folder, NOW + hour * HOUR)
    found = happened(engine, "card_changed", "points", "before", "more")
    assert found == [("ann@x.com", None, 10, None), ("ann@x.com", 30, None, None)]


def test_a_record_reaches_its_customer_by_reference(engine: Engine, folder: Path) -> None:
    program = program_of(EVENTS)
    refresh(engine, program, folder, NOW)
    rewrite(folder, "orders", "id,card,state", "o1,1,sent", "o2,2,open", "o3,9,open")
    refresh(engine, program, folder, NOW + HOUR)
    rewrite(folder, "orders", "id,card,state", "o1,1,sent", "o2,2,lost", "o3,9,sent")
    refresh(engine, program, folder, NOW + 2 * HOUR)
    found = happened(engine, "order_updated", "state", "was")
    assert found == [("ann@x.com", "sent", "open"), ("bob@x.com", "lost", "open")]
    reasons = rows(engine, "SELECT q.source, q.reason FROM quarantine AS q")
    assert reasons == [("event order_updated", 'cards("9") leads to no customer')]


@pytest.mark.slow
def test_a_deleted_record_of_somebody_who_stays(engine: Engine, folder: Path) -> None:
    text = (
        EVENTS
        + """
event order_deleted {
  source = orders
  on = deleted
  customer = cards(card)
  fields {
    state = state
  }
}
"""
    )
    refresh(engine, program_of(text), folder, NOW)
    rewrite(folder, "orders", "id,card,state", "o2,2,open")
    refresh(engine, program_of(text), folder, NOW + HOUR)
    assert happened(engine, "order_deleted", "state", "at") == [("ann@x.com", "open", NOW + HOUR)]


@pytest.mark.slow
def test_a_row_that_turns_bad_is_neither_deleted_nor_created(engine: Engine, folder: Path) -> None:
    program = program_of(EVENTS)
    refresh(engine, program, folder, NOW)
    rewrite(folder, "cards", HEADER, "1,ann@x.com,many,basic,2026-03-01 09:00", BOB)
    found = refresh(engine, program, folder, NOW + HOUR)
    assert found.sources[0].bad == 1
    rewrite(folder, "cards", HEADER, "1,ann@x.com,12,basic,2026-03-01 09:00", BOB)
    refresh(engine, program, folder, NOW + 2 * HOUR)
    assert happened(engine, "card_created") == []
    assert rows(engine, "SELECT COUNT(*) FROM event_card_deleted AS e") == [(0,)]
    assert happened(engine, "card_changed", "before", "points") == [("ann@x.com", 10, 12)]


@pytest.mark.slow
def test_a_row_that_turns_bad_stays_as_it_was(engine: Engine, folder: Path) -> None:
    """One wrong number must not delete a customer who is in journeys."""
    program = program_of(EVENTS)
    refresh(engine, program, folder, NOW)
    before = rows(engine, "SELECT s.* FROM source_cards AS s ORDER BY 1")
    profiles = refresh(engine, program, folder, NOW).profiles
    bad = "1,ann@x.com,many,basic,2026-03-01 09:00"
    rewrite(folder, "cards", HEADER, bad, BOB, "3,,no number,,")
    found = refresh(engine, program, folder, NOW + HOUR)
    assert (
        found.sources[0].line()
        == "cards: 1 of 3 rows (2 bad, 1 of them with their last good values)"
    )
    assert rows(engine, "SELECT s.* FROM source_cards AS s ORDER BY 1") == before
    assert found.profiles == profiles
    # Again, and as a second row with the key of a good one.
    rewrite(folder, "cards", HEADER, bad, BOB.replace("basic", "gold"), bad.replace("1,", "2,", 1))
    assert refresh(engine, program, folder, NOW + 2 * HOUR).sources[0].stayed == 1
    assert ("gold",) in rows(engine, "SELECT s.tier FROM source_cards AS s")
    assert rows(engine, "SELECT COUNT(*) FROM source_cards AS s") == [(2,)]
    rewrite(folder, "cards", HEADER, BOB)
    refresh(engine, program, folder, NOW + 3 * HOUR)
    assert rows(engine, "SELECT COUNT(*) FROM source_cards AS s") == [(1,)]


@pytest.mark.slow
def test_existing_records_count_as_created_on_request(engine: Engine, folder: Path) -> None:
    text = EVENTS.replace("on = created", "on = created\n  existing = true")
    refresh(engine, program_of(text), folder, NOW)
    assert len(happened(engine, "card_created")) == 2
    refresh(engine, program_of(text), folder, NOW + HOUR)
    assert len(happened(engine, "card_created")) == 2


@pytest.mark.slow
def test_a_new_definition_begins_to_compare_anew(engine: Engine, folder: Path) -> None:
    refresh(engine, program_of(EVENTS), folder, NOW)
    other = program_of(EVENTS.replace("changes = [points]", "changes = [tier]"))
    rewrite(folder, "cards", HEADER, ANN, BOB.replace("basic", "gold"))
    refresh(engine, other, folder, NOW + HOUR)
    assert happened(engine, "card_changed") == []
    rewrite(folder, "cards", HEADER, ANN, BOB)
    refresh(engine, other, folder, NOW + 2 * HOUR)
    assert happened(engine, "card_changed") == [("bob@x.com",)]


@pytest.mark.slow
def test_a_refresh_that_fails_raises_no_event(engine: Engine, folder: Path) -> None:
    program = program_of(EVENTS)
    refresh(engine, program, folder, NOW)
    rewrite(folder, "cards", HEADER, ANN.replace("10,", "11,"), BOB)
    rewrite(folder, "orders", "id,card,wrong", "o1,1,open")
    with pytest.raises(DataError, match="state"):
        refresh(engine, program, folder, NOW + HOUR)
    rewrite(folder, "orders", "id,card,state", "o1,1,open", "o2,2,open")
    refresh(engine, program, folder, NOW + 2 * HOUR)
    assert happened(engine, "card_changed", "before", "points") == [("ann@x.com", 10, 11)]


def test_a_change_starts_a_journey_that_reads_both_values(engine: Engine, folder: Path) -> None:
    text = (
        EVENTS
        + """
message email congratulations {
  topic = service
  locale "en" {
    subject = "More points"
    body = "{{ trigger.before | default: 0 }} to {{ trigger.points | default: 0 }}"
  }
}

journey risen {
  enter on card_changed where more > 0
  again always
  exit left on card_deleted
  steps {
    hello: send email congratulations
    pause: wait 7 days
  }
}
"""
    )
    program = program_of(text)
    world = deploy(engine, program, NOW - 2 * DAY)
    refresh_data(world, folder, NOW)
    tick(world, NOW)
    line = "1,ann@x.com,15,basic,2026-03-02 10:30"
    rewrite(folder, "cards", HEADER, line, BOB.replace("20", "19"))
    refresh_data(world, folder, NOW + HOUR)
    tick(world, NOW + HOUR)
    found = rows(engine, "SELECT o.address, o.outcome FROM outbox AS o")
    assert found == [("ann@x.com", "queued")]


# --- mistakes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("source = cards\n on = changed", "`on` is one of"),
        (
            "source = cards\n on = created\n changes = [points]",
            "`changes` needs `on = updated`",
        ),
        ("source = cards\n on = deleted\n existing = true", "`existing` needs `on = created`"),
        ("source = cards\n on = created\n existing = 1", "`existing` takes true or false"),
        ("source = cards\n on = updated\n changes = [pionts]", "has no column `pionts`"),
        ("source = orders\n on = updated", "needs `customer`"),
        ("source = cards\n changes = [points]", "`changes` needs `on = updated`"),
        ("on = updated", "`on` needs `source`"),
        (
            "source = cards\n on = created\n fields {\n x = before.points\n }",
            "has no column `before.points`",
        ),
        (
            "source = cards\n on = updated\n fields {\n x = before.pionts\n }",
            "has no column `pionts`",
        ),
        ("source = cards\n on = updated\n at = points", "`at` is an instant or a date"),
    ],
)
def test_mistakes_in_record_events_are_told(event: str, words: str) -> None:
    found = compilation_of(f"event e {{\n {event}\n}}\n").diagnostics
    messages = [d.message for d in found if d.is_error]
    assert any(words in m for m in messages), messages
