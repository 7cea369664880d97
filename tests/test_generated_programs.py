"""Programs drawn at random: each is diagnosed, or it compiles, deploys and runs by the rules.

CIJ_DRAWS=500 draws more of them.
"""

import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event as note, given, settings, strategies as st

from cij.compiler.compilation import Compilation, compile_project
from cij.compiler.model import ProjectSettings
from cij.compiler.program import Program, WaitState, from_json, to_json
from cij.compiler.sql import query
from cij.compiler.sql.interning import ENTERING, number_of
from cij.compiler.sql.plan import make_plan
from cij.compiler.verify import verify
from cij.runtime.clock import SimulatedClock
from cij.runtime.deploy import deploy
from cij.runtime.engine import open_engine
from cij.runtime.refresh import take_in
from cij.runtime.runner import refresh_data
from cij.runtime.simulate import run_to
from cij.runtime.store.keys import DOUBLE_MESSAGES
from cij.runtime.tick import tick
from cij.runtime.timers import last_tick
from cij.runtime.world import World
from tests.draws import draws
from tests.projects import HEAD, START, Arrival, arrivals, projects
from tests.strategies import programs

DAYS = 40
RESTARTS_EVERY = 5
SETTINGS = ProjectSettings("generated", "Europe/Madrid", "en")

PEOPLE = """\
id,email,first_name,language,timezone,points,balance,born,seen,vip,news
1,ana@example.com,Ana,es,Europe/Madrid,1500,20.50,1990-02-28,2026-03-01 09:00,true,yes
2,bob@example.com,Bob,en,America/New_York,900,,,2026-02-28 23:59,false,yes
3,,Cleo,es-MX,Asia/Tokyo,,199.99,2000-12-31,,,no
4,dan@example.com,,,,0,0,1990-02-28,2026-03-29 02:30,,
5,eva@example.com,Eva,fr,Nowhere/Atall,3,50,,,false,yes
"""


def compiled(text: str) -> Compilation:
    return compile_project(SETTINGS, {"a.journey": text}, {}, {})


@settings(max_examples=draws(30))
@given(st.data())
def test_any_file_of_the_grammar_is_compiled_or_diagnosed(data: st.DataObject) -> None:
    found = compiled(data.draw(programs()))
    assert (found.program is None) == any(d.is_error for d in found.diagnostics)


SLOW = settings(
    max_examples=draws(3),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.slow
@SLOW
@given(projects("segment"), arrivals(DAYS))
def test_any_project_entered_by_segments_runs_by_the_rules_or_is_diagnosed(
    text: str, events: list[Arrival]
) -> None:
    check_project(text, events)


@pytest.mark.slow
@SLOW
@given(projects("event"), arrivals(DAYS))
def test_any_project_entered_by_events_runs_by_the_rules_or_is_diagnosed(
    text: str, events: list[Arrival]
) -> None:
    check_project(text, events)


def check_project(text: str, events: list[Arrival]) -> None:
    found = compiled(text)
    assert (found.program is None) == any(d.is_error for d in found.diagnostics)
    note("a program" if found.program else f"diagnosed {found.diagnostics[0].code}")
    if found.program is None:
        return
    check_program(found.program)
    first = outcome_of(found.program, events, is_disturbed=False)
    assert outcome_of(found.program, events, is_disturbed=True) == first


def check_program(program: Program) -> None:
    for journey in program.journeys:
        verify(journey)
    assert make_plan(program).program_hash == program.hash
    assert from_json(to_json(program)) == program


# --- running ----------------------------------------------------------------------------------

_OUTBOX_KEYS = query("SELECT o.key FROM outbox AS o ORDER BY o.key")


def outcome_of(
    program: Program, events: Sequence[Arrival], *, is_disturbed: bool
) -> dict[str, list[Any]]:
    """Run from nothing to the end, check the rules, and return all rows.

    Disturbed: deployed again now and then, as after a restart, with ticks when nothing is due.
    """
    engine = open_engine(None, threads=1)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "people.csv").write_text(PEOPLE, encoding="utf-8")
        world = deploy(engine, program, START)
        refresh_data(world, Path(folder), START)
    clock = SimulatedClock(START)
    for number, one in enumerate(events):
        run_to(world, clock, one.now, lambda _: None)
        if is_disturbed and number % RESTARTS_EVERY == 0:
            world = deploy(engine, program, one.now)
        # A tick between the event and its arrival would make it late: it would act when it arrived (S25).
        if is_disturbed and not (last_tick(world) or START) <= one.at < one.now:
            tick(world, one.now)
        hand_in(world, one, number)
    run_to(world, clock, START + timedelta(days=DAYS), lambda _: None)
    check_rules(world, clock.now())
    rows = {table: sorted(engine.rows(statement), key=repr) for table, statement in TABLES.items()}
    engine.close()
    return rows


