"""`cij backtest` and what `cij simulate` tells besides days.

The evidence: over the events of a run, a backtest of the same program gives the same history, instant
by instant, and the same messages.
"""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cij.app.compile import compiled
from cij.compiler.program import Program
from cij.compiler.sql import query
from cij.runtime import suppression
from cij.runtime.activity import HourCount
from cij.runtime.backtest import Backtest, backtest
from cij.runtime.clock import SimulatedClock
from cij.runtime.deploy import deploy
from cij.runtime.engine import Row, open_copy, open_engine
from cij.runtime.intake import take_in
from cij.runtime.runner import refresh_data
from cij.runtime.simulate import run_to, simulate
from cij.runtime.store import past, schema
from cij.runtime.world import World
from tests.conftest import Golden
from tests.example import copy_example, inside, replace

START = datetime(2026, 3, 2, 9, 0)
END = START + timedelta(days=20)
_HISTORY = query(
    "SELECT h.at, p.customer, p.journey, h.state, h.why FROM history AS h "
    "JOIN passage AS p ON p.id = h.passage ORDER BY ALL"
)
_MESSAGES = query(
    "SELECT o.customer, o.journey, o.step, o.message, o.created_at, o.outcome, o.reason "
    "FROM outbox AS o ORDER BY ALL"
)
_SENT = query(
    "SELECT o.key, o.customer FROM outbox AS o WHERE o.step = 'reward' AND o.outcome = 'delivered' "
    "ORDER BY o.customer"
)


def _nothing(at: datetime) -> None:
    pass


def _ran(folder: Path) -> tuple[Program, list[Row], list[Row]]:
    """Run some weeks in a store; return its history and its messages."""
    (folder / ".cij").mkdir()
    _, program = compiled(folder)
    with closing(open_engine(folder / ".cij" / "state.duckdb")) as engine:
        world = deploy(engine, program, START)
        refresh_data(world, folder, START)
        clock = SimulatedClock(START)
        run_to(world, clock, START + timedelta(minutes=10), _nothing)
        for number, (key, customer) in enumerate(engine.rows(_SENT)):
            run_to(world, clock, clock.now() + timedelta(hours=7, minutes=number), _nothing)
            _react(world, clock, number, key, customer)
        run_to(world, clock, END, _nothing)
        return program, engine.rows(_HISTORY), engine.rows(_MESSAGES)


def _react(world: World, clock: SimulatedClock, number: int, key: str, customer: str) -> None:
    """Some open, some buy, some leave; some do nothing."""
    events: tuple[dict[str, object], ...] = (
        {"event": "opened", "message_key": key},
        {"event": "unsubscribed", "channel": "email", "fields": {"topic": "rewards"}},
        {"event": "purchase", "fields": {"amount": "12.50", "coupon": "LOYAL20"}},
    )
    if number % 4 < len(events):
        row = {**events[number % 4], "customer": customer, "at": clock.now(), "id": f"e{number}"}
        assert take_in(world.engine, world.program, [row], clock.now()).accepted == 1


def _replayed(folder: Path, program: Program) -> tuple[Backtest, list[Row], list[Row]]:
    with closing(open_copy(folder / ".cij" / "state.duckdb")) as engine:
        found = backtest(engine, program, folder, START, END, _nothing, {})
        return found, engine.rows(_HISTORY), engine.rows(_MESSAGES)


@pytest.mark.slow
def test_a_backtest_of_what_ran_gives_what_happened(tmp_path: Path) -> None:
    folder = copy_example(tmp_path)
    program, history, messages = _ran(folder)
    found, history_again, messages_again = _replayed(folder, program)
    assert history_again == history
    assert messages_again == messages
    outcomes = {state for _, _, _, state, _ in history}
    assert {"thanks", "nudge", "exit:opted_out", "goal:redeemed"} <= outcomes, outcomes
    assert found.events > 6


@pytest.mark.slow
def test_a_backtest_tells_what_another_text_would_have_done(tmp_path: Path) -> None:
    folder = copy_example(tmp_path)
    _, _, messages = _ran(folder)
    replace(folder / "journeys" / "loyalty.journey", "points > 1000", "points > 2000")
    _, program = compiled(folder)
    _, _, again = _replayed(folder, program)
    assert 0 < len(again) < len(messages)
    assert {row[0] for row in again} < {row[0] for row in messages}


@pytest.mark.slow
def test_who_was_on_the_suppression_list_gets_nothing_from_then_on(tmp_path: Path) -> None:
    folder = copy_example(tmp_path)
    program, _, messages = _ran(folder)
    sent = [row for row in messages if row[5] == "delivered"]
    first, last = (find(sent, key=lambda row: row[4]) for find in (min, max))
    with closing(open_engine(folder / ".cij" / "state.duckdb")) as engine:
        for (customer, *_), at in ((first, START - timedelta(days=3)), (last, END)):
            said = {"suppress": "add", "customer": customer, "reason": "asked"}
            assert suppression.apply(engine, said, at).count == 1
    _, _, again = _replayed(folder, program)
    outcomes = {row[:4]: row[5] for row in again}
    assert outcomes[first[:4]] == "suppressed"
    assert outcomes[last[:4]] == "delivered", "only from its instant on"


