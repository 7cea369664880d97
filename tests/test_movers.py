"""All movers do the same: plain = each strategy and pass alone = all together.

Compared over the drawn journeys of the agreement suite, and over small ones that reach every strategy.
"""

import shutil
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

import pytest

from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.compiler.program import Program
from cij.compiler.sql import query, row_locator
from cij.compiler.sql.passes import Facts, Pass
from cij.runtime import moments, zones
from cij.runtime.deploy import deploy
from cij.runtime.engine import open_engine
from cij.runtime.intake import take_in
from cij.runtime.moving.batch import Batch, Moved
from cij.runtime.moving.strategic import StrategicMover
from cij.runtime.moving.strategies.due_in_place import DueInPlace
from cij.runtime.moving.strategies.shared_plans import SharedPlans
from cij.runtime.segments import data_changed
from cij.runtime.tick import tick
from cij.runtime.world import World
from tests.agreement.comparing import drawn
from tests.agreement.running import Lines, compiled as compile_scenarios, traces
from tests.agreement.tick_times import Spacing
from tests.six_days import (
    CUSTOMERS,
    DATA,
    JOURNEYS,
    START,
    Kept,
    compiled,
    event,
    kept,
    six_days,
    world_of,
)
from tests.ways import ALL_PASSES, DEFAULT, PLAIN, WAYS, Way

# --- drawn journeys ---------------------------------------------------------------------------

_MOVE = query("UPDATE passage_row SET customer_row = customer_row + 1")
_ROWS = query(
    "SELECT COUNT(*) FROM passage AS p JOIN customer AS c ON c.id = p.customer "
    "WHERE p.ended_at IS NULL AND p.customer_row = c.rowid"
)
_INSIDE = query("SELECT COUNT(*) FROM passage AS p WHERE p.ended_at IS NULL")
_NO_FACTS = Facts(lambda table: False)

# Later than those that are compared with the interpreter.
_BATCH = 100


# (scenarios, customers of each, ticks). All ways together are compared with ticks in time. A single way is
# compared with fewer people and with late ticks, each of which has the work of days; the small journeys
# below compare it in time.
_TOGETHER = (1, 15, Spacing())
_ALONE_DRAWN = (1, 8, Spacing(late="days"))
_drawn = lru_cache(drawn)


def _traces(way: Way, count: int, customers: int, spacing: Spacing) -> Lines:
    found = _drawn(_BATCH)[:count]
    scenarios = [replace(s, customers=s.customers[:customers]) for s in found]
    program, _ = compile_scenarios(scenarios)
    assert program is not None
    return _sorted(traces(program, scenarios, spacing, way))


@lru_cache
def _plain_traces(count: int, customers: int, spacing: Spacing) -> Lines:
    return _traces(PLAIN, count, customers, spacing)


def _sorted(lines: Lines) -> Lines:
    # A store keeps no order of what happens at one instant.
    return {customer: sorted(found) for customer, found in lines.items()}


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_drawn_journeys_move_alike(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    monkeypatch.setattr(moments, "ONE_ZONE_MIN", 0)
    size = _TOGETHER if way.startswith("all for") else _ALONE_DRAWN
    assert _traces(WAYS[way], *size) == _plain_traces(*size)


# --- journeys that reach each strategy --------------------------------------------------------

# Its people end at one place, and those of the other journeys at several.
_ALONE = """
journey one { enter on visit  again always  goal won on bought where amount > 50
  steps { rest: wait 1 day
          if any(visit within last 30 hours) { first: send email hello } else { nudge: send email hello }
          end done } }
"""


# What they wait for is past when they come to it.
_PAST = """
journey past { enter on visit  again always
  steps { rest: wait 1 day
          over: wait until 2026-03-02 10:00
          first: send email hello
          day: wait 1 day
          end done } }
"""
_SMALL = {
    "all": JOURNEYS,
    "alone": _ALONE,
    "past": _PAST,
    "first": JOURNEYS[: JOURNEYS.index("journey a2")],
}


@lru_cache
def _plain_days(journeys: str, hours: int = 12) -> Kept:
    return six_days(compiled(_SMALL[journeys]), PLAIN, hours=hours)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "journeys"),
    [
        *((way, "all") for way in WAYS),
        *(("all for many", name) for name in _SMALL if name != "all"),
    ],
)
def test_small_journeys_move_alike(
    monkeypatch: pytest.MonkeyPatch, way: str, journeys: str
) -> None:
    monkeypatch.setattr(moments, "ONE_ZONE_MIN", 0)
    assert six_days(compiled(_SMALL[journeys]), WAYS[way]) == _plain_days(journeys)


