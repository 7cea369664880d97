"""Customers who are in no source any more are sent nothing and stand still (S24)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.compiler.program import Program
from cij.compiler.sql import query
from cij.runtime.clock import SimulatedClock
from cij.runtime.delivery import outbox as ways
from cij.runtime.deploy import deploy
from cij.runtime.due import next_tick, next_work
from cij.runtime.engine import Engine, open_engine
from cij.runtime.insight.timeline import lines, timeline
from cij.runtime.insight.why import why
from cij.runtime.intake import take_in
from cij.runtime.report import report
from cij.runtime.runner import refresh_data
from cij.runtime.simulate import deliver, run_to
from cij.runtime.store import outbox
from cij.runtime.tick import tick
from cij.runtime.world import World
from tests.conftest import Cij
from tests.ways import WAYS

NOW = datetime(2026, 3, 2, 10)
DAY = timedelta(days=1)
ALL = ("ana", "bob", "eve")

TEXT = """
source people {
  kind = csv
  path = "people.csv"
  key = id
  columns {
    id = text
    email = text
  }
}
profile customer {
  PROFILE
  from people {
    email = email
  }
  match by_email {
    exact = [email]
  }
}
event bought {
  fields {
    amount = integer
  }
}
topic service {
  channels = [email]
  consent = none
}
segment everybody {
  where email is known
}
message email hello {
  topic = service
  locale "en" {
    subject = "Hello"
    body = "Hello"
  }
}
journey j {
  enter from segment everybody
  HEAD
  steps {
    STEPS
  }
}
"""
TWO_WAITS = "one: wait 3 days\n hello: send email hello\n two: wait 3 days"


def program_of(steps: str = TWO_WAITS, head: str = "", profile: str = "") -> Program:
    text = TEXT.replace("STEPS", steps).replace("HEAD", head).replace("PROFILE", profile)
    found = compile_project(ProjectSettings("x", "UTC"), {"a.journey": text}, {}, {})
    assert found.program is not None, found.diagnostics
    return found.program


@dataclass
class Store:
    folder: Path
    engine: Engine = field(default_factory=lambda: open_engine(None, threads=1))

    def deploy(self, program: Program, now: datetime = NOW) -> World:
        self.world = deploy(self.engine, program, now)
        return self.world

    def load(self, now: datetime, *names: str, rows: str = "") -> None:
        """Refresh from a source that has these customers, and do what is due."""
        people = "".join(f"{name},{name}@example.com\n" for name in names)
        (self.folder / "people.csv").write_text(f"id,email\n{people}{rows}")
        refresh_data(self.world, self.folder, now)
        self.tick(now)

    def tick(self, now: datetime) -> None:
        tick(self.world, now)
        while (due := next_tick(self.world)) is not None and due <= now:
            tick(self.world, now)
        deliver(self.world, now)

    def event(self, name: str, now: datetime) -> None:
        row = {"event": "bought", "customer": f"people:{name}", "at": now, "id": f"{name} {now}"}
        assert not take_in(self.engine, self.world.program, [row], now).refused
        self.tick(now)

    def rows(self, text: str) -> list[tuple[Any, ...]]:
        return self.engine.rows(query(text))

    def id(self, name: str) -> str:
        found = self.rows(f"SELECT k.customer FROM customer_key AS k WHERE k.key = '{name}'")
        return str(found[0][0])

    def sent(self, name: str) -> list[datetime | None]:
        rows = self.rows("SELECT o.customer, o.settled_at FROM outbox AS o ORDER BY o.created_at")
        return [at for customer, at in rows if customer == self.id(name)]

    def ended(self, name: str) -> list[tuple[Any, ...]]:
        rows = self.rows("SELECT p.customer, p.outcome, p.ended_at FROM passage AS p ORDER BY p.id")
        return [(outcome, at) for who, outcome, at in rows if who == self.id(name)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = Store(tmp_path)
    yield found
    found.engine.close()


@pytest.mark.slow
def test_who_comes_back_goes_on_where_they_stood(store: Store) -> None:
    store.deploy(program_of())
    store.load(NOW, *ALL)
    store.load(NOW + DAY, "bob", "eve")
    store.tick(NOW + 5 * DAY)
    assert store.sent("bob") and not store.sent("ana"), "the timer fell into the absence"
    assert store.ended("ana") == [(None, None)]
    store.load(NOW + 9 * DAY, *ALL)
    assert store.sent("ana") == [NOW + 9 * DAY]
    store.tick(NOW + 12 * DAY)
    assert store.ended("ana") == [("completed", NOW + 12 * DAY)]


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_move_people_lets_them_stand_still(store: Store, way: str) -> None:
    store.engine = WAYS[way].engine()
    store.world = deploy(store.engine, program_of(), NOW, WAYS[way].mover())
    store.load(NOW, *ALL)
    store.tick(NOW + 2 * DAY)
    store.load(NOW + 2 * DAY, "bob", "eve")
    store.tick(NOW + 4 * DAY)
    assert not store.sent("ana") and len(store.sent("bob")) == 1
    store.load(NOW + 4 * DAY, *ALL)
    assert store.sent("ana") == [NOW + 4 * DAY]


@pytest.mark.slow
def test_a_timer_that_is_not_due_on_return_is_kept(store: Store) -> None:
    store.deploy(program_of())
    store.load(NOW, *ALL)
    store.load(NOW + DAY, "bob", "eve")
    store.load(NOW + 2 * DAY, *ALL)
    assert not store.sent("ana")
    store.tick(NOW + 3 * DAY)
    assert store.sent("ana") == [NOW + 3 * DAY]


@pytest.mark.slow
def test_who_stays_away_leaves_as_gone(store: Store) -> None:
    store.deploy(program_of())
    store.load(NOW, *ALL)
    store.load(NOW + DAY, "bob", "eve")
    store.tick(NOW + 30 * DAY)
    assert store.ended("ana") == [(None, None)]
    assert next_tick(store.world) == NOW + 31 * DAY
    store.tick(NOW + 31 * DAY)
    assert store.ended("ana") == [("gone", NOW + 31 * DAY)]
    # Too late: they count as somebody who was inside.
    store.load(NOW + 40 * DAY, *ALL)
    assert next_work(store.world) is None
    assert store.ended("ana") == [("gone", NOW + 31 * DAY)] and not store.sent("ana")


@pytest.mark.slow
def test_how_long_they_may_be_away_is_a_setting(store: Store) -> None:
    store.deploy(program_of(profile="gone_after = 2 days"))
    store.load(NOW, *ALL)
    store.load(NOW + DAY, "bob", "eve")
    store.tick(NOW + 3 * DAY)
    assert store.ended("ana") == [("gone", NOW + 3 * DAY)]


@pytest.mark.slow
def test_a_simulation_ends_them_in_its_time(store: Store) -> None:
    store.deploy(program_of("one: wait 90 days"))
    store.load(NOW, *ALL)
    store.load(NOW + DAY, "bob", "eve")
    run_to(store.world, SimulatedClock(NOW + DAY), NOW + 60 * DAY, lambda at: None)
    assert store.ended("ana") == [("gone", NOW + 31 * DAY)]
    assert store.ended("bob") == [(None, None)]


@pytest.mark.slow
def test_their_queued_messages_wait_and_are_cancelled_at_the_end(store: Store) -> None:
    store.deploy(program_of("hello: send email hello\n one: wait 90 days"))
    people = "".join(f"{name},{name}@example.com\n" for name in ALL)
    (store.folder / "people.csv").write_text(f"id,email\n{people}")
    refresh_data(store.world, store.folder, NOW)
    tick(store.world, NOW)
    (store.folder / "people.csv").write_text(f"id,email\n{people.split(chr(10), 1)[1]}")
    refresh_data(store.world, store.folder, NOW + DAY)
    due = ways.due(store.engine, ways.Place("email"), NOW + DAY, 10)
    assert sorted(row.customer for row in due) == sorted([store.id("bob"), store.id("eve")])
    store.tick(NOW + DAY)
    assert store.sent("ana") == [None] and store.sent("bob") == [NOW + DAY]
    assert store.engine.rows(outbox.NEXT_DUE) == [(None,)], "nothing that could be done is due"
    store.tick(NOW + 31 * DAY)
    why = "SELECT o.outcome, o.reason FROM outbox AS o WHERE o.outcome <> 'delivered'"
    assert store.rows(why) == [("cancelled", "the customer is in no source any more")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("head", "steps"),
    [
        ("exit out on bought", "one: wait 90 days"),
        ("goal won on bought", "one: wait 90 days"),
        ("exit out when any(bought)", "one: wait 90 days"),
        ("goal won when any(bought)", "one: wait 90 days"),
        ("", "one: wait for bought up to 90 days { end out } else { end late }"),
        ("", "one: wait up to 90 days { when any(bought) { end out } }"),
    ],
)
def test_an_event_moves_nobody_who_is_away(store: Store, head: str, steps: str) -> None:
    store.deploy(program_of(steps, head))
    store.load(NOW, *ALL)
    store.load(NOW + DAY, "bob", "eve")
    store.event("ana", NOW + 2 * DAY)
    store.event("bob", NOW + 2 * DAY)
    assert store.ended("ana") == [(None, None)]
    assert store.ended("bob")[0][1] == NOW + 2 * DAY
    assert store.rows("SELECT v.customer FROM conversion AS v") in ([], [(store.id("bob"),)])


@pytest.mark.slow
def test_a_new_version_wakes_nobody_who_is_away(store: Store) -> None:
    store.deploy(program_of())
    store.load(NOW, *ALL)
    store.load(NOW + DAY, "bob", "eve")
    store.deploy(program_of("two: wait 3 days", "removed one then go to two"), NOW + 2 * DAY)
    store.tick(NOW + 2 * DAY)
    stands = "SELECT p.state FROM passage AS p WHERE p.customer = '{}'"
    assert store.rows(stands.format(store.id("ana"))) != store.rows(stands.format(store.id("bob")))
    store.load(NOW + 3 * DAY, *ALL)
    assert store.rows(stands.format(store.id("ana"))) == [("two",)]


@pytest.mark.slow
def test_who_comes_back_as_somebody_else_goes_on_as_well(store: Store) -> None:
    store.deploy(program_of())
    store.load(NOW, *ALL)
    store.load(NOW + DAY, "bob", "eve")
    # The record has Bob's address now, so both are one customer.
    store.load(NOW + 2 * DAY, "bob", "eve", rows="ana,bob@example.com\n")
    for days in (5, 10):
        store.tick(NOW + days * DAY)
    # Ana's passage is the earlier one (S26).
    assert sorted(outcome for outcome, _ in store.ended("bob")) == ["completed", "merged"]
    assert store.id("ana") == store.id("bob")


@pytest.mark.slow
def test_a_short_absence_gives_no_second_right_to_enter(store: Store) -> None:
    store.deploy(program_of("one: wait 1 day", "again always"))
    store.load(NOW, *ALL)
    store.load(NOW + DAY, "bob", "eve")
    store.load(NOW + 2 * DAY, *ALL)
    store.tick(NOW + 5 * DAY)
    assert len(store.ended("ana")) == 1


@pytest.mark.slow
def test_status_why_and_timeline_say_so(store: Store) -> None:
    program = program_of()
    store.deploy(program)
    store.load(NOW, *ALL)
    store.load(NOW + DAY, "bob", "eve")
    away = report(store.world, NOW + DAY).away
    assert (away.people, away.inside, away.first_end) == (1, 1, NOW + 31 * DAY)
    found = why(store.engine, program, store.id("ana"), "j", NOW + 2 * DAY)
    said = "stands still since 2026-03-03 10:00, because they are in no source any more"
    assert said in found.verdict and "leave as gone 2026-04-02 10:00" in found.verdict
    text = "\n".join(lines(timeline(store.engine, program, store.id("ana")), "UTC"))
    assert "2026-03-03 10:00        is in no source any more" in text
    assert "stands still at one, and leaves as gone 2026-04-02 10:00" in text


@pytest.mark.slow
def test_the_commands_find_who_is_away(tmp_path: Path, cij: Cij) -> None:
    text = TEXT.replace("STEPS", "one: wait 3 days").replace("HEAD", "").replace("PROFILE", "")
    toml = '[project]\nname = "x"\ntimezone = "UTC"\n[delivery.email]\nkind = "files"\n'
    (tmp_path / "cij.toml").write_text(toml + 'from = "a@example.com"\n')
    (tmp_path / "a.journey").write_text(text)
    people = "id,email\nbob,bob@example.com\neve,eve@example.com\n"
    (tmp_path / "people.csv").write_text(people + "ana,ana@example.com\n")
    assert cij("run", tmp_path, "--once").code == 0
    (tmp_path / "people.csv").write_text(people)
    done = cij("run", tmp_path, "--once")
    assert done.code == 0 and "1 customer is in no source any more" in done.out + done.err
    assert "In no source any more" in cij("status", tmp_path).out
    for command in (("why", "people:ana", "j"), ("timeline", "people:ana")):
        done = cij(*command, "--project", tmp_path)
        assert done.code == 0 and "in no source any more" in done.out, done.err