def hand_in(world: World, one: Arrival, number: int) -> None:
    keys = [key for (key,) in world.engine.rows(_OUTBOX_KEYS)]
    row: dict[str, Any] = {"event": one.event, "id": f"e{number}", "at": one.at}
    row |= {"customer": f"people:{one.customer + 1}", "fields": one.fields}
    if one.event in ("opened", "unsubscribed"):
        row["channel"] = "email"
        row |= {"message_key": keys[one.of % len(keys)]} if keys else {}
    taken = take_in(world.engine, world.program, [row], one.now)
    assert not taken.refused


# --- the rules --------------------------------------------------------------------------------

TABLES = {
    name: query(f"SELECT * FROM {name}")
    for name in ("passage", "history", "outbox", "conversion", "segment_member", "counter")
}

# Each finds rows that break a rule.
RULES = {
    "a key stands once in the outbox (S19)": DOUBLE_MESSAGES,
    "who is inside has a timer, who left has none": query(
        "SELECT p.id FROM passage AS p WHERE (p.ended_at IS NULL) = (p.wake_at IS NULL) "
        "OR (p.ended_at IS NULL) <> (p.outcome IS NULL) OR p.wake_at < p.since"
    ),
    "history ends where the passage stands": query(
        "SELECT p.id FROM passage AS p WHERE p.state NOT IN (SELECT h.state FROM history AS h "
        "WHERE h.passage = p.id AND h.at = (SELECT MAX(g.at) FROM history AS g "
        "WHERE g.passage = p.id))"
    ),
    "nothing is sent after the end": query(
        "SELECT o.key FROM outbox AS o JOIN passage AS p ON p.id = o.passage "
        "WHERE o.created_at > p.ended_at OR o.created_at < p.entered_at"
    ),
    "a message is a step of the history": query(
        "SELECT o.key FROM outbox AS o WHERE NOT EXISTS(SELECT 1 FROM history AS h "
        "WHERE h.passage = o.passage AND h.state = o.step AND h.at = o.created_at)"
    ),
    "one passage at a time (S7)": query(
        "SELECT p.id FROM passage AS p JOIN passage AS q ON q.journey = p.journey "
        "AND q.customer = p.customer AND q.entry_key = p.entry_key AND q.id > p.id "
        "WHERE p.ended_at IS NULL OR p.ended_at > q.entered_at"
    ),
    "a goal counts once a passage": query(
        "SELECT v.passage FROM conversion AS v GROUP BY v.passage, v.goal HAVING COUNT(*) > 1"
    ),
    "who left by a goal has converted (S8)": query(
        "SELECT p.id FROM passage AS p WHERE p.cause = 'goal' AND NOT EXISTS("
        "SELECT 1 FROM conversion AS v WHERE v.passage = p.id)"
    ),
    "the held out get nothing (S9)": query(
        "SELECT o.key FROM outbox AS o JOIN passage AS p ON p.id = o.passage "
        "WHERE p.is_held_out <> (o.outcome = 'withheld')"
    ),
    "no address, no delivery": query(
        "SELECT o.key FROM outbox AS o WHERE o.outcome IN ('queued', 'delivered') "
        "AND COALESCE(o.address, '') = ''"
    ),
    "parameters are JSON": query(
        "SELECT o.key FROM outbox AS o WHERE NOT JSON_VALID(o.parameters) OR o.parameters IS NULL"
    ),
    "nobody is left half way": query(
        "SELECT p.id FROM passage AS p WHERE p.state LIKE ':%' OR p.state LIKE 'gate:%'"
    ),
}
_STANDING = query(
    "SELECT DISTINCT p.journey, p.state, p.ended_at IS NULL FROM passage AS p ORDER BY 1, 2"
)
_SENT = query(
    "SELECT p.journey, o.step, o.passage, COUNT(*) FROM outbox AS o "
    "JOIN passage AS p ON p.id = o.passage GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
)
_VISITED = query(
    "SELECT p.journey, h.state, h.passage, COUNT(*) FROM history AS h "
    "JOIN passage AS p ON p.id = h.passage GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
)
_NEVER_AGAIN = query(
    "SELECT p.customer FROM passage AS p WHERE p.journey = $journey "
    "GROUP BY p.customer, p.entry_key HAVING COUNT(*) > 1"
)