def test_small_journeys_say_something() -> None:
    told, sent, _, goals = _plain_days("all")
    assert len(told) > 200 and len(goals) > 5
    assert {row[3] for row in sent} == {"capped", "no_consent", "no_address", "queued"}


@pytest.mark.slow
@pytest.mark.parametrize("is_moved", [False, True])
def test_row_locators_change_nothing(is_moved: bool) -> None:
    way = WAYS["few_of_many by hash and row"]
    found = six_days(compiled(), way, is_hashed=True, is_moved=is_moved)
    assert found == _plain_days("all")


class _CountedDue(DueInPlace):
    """Counts the people of each of its batches."""

    def __init__(self) -> None:
        super().__init__(customers_min=0)
        self.batches: list[int] = []

    def run(self, world: World, batch: Batch, moved: Moved) -> None:
        self.batches.append(batch.people)
        super().run(world, batch, moved)


@pytest.mark.slow
@pytest.mark.parametrize("journeys", ["alone", "past", "first"])
def test_people_are_due_in_place(journeys: str) -> None:
    due = _CountedDue()
    found = six_days(compiled(_SMALL[journeys]), Way(lambda: [due], ALL_PASSES), hours=8)
    assert found == _plain_days(journeys, hours=8)
    assert len(due.batches) > 2 and max(due.batches) > 2


def test_the_semi_join_pass_has_something_to_do() -> None:
    world = world_of(compiled(), Way(None, ALL_PASSES))
    plan = world.newest.journeys[2]
    picks = [region.pick for region in plan.regions.values()]
    facts, (first, semi_join) = Facts(lambda _: False, has_one_instant=True), _alone("semi_join")
    before = [found for each in picks if (found := first.run(each, facts)) is not None]
    changed = [semi_join.run(each, facts) for each in before]
    assert [a.text() for a in before] != [b.text() for b in changed if b is not None]


def _alone(name: str) -> tuple[Pass, ...]:
    return WAYS[f"pass {name}"].passes


_OPENED_BEFORE = """
journey late { enter on visit
  steps { first: send email hello
          rest: wait 1 day
          look: wait for opened(first) up to 2 days { thanks: send email hello }
          end done } }
"""
_FIRST = query(
    "SELECT o.customer, o.key FROM outbox AS o WHERE o.outcome = 'queued' ORDER BY o.key"
)


def _opening(program: Program, way: Way) -> Kept:
    """Return what is kept where some open their message before they wait for that."""
    world = world_of(program, way)
    rows = [event(n, "visit", START, page="x") for n in range(CUSTOMERS)]
    take_in(world.engine, program, rows, START)
    tick(world, START)
    opened = START + timedelta(hours=2)
    more = {"channel": "email", "event": "opened", "at": opened}
    sent = world.engine.rows(_FIRST)[::2]
    rows = [{"customer": who, "id": key, "message_key": key, **more} for who, key in sent]
    take_in(world.engine, program, rows, opened)
    tick(world, opened)
    tick(world, START + timedelta(days=1))
    return kept(world.engine)


@lru_cache
def _opened_before() -> tuple[Program, Kept]:
    program = compiled(_OPENED_BEFORE)
    return program, _opening(program, PLAIN)


@pytest.mark.parametrize("way", WAYS)
def test_those_who_are_due_meet_what_came_before_they_wait(way: str) -> None:
    program, plain = _opened_before()
    assert sum(row[5] == "thanks" for row in plain[0]) > 5
    assert _opening(program, WAYS[way]) == plain


# They go on alike, and differ in what was before or comes after.
_BOTH_SET = """
journey a { enter on visit
  steps { one: wait 1 day
          set visits = (visits ?? 0) + 1
          end done } }
journey b { enter on visit
  steps { first: send email hello
          one: wait 1 day
          set visits = (visits ?? 0) + 1
          end done } }
"""
_CUT = """
journey NAME {{ enter on visit
  steps {{ one: wait 1 day
          if points > 10 {{
            if points > 15 {{
              two: wait 1 day
              if points > 20 {{ {} }}
            }}
            x: set stage = "rich"
          }}
          last: send email hello
          end done }} }}
"""
_CUT_EACH = _CUT.format('s: set stage = "s"').replace("NAME", "a")
_CUT_EACH += _CUT.format("s: send email hello").replace("NAME", "b")
_VISITS = query("SELECT DISTINCT c.visits FROM customer AS c")


