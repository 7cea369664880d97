"""Customers who are created from an event (S6), and become one with their records later (S26)."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from cij.compiler import program as pr
from cij.runtime.engine import Engine, open_engine
from cij.runtime.refresh import refresh, take_in
from tests.builders import (
    column,
    event,
    exact,
    mapping,
    program,
    rewrite,
    rows,
    source,
    topic,
    write_csv,
)
from tests.example import copy_example, inside, run_once
from tests.testbed import HOUR, TestBed, names

NOW = datetime(2026, 3, 2, 10)
VISIT = event("visit", None, {"page": "text"})


def shop() -> pr.Program:
    sources = [source("shop", {"email": "text", "city": "text"}), source("cards", {"mail": "text"})]
    cards = mapping("cards", email=column("cards", "mail"))
    topics = [topic("news"), topic("tips", consent="opt_out")]
    return program(sources, [mapping("shop", "email", "city"), cards], [exact("email")],
                   events=[VISIT], topics=topics)  # fmt: skip


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = open_engine(None)
    yield engine
    engine.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_csv(tmp_path, "shop", "id,email,city", "1,ann@x.com,Vigo")
    write_csv(tmp_path, "cards", "id,mail", "9,bob@x.com")
    return tmp_path


def visit(engine: Engine, who: str, at: datetime = NOW) -> int:
    taken = take_in(engine, shop(), [{"event": "visit", "customer": who, "at": at}], at)
    assert not taken.refused, taken.refused
    return taken.created


def customer_of(engine: Engine) -> list[str]:
    return names(rows(engine, "SELECT e.customer FROM event_visit AS e ORDER BY e.seq"))


def test_an_address_that_nobody_has_makes_a_customer(engine: Engine, folder: Path) -> None:
    refresh(engine, shop(), folder, NOW)
    assert visit(engine, "New@X.com") == 1
    found = rows(
        engine,
        'SELECT c.email, c.city, c.zone, c."consent.news.email", c."consent.tips.email" '
        "FROM customer AS c WHERE c.email = 'New@X.com'",
    )
    # It is sent as it was written, and compared without case (S29).
    assert found == [("New@X.com", None, "UTC", False, True)]


def test_the_same_newcomer_comes_again_as_the_same(engine: Engine, folder: Path) -> None:
    refresh(engine, shop(), folder, NOW)
    assert [visit(engine, "new@x.com", NOW + n * HOUR) for n in range(3)] == [1, 0, 0]
    assert len(set(customer_of(engine))) == 1
    refresh(engine, shop(), folder, NOW + 4 * HOUR)
    assert visit(engine, " NEW@x.com", NOW + 5 * HOUR) == 0
    assert len(set(customer_of(engine))) == 1


def test_two_in_one_batch_are_one(engine: Engine, folder: Path) -> None:
    refresh(engine, shop(), folder, NOW)
    batch = [{"event": "visit", "customer": w, "id": w} for w in ("a@x.com", "A@x.com", "b@x.com")]
    assert take_in(engine, shop(), batch, NOW).created == 2


@pytest.mark.parametrize(
    ("who", "line"),
    [("new@x.com", "2,new@x.com,Lugo"), ("shop:2", "2,other@x.com,Lugo")],
)
def test_when_the_record_comes_both_are_one_and_the_id_stays(
    engine: Engine, folder: Path, who: str, line: str
) -> None:
    refresh(engine, shop(), folder, NOW)
    visit(engine, who)
    [id] = customer_of(engine)
    rewrite(folder, "shop", "id,email,city", "1,ann@x.com,Vigo", line)
    report = refresh(engine, shop(), folder, NOW + HOUR)
    assert report.profiles == 3 and report.merged == ()
    assert rows(engine, "SELECT c.id FROM customer AS c WHERE c.city = 'Lugo'") == [(id,)]
    assert visit(engine, who, NOW + HOUR) == 0
    assert visit(engine, "shop:2", NOW + 2 * HOUR) == 0
    assert set(customer_of(engine)) == {id}


def test_a_newcomer_can_turn_out_to_be_an_older_customer(engine: Engine, folder: Path) -> None:
    refresh(engine, shop(), folder, NOW)
    [(ann,)] = rows(engine, "SELECT c.id FROM customer AS c WHERE c.city = 'Vigo'")
    visit(engine, "cards:10")
    rewrite(folder, "cards", "id,mail", "9,bob@x.com", "10,ann@x.com")
    report = refresh(engine, shop(), folder, NOW + HOUR)
    assert [survivor for _, survivor in report.merged] == [ann]
    assert customer_of(engine) == [ann] and report.profiles == 2
    assert visit(engine, "cards:10", NOW + HOUR) == 0


def test_a_bad_event_creates_nobody(engine: Engine, folder: Path) -> None:
    refresh(engine, shop(), folder, NOW)
    row = {"event": "visit", "customer": "new@x.com", "page": 7}
    assert take_in(engine, shop(), [row], NOW).created == 0
    assert rows(engine, "SELECT COUNT(*) FROM customer AS c") == [(2,)]


def test_a_newcomer_enters_a_journey() -> None:
    text = """
journey welcome {
  enter on visit
  steps {
    hello: send email first
  }
}
"""
    bed = TestBed(text, NOW)
    bed.event("visit", "new@example.com", NOW)
    bed.tick(NOW)
    assert len(bed.sent()) == 1
    assert bed.rows("SELECT o.address, o.outcome FROM outbox AS o") == [
        ("new@example.com", "queued")
    ]


@pytest.mark.slow
def test_the_command_line_hands_in_a_newcomer(tmp_path: Path) -> None:
    project = copy_example(tmp_path)
    before = run_once(project)["profiles"]
    arguments = ("unsubscribed", "--customer", "new@example.com", "--project", str(project))
    code, _, err = inside("event", *arguments)
    assert code == 0, err
    found = run_once(project)
    assert found["profiles"] == before + 1, json.dumps(found["messages"])