@pytest.mark.slow
def test_looking_in_steps_changes_no_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copy_example(tmp_path)
    program, history, _ = _ran(folder)
    monkeypatch.setattr("cij.runtime.backtest.LOOKS_MAX", 4)
    found, again, _ = _replayed(folder, program)
    assert found.every == timedelta(hours=1)
    assert sorted(row[1:] for row in again) == sorted(row[1:] for row in history)
    assert again != history


# --- the command ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = copy_example(tmp_path_factory.mktemp("backtest"))
    replace(folder / "cij.toml", "[delivery.email]", "[delivery.email]\nper_hour = 3")
    _ran(folder)
    yield folder


_PERIOD = ("--from", "2026-03-02 10:00", "--to", "2026-03-20")


@pytest.mark.slow
def test_the_command_tells_days_people_hours_and_reasons(project: Path, golden: Golden) -> None:
    code, out, err = inside("backtest", *_PERIOD, "--project", str(project))
    assert code == 0, err
    golden("backtest/loyalty.txt", "\n".join(line.rstrip() for line in out.splitlines()) + "\n")


@pytest.mark.slow
def test_the_json_agrees_with_itself(project: Path) -> None:
    code, out, _ = inside("backtest", *_PERIOD, "--project", str(project), "--json")
    found = json.loads(out)
    assert code == 0
    sent = sum(
        d["count"] for d in found["days"] if d["what"] == "sent" and "(delivered)" in d["name"]
    )
    assert sum(h["messages"] for h in found["hours"]) == sent > 0
    assert [h for h in found["hours"] if h["messages"] > 3] == found["breaches"] != []
    assert found["events"] > 6


@pytest.mark.slow
def test_one_journey_alone(project: Path) -> None:
    code, out, _ = inside(
        "backtest", "coupon_thanks", *_PERIOD, "--project", str(project), "--json"
    )
    assert code == 0
    assert {d["journey"] for d in json.loads(out)["days"]} <= {"coupon_thanks"}
    code, _, err = inside("backtest", "coupon", *_PERIOD, "--project", str(project))
    assert code == 2
    assert "coupon_thanks" in err


def test_the_period_has_to_be_one(project: Path) -> None:
    period = ("--from", "2026-03-02", "--to", "2026-03-01")
    code, _, err = inside("backtest", *period, "--project", str(project))
    assert code == 2
    assert "not before" in err


@pytest.mark.slow
def test_the_drawing_is_one_svg_with_every_number(project: Path, tmp_path: Path) -> None:
    file = tmp_path / "course.svg"
    code, _, _ = inside("backtest", *_PERIOD, "--project", str(project), "--svg", str(file))
    assert code == 0
    root = ElementTree.fromstring(file.read_text(encoding="utf-8"))
    texts = ["".join(e.itertext()) for e in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "People who enter, by day" in texts
    assert "limit 3" in texts
    assert "2026-03-02" in texts


@pytest.mark.slow
def test_a_backtest_needs_no_state(tmp_path: Path) -> None:
    folder = copy_example(tmp_path)
    period = ("--from", "2026-02-01", "--to", "2026-03-01", "--json")
    code, out, _ = inside("backtest", *period, "--project", str(folder))
    assert code == 0
    entered = [d for d in json.loads(out)["days"] if d["what"] == "entered"]
    assert [(d["day"], d["journey"]) for d in entered][-1] == ("2026-02-20", "coupon_thanks")
    assert not (folder / ".cij").exists()


# --- people by day ----------------------------------------------------------------------------


@pytest.mark.slow
def test_people_at_the_end_of_a_day_are_those_who_stand_there(tmp_path: Path) -> None:
    folder = copy_example(tmp_path)
    _, program = compiled(folder)
    with closing(open_engine(None)) as engine:
        world = deploy(engine, program, START)
        refresh_data(world, folder, START)
        found = simulate(world, START, START + timedelta(days=9), _nothing)
        counted = {(s.day, s.journey, s.step): s.people for s in found.standing}
    for days in (0, 3, 8):
        with closing(open_engine(None)) as engine:
            world = deploy(engine, program, START)
            refresh_data(world, folder, START)
            # Midnight in Madrid is 23:00 before the last Sunday of March.
            night = datetime(2026, 3, 2, 22, 59, 59) + timedelta(days=days)
            run_to(world, SimulatedClock(START), night, _nothing)
            rows = engine.rows(
                query(
                    "SELECT p.journey, p.state, COUNT(*) FROM passage AS p "
                    "WHERE p.ended_at IS NULL GROUP BY 1, 2"
                )
            )
        day = date(2026, 3, 2) + timedelta(days=days)
        assert {(day, j, s): n for j, s, n in rows} == {
            k: n for k, n in counted.items() if k[0] == day
        }


def test_a_breach_is_more_than_the_provider_takes() -> None:
    hour = datetime(2026, 3, 2, 9)
    assert [HourCount(hour, "email", 11, limit).is_breach for limit in (10, 11, None)] == [
        True,
        False,
        False,
    ]


def test_nothing_that_journeys_did_is_left_in_the_copy() -> None:
    of_journeys = {
        table.name
        for table in schema.TABLES
        if {name for name, *_ in table.columns} & {"passage", "journey"}
    }
    # It has names and numbers of steps, and nothing that happened.
    kept = {"effect"}
    assert of_journeys - kept <= {table for s in past.CLEAR for table in s.tables}