def _four_days(program: Program, way: Way) -> Kept:
    world = world_of(program, way)
    rows = [event(n, "visit", START, page="x") for n in range(CUSTOMERS)]
    take_in(world.engine, program, rows, START)
    for day in range(4):
        tick(world, START + timedelta(days=day))
    return [*kept(world.engine), world.engine.rows(_VISITS)]


@pytest.mark.slow
@pytest.mark.parametrize("journeys", [_BOTH_SET, _CUT_EACH])
def test_journeys_that_only_seem_to_go_on_alike(journeys: str) -> None:
    program = compiled(journeys)
    found = _four_days(program, PLAIN)
    assert found[-1] == ([(2,)] if journeys == _BOTH_SET else [(None,)])
    for way in ("shared_plans", "all for few", "all for many"):
        assert _four_days(program, WAYS[way]) == found, way


@pytest.mark.slow
def test_where_the_rows_of_customers_are() -> None:
    engine = open_engine(None, is_tiny=True)
    six_days(compiled(), DEFAULT, engine)
    inside = engine.rows(_INSIDE)
    assert inside > [(5,)] and engine.rows(_ROWS) == inside, "noted at the entry"
    engine.execute(_MOVE)
    assert engine.rows(_ROWS) == [(0,)]
    assert [(engine.execute(row_locator.NOTE_ROWS),)] == inside
    assert engine.rows(_ROWS) == inside and engine.execute(row_locator.NOTE_ROWS) == 0


@pytest.mark.slow
def test_few_of_many_are_in_the_log(tmp_path: Path) -> None:
    """What stands in the write-ahead log alone is there after a crash, each row once."""
    engine = open_engine(tmp_path / "state.duckdb")
    lived = six_days(compiled(), WAYS["few_of_many"], engine)
    for file in ("state.duckdb", "state.duckdb.wal"):
        shutil.copy(tmp_path / file, tmp_path / f"found-{file}")
    engine.close()
    found = open_engine(tmp_path / "found-state.duckdb")
    assert kept(found) == lived
    found.close()


def test_journeys_of_one_class_share_their_statements() -> None:
    program = compiled()
    world = world_of(program)
    take_in(world.engine, program, [event(1, "visit", START, page="x")], START)
    tick(world, START)
    tick(world, START + timedelta(days=2))
    assert len({plan.sharing.key for plan in world.journeys.values()}) == 2
    assert isinstance(world.mover, StrategicMover)
    (shared,) = [each for each in world.mover.strategies if isinstance(each, SharedPlans)]
    assert len(shared.plans) == 1


# --- entering ---------------------------------------------------------------------------------

_CROWD = query(
    """
INSERT INTO customer (id, zone, points, "consent.news.email")
SELECT CONCAT('c', (r.range * 7919) % $people), 'Europe/Madrid', 50, FALSE FROM RANGE($people) AS r
"""
)
_ENTER = """
journey crowd {
  enter from segment rich
  steps {
    wait 1 day
    end done
  }
}

segment rich {
  where points > 10
}
"""
_OUT_OF_ORDER = query(
    """
SELECT COUNT(*), MIN(q.id), MAX(q.id), COUNT(*) FILTER (q.customer <= q.before)
FROM (
  SELECT p.id, p.customer, LAG(p.customer) OVER (ORDER BY p.id ASC) AS before FROM passage AS p
  WHERE p.id > $after
) AS q
"""
)


@pytest.mark.slow
def test_numbers_are_dense_and_in_the_order_of_customers(tmp_path: Path) -> None:
    """Also where there are more than fit into one group of rows, and of a second wave."""
    people = 300_000
    text = DATA + _ENTER
    found = compile_project(ProjectSettings("w", "Europe/Madrid"), {"w.journey": text}, {}, {})
    assert found.program is not None, found.diagnostics
    engine = open_engine(tmp_path / "state.duckdb", threads=2)
    world = deploy(engine, found.program, START)
    zones.ensure(engine, ["Europe/Madrid"])
    engine.execute(_CROWD, {"people": people})
    assert tick(world, START).entered == people
    assert engine.rows(_OUT_OF_ORDER, {"after": 0}) == [(people, 1, people, 0)]
    late: dict[str, list[object]] = {"id": ["a", "z", "m"], "points": [99] * 3}
    late |= {"zone": ["Europe/Madrid"] * 3, "consent.news.email": [False] * 3}
    engine.append("customer", late)
    data_changed(world)
    assert tick(world, START + timedelta(hours=1)).entered == 3
    assert engine.rows(_OUT_OF_ORDER, {"after": people}) == [(3, people + 1, people + 3, 0)]
    engine.close()
