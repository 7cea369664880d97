"""Waves: journeys that move together, by shared statements or over few customers, do what they do alone."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cij.runtime.aside import _at_one_rest

from cij.compiler.compilation import compile_project
from cij.compiler.model import ProjectSettings
from cij.compiler.program import Program
from cij.compiler.sql import Statement, query, row_locator
from cij.compiler.sql.passes.semi_join import for_many
from cij.runtime import aside, moments, wave, zones
from cij.runtime.deploy import deploy
from cij.runtime.engine import Engine, open_engine
from cij.runtime.intake import take_in
from cij.runtime.segments import data_changed
from cij.runtime.tick import tick
from cij.runtime.timers import next_timer
from cij.runtime.world import Due, World

START = datetime(2026, 3, 2, 9)
CUSTOMERS = 24

DATA = """
source shop { kind = csv  path = "shop.csv"  key = id
  columns { id = text  email = text  points = integer } }
profile customer {
  from shop { email = email  points = points  consent.news = points > 0 }
  fields { stage = text  visits = integer }
}
topic news { channels = [email]  consent = opt_in }
event visit { fields { page = text } }
event bought { fields { amount = decimal } }
policy calm { at most 2 email per 7 days }
message email hello { topic = news
  locale "en" { subject = "Hello"  body = "You have {{ points | default: 0 }} points." } }
"""
# The first and the last are of one form; the other stands between them by its name.
JOURNEYS = """
journey a1 { enter on visit  again always  goal won on bought where amount > 50
  steps { first: send email hello
          look: wait for opened(first) up to 2 days
          if points > 12 { set stage = "rich" } else { nudge: send email hello }
          day: wait 1 day
          end done } }
journey a2 { enter on visit  again always  goal won on bought where amount > 50
  steps { first: send email hello
          look: wait for opened(first) up to 2 days
          if points > 12 { set stage = "rich" } else { nudge: send email hello }
          day: wait 1 day
          end done } }
journey a1b { enter on visit  again always
  steps { if points > 15 { thanks: send email hello }
          rest: wait 3 days
          if stage = "rich" and any(visit within last 60 hours) { more: send email hello }
          end done } }