def check_rules(world: World, now: datetime) -> None:
    engine, program = world.engine, world.program
    for rule, statement in RULES.items():
        assert not engine.rows(statement), rule
    journeys = {j.name: j for j in program.journeys}
    for name, state, is_inside in engine.rows(_STANDING):
        assert isinstance(journeys[name].state(state), WaitState) == is_inside
    for journey in program.journeys:
        assert journey.again != "never" or not engine.rows(_NEVER_AGAIN, {"journey": journey.name})
    # Two journeys may call different steps alike.
    steps = {(j.name, s.id) for j in program.journeys for s in j.states if s.kind == "act"}
    visited = [row for row in engine.rows(_VISITED) if row[:2] in steps]
    assert engine.rows(_SENT) == visited, "every visit of a send is a row of the outbox"


# --- the rules themselves ---------------------------------------------------------------------

STEPS = """
journey j {
  enter on purchase
  goal won on visited
  steps {
    first: send email hello
    pause: wait 3 days
    second: send email hello
  }
}
"""

# What breaks each rule, in a store where somebody waits and somebody has left by the goal.
BREAKS = {
    "a key stands once in the outbox (S19)": "INSERT INTO outbox_row SELECT * FROM outbox_row",
    "who is inside has a timer, who left has none": (
        "UPDATE passage_row SET wake_at = NULL WHERE ended_at IS NULL"
    ),
    "history ends where the passage stands": (
        f"UPDATE passage_row SET state = {number_of('completed')}"
    ),
    "nothing is sent after the end": "UPDATE outbox_row SET created_at = created_at + INTERVAL 9 DAY",
    "a message is a step of the history": "UPDATE effect SET step = 'second'",
    "one passage at a time (S7)": (
        "INSERT INTO passage_row SELECT * REPLACE (id + 10 AS id) FROM passage_row"
    ),
    "a goal counts once a passage": "INSERT INTO conversion SELECT * FROM conversion",
    "who left by a goal has converted (S8)": "DELETE FROM conversion",
    "the held out get nothing (S9)": "UPDATE passage_row SET is_held_out = TRUE",
    "no address, no delivery": "UPDATE outbox_row SET address = NULL",
    "parameters are JSON": "UPDATE outbox_row SET parameters = '{'",
    "nobody is left half way": f"UPDATE passage_row SET state = {number_of(ENTERING)}",
}


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
def test_a_broken_rule_is_seen(rule: str) -> None:
    found = compiled(HEAD + STEPS).program
    assert found is not None
    engine = open_engine(None)
    world = deploy(engine, found, START)
    prepared(world)
    check_rules(world, START)
    engine.execute(query(BREAKS[rule]))
    assert engine.rows(RULES[rule])
    engine.close()


def prepared(world: World) -> None:
    """Have two customers enter, and one of them reach the goal."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "people.csv").write_text(PEOPLE, encoding="utf-8")
        refresh_data(world, Path(folder), START)
    later = START + timedelta(hours=1)
    for number, (customer, event, at) in enumerate(
        [(0, "purchase", START), (1, "purchase", START), (1, "visited", later)]
    ):
        hand_in(world, Arrival(at, at, event, customer, 0, {}), number)
        tick(world, at)
