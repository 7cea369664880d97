"""Which instants a backtest looks at, what that costs, and what it tells besides days."""

import gc
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cij.compiler.sql.template import Statement
from cij.runtime.backtest import Backtest, backtest
from cij.runtime.deploy import deploy
from cij.runtime.engine import open_engine
from cij.runtime.refresh import take_in
from cij.runtime.simulate import Progress
from tests.testbed import DAY, HOUR, program_of

START = datetime(2026, 3, 2)
LARGE = """
journey large {
  enter on purchase where amount > 100 EUR
  again always
  steps {
    w: wait for visit up to 1 day {
      end seen
    }
    send email first
  }
}
"""
ONCE_A_DAY = """
journey often {
  enter on visit
  again always
  steps {
    rest: wait 10 minutes
  }
}
"""
Event = tuple[str, str, datetime, dict[str, object]]


def replayed(
    folder: Path, text: str, *events: Event, progress: Progress = lambda at: None
) -> Backtest:
    program = program_of(text)
    rows = "".join(f"{who},{who}@example.com\n" for who in sorted({e[1] for e in events}))
    (folder / "people.csv").write_text("id,email\n" + rows)
    with closing(open_engine(None)) as engine:
        world = deploy(engine, program, START)
        given = [
            {"event": name, "customer": f"people:{who}", "at": at, "id": f"{n}", "fields": fields}
            for n, (name, who, at, fields) in enumerate(events)
        ]
        assert not take_in(engine, world.program, given, START + 30 * DAY).refused
        end = START + 30 * DAY
        return backtest(engine, program, folder, START, end, progress, {})


def bought(who: str, at: datetime, amount: str) -> Event:
    return ("purchase", who, at, {"amount": amount})


def test_events_that_no_where_lets_through_are_no_instants(tmp_path: Path) -> None:
    events = [bought("ana", START + n * HOUR, "5") for n in range(1, 90)]
    events += [bought("ana", START + DAY, "500"), bought("bob", START + 2 * DAY, "500")]
    found = replayed(tmp_path, LARGE, *events)
    assert found.events == 2
    assert sum(c.count for c in found.course.days if c.what == "entered") == 2
    # The events, and the timers of those who entered.
    assert found.course.ticks < 12


READS = {
    "a segment": """
segment big {
  where spent > 100 EUR
}
journey any {
  enter from segment big
  steps {
    end
  }
}
""",
    "another entry": """
journey any {
  enter on purchase where amount > 1 EUR
  steps {
    end
  }
}
""",
    "an exit that reads the customer": """
journey any {
  enter on visit
  exit on purchase where customer.points > 1
  steps {
    wait 1 day
  }
}
""",
    "an exit by condition": """
journey any {
  enter on visit
  exit when count(purchase) > 3
  steps {
    wait 1 day
  }
}
""",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", READS)
def test_what_another_condition_reads_is_looked_at(tmp_path: Path, name: str) -> None:
    events = [bought("ana", START + n * HOUR, "5") for n in range(1, 9)]
    assert replayed(tmp_path, LARGE + READS[name], *events).events == 8


def test_a_condition_of_a_step_makes_no_instants(tmp_path: Path) -> None:
    """It reads what has happened by then, whenever it is asked."""
    asks = LARGE.replace(
        "    send email", "    if count(visit) > 2 {\n      end\n    }\n    send email"
    )
    asks = asks.replace("w: wait for visit up to 1 day {\n      end seen\n    }", "w: wait 1 day")
    visits: list[Event] = [("visit", "ana", START + n * HOUR, {}) for n in range(1, 20)]
    found = replayed(tmp_path, asks, bought("ana", START + DAY, "500"), *visits)
    assert found.events == 1
    ended = {c.name: c.count for c in found.course.days if c.what == "ended"}
    assert ended == {"completed": 1}
    assert not [c for c in found.course.days if c.what == "sent"]


@pytest.mark.slow
def test_memory_does_not_grow_with_instants(tmp_path: Path) -> None:
    """Engines keep what they know of each statement, so none may be made anew at every instant."""
    visits: list[Event] = [("visit", "ana", START + n * HOUR, {}) for n in range(1, 40)]
    counts: list[int] = []

    def look(at: datetime) -> None:
        ticks[0] += 1
        if ticks[0] in (20, 60):
            gc.collect()
            counts.append(sum(isinstance(each, Statement) for each in gc.get_objects()))

    ticks = [0]
    replayed(tmp_path, ONCE_A_DAY, *visits, progress=look)
    few, many = counts
    assert many - few < 10, f"{many - few} statements were made for 40 more instants"


@pytest.mark.slow
def test_it_tells_people_and_where_they_left(tmp_path: Path) -> None:
    visits: list[Event] = [("visit", "ana", START + n * DAY, {}) for n in range(1, 4)]
    course = replayed(tmp_path, ONCE_A_DAY, *visits, ("visit", "bob", START + DAY, {})).course
    assert {(p.journey, p.people) for p in course.people} == {("", 2), ("often", 2)}
    assert sum(c.count for c in course.days if c.what == "entered") == 4
    assert [(x.step, x.outcome, x.passages) for x in course.left] == [("rest", "completed", 4)]
    at_once = ONCE_A_DAY.replace("    rest: wait 10 minutes\n", "    end done\n")
    [left] = replayed(tmp_path, at_once, *visits).course.left
    assert (left.step, left.outcome, left.passages) == ("", "done", 3)


@pytest.mark.slow
def test_it_says_when_it_is_approximate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    visits: list[Event] = [("visit", "ana", START + n * HOUR, {}) for n in range(1, 9)]
    assert replayed(tmp_path, ONCE_A_DAY, *visits).every == timedelta(seconds=1)
    monkeypatch.setattr("cij.runtime.backtest.LOOKS_MAX", 3)
    assert replayed(tmp_path, ONCE_A_DAY, *visits).every == timedelta(hours=1)