"""
_TOLD = query(
    "SELECT p.journey, p.customer, p.id, h.at, h.n, h.state, h.why, h.event FROM history AS h "
    "JOIN passage AS p ON p.id = h.passage ORDER BY ALL"
)
_SENT = query(
    "SELECT o.key, o.journey, o.version, o.outcome, o.reason FROM outbox AS o ORDER BY ALL"
)
_MOVE = query("UPDATE passage_row SET customer_row = customer_row + 1")
_ROWS = query(
    "SELECT COUNT(*) FROM passage AS p JOIN customer AS c ON c.id = p.customer "
    "WHERE p.ended_at IS NULL AND p.customer_row = c.rowid"
)
_INSIDE = query("SELECT COUNT(*) FROM passage AS p WHERE p.ended_at IS NULL")
_STAND = query("SELECT p.* EXCLUDE (at_entry, customer_row) FROM passage AS p ORDER BY p.id")
_GOALS = query("SELECT v.* FROM conversion AS v ORDER BY ALL")
_FIRST_TIMER = query("SELECT MIN(p.wake_at) FROM passage AS p")


def _program(journeys: str = JOURNEYS) -> Program:
    found = compile_project(
        ProjectSettings("waves", "Europe/Madrid"), {"w.journey": DATA + journeys}, {}, {}
    )
    assert found.program is not None, found.diagnostics
    return found.program


def _world(program: Program, engine: Engine | None = None) -> World:
    world = deploy(engine or open_engine(None, is_tiny=True), program, START)
    zones.ensure(world.engine, ["Europe/Madrid"])
    columns: dict[str, list[object]] = {
        "id": [f"c{n}" for n in range(CUSTOMERS)],
        "zone": ["Europe/Madrid"] * CUSTOMERS,
        "email": [f"c{n}@example.com" if n % 7 else None for n in range(CUSTOMERS)],
        "points": list(range(CUSTOMERS)),
        "consent.news.email": [n % 5 > 0 for n in range(CUSTOMERS)],
    }
    world.engine.append("customer", columns)
    return world


def _event(n: int, name: str, at: datetime, **fields: object) -> dict[str, object]:
    return {"event": name, "customer": f"c{n}", "at": at, "id": f"{name} {n} {at}", **fields}


def _lived(
    program: Program,
    engine: Engine | None = None,
    *,
    is_marked: bool = False,
    is_moved: bool = False,
) -> list[list[tuple[object, ...]]]:
    """Return all that is kept of six days in which some come again, buy, or open what they got."""
    world = _world(program, engine)
    if is_marked:
        assert world.engine.execute(row_locator.SET_ID_HASHES) == CUSTOMERS
        assert world.engine.execute(row_locator.SET_ID_HASHES) == 0
    for hour in range(0, 136, 8):
        at = START + timedelta(hours=hour)
        rows = [_event(n, "visit", at, page="x") for n in range(CUSTOMERS) if n % 30 == hour / 8]
        rows += [_event(n, "visit", at, page="y") for n in range(CUSTOMERS) if n % 9 == hour / 8]
        rows += [_event(n, "bought", at, amount=n * 3) for n in range(hour // 8, CUSTOMERS, 11)]
        if is_moved:
            world.engine.execute(_MOVE)
        if rows:
            take_in(world.engine, program, rows, at)
        tick(world, at)
        assert next_timer(world) == world.engine.rows(_FIRST_TIMER)[0][0]
    return _kept(world.engine)


def _kept(engine: Engine) -> list[list[tuple[object, ...]]]:
    return [engine.rows(statement) for statement in (_TOLD, _SENT, _STAND, _GOALS)]


Patch = pytest.MonkeyPatch


def _never(customers: str) -> Statement:
    raise AssertionError(f"all customers are looked at for {customers}")


def test_all_ways_to_move_are_one(monkeypatch: Patch) -> None:
    program = _program()
    with monkeypatch.context() as patch:
        patch.setattr(wave, "_form_of", lambda plan: plan.version)
        patch.setattr(wave, "_way_of", lambda plan, root: f"{plan.version} {root}")
        alone = _lived(program)
    told, sent, *_ = alone
    assert len(told) > 200
    assert {row[3] for row in sent} == {"capped", "no_consent", "no_address", "queued"}
    assert _lived(program) == alone, "journeys of one form together"
    with monkeypatch.context() as patch:
        changed = list[bool]()

        def at_once(statement: Statement) -> Statement:
            changed.append(for_many(statement).text() != statement.text())
            return for_many(statement)

        patch.setattr(wave, "_CROWD_MIN", 0)
        patch.setattr(wave, "for_many", at_once)
        patch.setattr(moments, "_CUSTOMERS_MIN", 0)
        assert _lived(program) == alone, "and very many, all in one zone"
    assert any(changed)
    monkeypatch.setattr(aside, "_CUSTOMERS_MIN", 0)
    monkeypatch.setattr(aside, "_SHARE_MAX", 1_000)
    assert _lived(program) == alone, "and few of many customers"
    monkeypatch.setattr(aside, "_SHARE_OF_BLOCKS", 1_000)
    assert _lived(program) == alone, "and very few, of whom nobody has a mark"
    marked = open_engine(None, is_tiny=True)
    monkeypatch.setattr(aside, "_by_id", _never)
    assert _lived(program, marked, is_marked=True) == alone, "and very few, by rows and marks"
    moved = open_engine(None, is_tiny=True)
    assert _lived(program, moved, is_marked=True, is_moved=True) == alone, "their rows elsewhere"


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


@pytest.mark.parametrize("journey", [_ALONE, _PAST, JOURNEYS[: JOURNEYS.index("journey a2")]])
def test_those_who_are_due_are_moved_where_they_stand(monkeypatch: Patch, journey: str) -> None:
    program, found = _program(journey), list[int]()
    woken = _lived(program)

    def at_one_rest(world: World, now: datetime) -> Due | None:
        due = _at_one_rest(world, now)
        found.extend([due.people] if due else [])
        return due

    monkeypatch.setattr(aside, "_CUSTOMERS_MIN", 0)
    monkeypatch.setattr(aside, "_SHARE_MAX", 1.1 / CUSTOMERS)
    monkeypatch.setattr(aside, "_at_one_rest", at_one_rest)
    assert _lived(program) == woken
    assert len(found) > 2 and max(found) > 2
    monkeypatch.setattr(wave, "_CROWD_MIN", 0)
    assert _lived(program) == woken, "and very many of them"


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


def _opening(program: Program) -> list[list[tuple[object, ...]]]:
    """Return what is kept where some open their message before they wait for that."""
    world = _world(program)
    rows = [_event(n, "visit", START, page="x") for n in range(CUSTOMERS)]
    take_in(world.engine, program, rows, START)
    tick(world, START)
    opened = START + timedelta(hours=2)
    more = {"channel": "email", "event": "opened", "at": opened}
    sent = world.engine.rows(_FIRST)[::2]
    rows = [{"customer": who, "id": key, "message_key": key, **more} for who, key in sent]
    take_in(world.engine, program, rows, opened)
    tick(world, opened)
    tick(world, START + timedelta(days=1))
    return _kept(world.engine)


def test_those_who_are_due_meet_what_came_before_they_wait(monkeypatch: Patch) -> None:
    program = _program(_OPENED_BEFORE)
    woken = _opening(program)
    assert sum(row[5] == "thanks" for row in woken[0]) > 5
    monkeypatch.setattr(aside, "_CUSTOMERS_MIN", 0)
    monkeypatch.setattr(aside, "_SHARE_MAX", 1.1 / CUSTOMERS)
    assert _opening(program) == woken


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


@pytest.mark.parametrize("journeys", [_BOTH_SET, _CUT_EACH])
def test_journeys_that_only_seem_to_go_on_alike(monkeypatch: Patch, journeys: str) -> None:
    program = _program(journeys)

    def lived() -> list[list[tuple[object, ...]]]:
        world = _world(program)
        rows = [_event(n, "visit", START, page="x") for n in range(CUSTOMERS)]
        take_in(world.engine, program, rows, START)
        for day in range(4):
            tick(world, START + timedelta(days=day))
        return [*_kept(world.engine), world.engine.rows(_VISITS)]

    found = lived()
    assert found[-1] == ([(2,)] if journeys == _BOTH_SET else [(None,)])
    monkeypatch.setattr(wave, "_way_of", lambda plan, root: f"{plan.version} {root}")
    assert lived() == found


def test_where_the_rows_of_customers_are() -> None:
    engine = open_engine(None, is_tiny=True)
    _lived(_program(), engine)
    inside = engine.rows(_INSIDE)
    assert inside > [(5,)] and engine.rows(_ROWS) == inside, "noted at the entry"
    engine.execute(_MOVE)
    assert engine.rows(_ROWS) == [(0,)]
    assert [(engine.execute(row_locator.NOTE_ROWS),)] == inside
    assert engine.rows(_ROWS) == inside and engine.execute(row_locator.NOTE_ROWS) == 0


def test_few_of_many_are_in_the_log(monkeypatch: Patch, tmp_path: Path) -> None:
    """What stands in the write-ahead log alone is there after a crash, each row once."""
    monkeypatch.setattr(aside, "_CUSTOMERS_MIN", 0)
    monkeypatch.setattr(aside, "_SHARE_MAX", 1_000)
    engine = open_engine(tmp_path / "state.duckdb")
    lived = _lived(_program(), engine)
    for file in ("state.duckdb", "state.duckdb.wal"):
        shutil.copy(tmp_path / file, tmp_path / f"found-{file}")
    engine.close()
    found = open_engine(tmp_path / "found-state.duckdb")
    assert _kept(found) == lived
    found.close()


def test_journeys_of_one_form_share_their_statements() -> None:
    program = _program()
    world = _world(program)
    take_in(world.engine, program, [_event(1, "visit", START, page="x")], START)
    tick(world, START)
    tick(world, START + timedelta(days=2))
    assert len({plan.form.key for plan in world.journeys.values()}) == 2
    assert len(world.forms) == 1


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
