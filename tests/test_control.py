"""Pause, resume and stop (S22, S23): in a store, by the command line, and while `cij run` goes."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cij.compiler.sql import query
from cij.runtime.delivery import outbox
from cij.runtime.due import next_tick, next_work
from cij.runtime.inbox import answer, hand_in
from cij.runtime.report import report
from tests.example import copy_example, eventually, inside, messages, run_once, running, status
from tests.testbed import DAY, HOUR, TestBed, names

NOW = datetime(2026, 3, 4, 9)

RACE = """
journey race {
  enter on visit
  goal bought on purchase
  exit gone on trip
  steps {
    look: wait up to 1 day {
      on cart where total > 100 EUR {
        big: send email second
        later: wait 5 days
        end big
      }
      on cart {
        small: send email third
        end small
      }
      else {
        silent: send email first
        end silent
      }
    }
  }
}
"""


def bed_of(*people: str) -> TestBed:
    bed = TestBed(RACE, NOW)
    bed.people(*people)
    for name in people:
        bed.event("visit", name, NOW)
    bed.tick(NOW)
    assert len(bed.entered()) == len(people)
    return bed


# --- pause ------------------------------------------------------------------------------------


def test_in_a_pause_nothing_is_due_and_timers_fire_when_it_ends() -> None:
    bed = bed_of("ana")
    bed.order("pause", "race", NOW + HOUR)
    bed.tick(NOW + 2 * DAY)
    assert bed.sent() == [] and next_tick(bed.world) is None
    done = bed.order("resume", "race", NOW + 3 * DAY)
    assert (done.changed, done.state, done.inside) == (True, "live", 1)
    assert next_tick(bed.world) == datetime.min
    bed.tick(NOW + 3 * DAY)
    assert bed.sent() == [("ana", "first", NOW + 3 * DAY)]


@pytest.mark.slow
def test_events_of_a_pause_count_when_it_ends_in_the_order_of_their_times() -> None:
    bed = bed_of("ana", "bob", "cleo")
    bed.order("pause", "race", NOW + HOUR)
    # Ana's earlier cart arrives later; Bob's is at the deadline, Cleo's a second after it.
    bed.event("cart", "ana", NOW + 5 * HOUR, fields={"total": 50})
    bed.tick(NOW + 6 * HOUR)
    bed.event("cart", "ana", NOW + 4 * HOUR, fields={"total": 500})
    bed.event("cart", "bob", NOW + DAY, fields={"total": 50})
    bed.event("cart", "cleo", NOW + DAY + timedelta(seconds=1), fields={"total": 50})
    for day in (2, 3):
        bed.tick(NOW + day * DAY)
    assert bed.sent() == []
    bed.order("resume", "race", NOW + 4 * DAY)
    bed.tick(NOW + 4 * DAY)
    assert sorted(bed.sent()) == [
        ("ana", "second", NOW + 4 * DAY),
        ("bob", "third", NOW + 4 * DAY),
        ("cleo", "first", NOW + 4 * DAY),
    ]


def test_an_event_of_a_pause_counts_once() -> None:
    bed = bed_of("ana")
    bed.order("pause", "race", NOW + HOUR)
    bed.event("cart", "ana", NOW + 2 * HOUR, fields={"total": 500})
    bed.tick(NOW + 3 * HOUR)
    bed.order("resume", "race", NOW + 4 * HOUR)
    bed.event("cart", "ana", NOW + 4 * HOUR, fields={"total": 500})
    bed.tick(NOW + 4 * HOUR)
    bed.tick(NOW + 5 * HOUR)
    assert names(bed.sent()) == ["ana"]
    assert bed.rows("SELECT COUNT(*) FROM tick_event AS f") == [(0,)]


def test_a_pause_within_a_pause_that_ends_goes_on() -> None:
    bed = bed_of("ana")
    bed.order("pause", "race", NOW + HOUR)
    bed.event("cart", "ana", NOW + 2 * HOUR, fields={"total": 500})
    bed.tick(NOW + 3 * HOUR)
    bed.order("resume", "race", NOW + 4 * HOUR)
    # No tick comes between.
    assert bed.order("pause", "race", NOW + 4 * HOUR).changed
    bed.tick(NOW + 5 * HOUR)
    assert bed.sent() == []
    bed.order("resume", "race", NOW + 6 * HOUR)
    bed.tick(NOW + 6 * HOUR)
    assert names(bed.sent()) == ["ana"]


def test_goals_and_exits_let_people_leave_in_a_pause() -> None:
    bed = bed_of("ana", "bob")
    bed.order("pause", "race", NOW + HOUR)
    bed.event("purchase", "ana", NOW + 2 * HOUR)
    bed.event("trip", "bob", NOW + 2 * HOUR)
    bed.tick(NOW + 2 * HOUR)
    expected = {"ana": ("converted", NOW + 2 * HOUR), "bob": ("gone", NOW + 2 * HOUR)}
    assert bed.ended() == expected
    assert names(bed.rows("SELECT v.customer FROM conversion AS v")) == ["ana"]


def test_who_comes_in_a_pause_waits_and_enters_when_it_ends() -> None:
    bed = bed_of("ana")
    bed.people("bob", "cleo", "dan")
    bed.order("pause", "race", NOW + HOUR)
    for n, name in enumerate(("cleo", "bob", "dan", "ana")):
        bed.event("visit", name, NOW + (2 + n) * HOUR)
        bed.tick(NOW + (2 + n) * HOUR)
    bed.event("purchase", "dan", NOW + 7 * HOUR)
    bed.tick(NOW + 7 * HOUR)
    assert names(bed.entered()) == ["ana"] and bed.waiting() == ["cleo", "bob", "ana"]
    state = report(bed.world, NOW + 7 * HOUR).states[0]
    assert (state.state, state.waiting) == ("paused", 3)
    bed.order("resume", "race", NOW + 8 * HOUR)
    bed.tick(NOW + 8 * HOUR)
    later = NOW + 8 * HOUR
    assert bed.entered() == [("ana", NOW), ("bob", later), ("cleo", later)]
    assert bed.turned_away() == [("dan", "goal bought"), ("ana", "again")]
    assert bed.waiting() == []


def test_drop_entries_loses_those_who_come_and_keeps_those_who_waited() -> None:
    bed = bed_of()
    bed.people("ana", "bob")
    bed.order("pause", "race", NOW)
    bed.event("visit", "ana", NOW + HOUR)
    bed.tick(NOW + HOUR)
    bed.order("pause", "race", NOW + HOUR, drops_entries=True)
    bed.event("visit", "bob", NOW + 2 * HOUR)
    bed.tick(NOW + 2 * HOUR)
    bed.order("resume", "race", NOW + 3 * HOUR)
    bed.tick(NOW + 3 * HOUR)
    assert names(bed.entered()) == ["ana"]
    assert bed.turned_away() == [("bob", "the journey was paused")]


def test_messages_that_were_queued_are_held_back() -> None:
    bed = bed_of("ana", "bob")
    bed.tick(NOW + DAY)
    assert len(bed.sent()) == 2
    assert bed.order("pause", "race", NOW + DAY).held == 2
    assert outbox.due(bed.engine, outbox.Place("email"), NOW + DAY, 10) == []
    assert next_work(bed.world) is None
    bed.order("resume", "race", NOW + 2 * DAY)
    assert len(outbox.due(bed.engine, outbox.Place("email"), NOW + 2 * DAY, 10)) == 2


def test_another_journey_is_not_touched_by_a_pause() -> None:
    bed = TestBed(RACE + RACE.replace("journey race", "journey other"), NOW)
    bed.people("ana")
    bed.event("visit", "ana", NOW)
    bed.tick(NOW)
    bed.order("pause", "race", NOW)
    assert next_tick(bed.world) == NOW + DAY
    bed.tick(NOW + DAY)
    found = bed.rows("SELECT o.journey FROM outbox AS o")
    assert found == [("other",)]


@pytest.mark.slow
@pytest.mark.parametrize("spacing", [HOUR, 7 * HOUR, 3 * DAY])
def test_a_pause_is_like_a_time_when_nothing_ran(spacing: timedelta) -> None:
    """The independent reference: the same events, with no ticks instead of a pause."""
    carts = [("ana", 5, 50), ("ana", 4, 500), ("bob", 24, 50), ("cleo", 25, 500)]

    def outcomes(*, is_paused: bool) -> list[tuple[Any, ...]]:
        bed = bed_of("ana", "bob", "cleo", "dan")
        if is_paused:
            bed.order("pause", "race", NOW)
        for name, hours, total in sorted(carts, key=lambda c: c[1]):
            bed.event("cart", name, NOW + hours * HOUR, fields={"total": total})
        at = NOW + spacing
        while at < NOW + 4 * DAY:
            if is_paused:
                bed.tick(at)
            at += spacing
        if is_paused:
            bed.order("resume", "race", NOW + 4 * DAY)
        bed.tick(NOW + 4 * DAY)
        bed.run_to(NOW + 20 * DAY)
        return bed.rows(
            "SELECT p.customer, p.outcome, p.ended_at FROM passage AS p ORDER BY p.customer"
        )

    assert outcomes(is_paused=True) == outcomes(is_paused=False)


# --- stop -------------------------------------------------------------------------------------


def test_a_stop_ends_all_and_tells_what_is_beyond_recall() -> None:
    bed = bed_of("ana", "bob", "cleo", "dan")
    bed.people("eve")
    for name in ("ana", "bob", "cleo"):
        bed.event("cart", name, NOW + HOUR, fields={"total": 500})
    bed.tick(NOW + HOUR)
    for name, outcome in (("ana", "delivered"), ("bob", "uncertain")):
        statement = query("UPDATE outbox_row SET outcome = $outcome WHERE customer = $name")
        bed.engine.execute(statement, {"outcome": outcome, "name": name})
    bed.order("pause", "race", NOW + HOUR)
    bed.event("visit", "eve", NOW + 2 * HOUR)
    bed.tick(NOW + 2 * HOUR)
    done = bed.order("stop", "race", NOW + 2 * HOUR)
    assert (done.inside, done.waiting, done.cancelled) == (4, 1, 1)
    assert (done.sent, done.uncertain) == (1, 1)
    assert set(bed.ended().values()) == {("stopped", NOW + 2 * HOUR)}
    assert bed.turned_away() == [("eve", "the journey was stopped")]
    outcomes = bed.rows("SELECT o.customer, o.outcome FROM outbox AS o ORDER BY o.customer")
    assert outcomes == [("ana", "delivered"), ("bob", "uncertain"), ("cleo", "cancelled")]
    assert not bed.order("stop", "race", NOW + 2 * HOUR).changed


def test_a_stopped_journey_does_not_start_again_by_itself() -> None:
    bed = bed_of("ana")
    bed.order("stop", "race", NOW)
    bed.people("bob")
    bed.event("visit", "bob", NOW + HOUR)
    bed.deploy(RACE.replace("1 day", "2 days"), NOW + HOUR)
    bed.run_to(NOW + 2 * DAY)
    assert names(bed.entered()) == ["ana"]
    assert bed.order("resume", "race", NOW + 2 * DAY).refused
    assert bed.order("pause", "race", NOW + 2 * DAY).refused
    assert [s.state for s in report(bed.world, NOW + 2 * DAY).states] == ["stopped"]
    assert bed.order("resume", "race", NOW + 2 * DAY, again=True).changed
    for name in ("ana", "bob"):
        bed.event("visit", name, NOW + 2 * DAY)
    bed.tick(NOW + 2 * DAY)
    # Ana was inside once, and `again never` holds over a stop.
    assert names(bed.entered()) == ["ana", "bob"]


# --- the command line -------------------------------------------------------------------------

JOURNEY = "loyalty_reward"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return copy_example(tmp_path)


def said(*arguments: str) -> dict[str, Any]:
    code, out, err = inside(*arguments, "--json")
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def state_of(project: Path) -> str:
    states = {s["journey"]: s["state"] for s in status(project)["states"]}
    return str(states[JOURNEY])


@pytest.mark.slow
def test_the_commands_work_on_the_state_when_nothing_runs(project: Path) -> None:
    run_once(project)
    at = ("--project", str(project))
    done = said("pause", JOURNEY, *at)
    assert done["changed"] and done["inside"] > 0 and state_of(project) == "paused"
    assert not said("pause", JOURNEY, *at)["changed"]
    assert said("resume", JOURNEY, *at)["changed"] and state_of(project) == "live"
    stopped = said("stop", JOURNEY, "--yes", *at)
    assert stopped["inside"] == done["inside"] and stopped["sent"] > 0
    assert state_of(project) == "stopped"
    run_once(project)
    assert state_of(project) == "stopped"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("pause", "loyalty_rewart"), 2, "did you mean `loyalty_reward`"),
        (("stop", "nothing", "--yes"), 2, "there is no journey `nothing`"),
        (("resume",), 2, "Missing argument"),
    ],
)
def test_wrong_orders_are_told(
    project: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    run_once(project)
    found, _, err = inside(*arguments, "--project", str(project))
    assert found == code and words in err


@pytest.mark.slow
def test_a_stopped_journey_is_resumed_on_request_only(project: Path) -> None:
    run_once(project)
    at = ("--project", str(project))
    said("stop", JOURNEY, "--yes", *at)
    code, _, err = inside("resume", JOURNEY, *at)
    assert code == 2 and f"`cij resume {JOURNEY} --again` starts it again" in err
    assert said("resume", JOURNEY, "--again", *at)["state"] == "live"


@pytest.mark.slow
def test_a_journey_can_be_stopped_while_a_file_has_a_mistake(project: Path) -> None:
    run_once(project)
    (project / "journeys" / "z.journey").write_text("segment s {\n  where pointz > 1\n}\n")
    at = ("--project", str(project))
    code, out, err = inside("pause", JOURNEY, *at)
    assert code == 0 and "paused" in out and "1 error; see `cij check`" in err
    assert said("stop", JOURNEY, "--yes", *at)["state"] == "stopped"
    code, _, err = inside("stop", "nothing", "--yes", *at)
    assert code == 2 and "there is no journey `nothing`" in err
    code, out, _ = inside("suppression", "add", "ana.garcia@example.com", "--reason", "asked", *at)
    assert code == 0, out


def test_before_the_first_run_there_is_nothing_to_pause(project: Path) -> None:
    code, _, err = inside("pause", JOURNEY, "--project", str(project))
    assert code == 3 and "start with `cij run`" in err


@pytest.mark.slow
def test_an_order_that_waits_is_carried_out_before_a_later_one_and_once(project: Path) -> None:
    run_once(project)
    at = ("--project", str(project))
    waiting = hand_in(project, [{"control": "pause", "journey": JOURNEY}])
    kept = waiting.read_bytes()
    assert said("resume", JOURNEY, *at)["changed"]
    assert not waiting.exists() and answer(project, waiting) is not None
    # As after a crash between the commit and the removal of the file.
    waiting.write_bytes(kept)
    run_once(project)
    assert state_of(project) == "live" and not waiting.exists()


@pytest.mark.slow
def test_the_commands_work_while_a_run_is_going(project: Path) -> None:
    at = ("--project", str(project), "--wait", "60")
    with running(project):
        done = said("pause", JOURNEY, *at)
        assert done["changed"] and done["state"] == "paused"
        eventually(lambda: state_of(project) == "paused", "the status says so")
        assert said("resume", JOURNEY, *at)["changed"]
        stopped = said("stop", JOURNEY, "--yes", *at)
        assert stopped["state"] == "stopped" and stopped["inside"] == done["inside"]
        code, _, err = inside("resume", JOURNEY, *at)
        assert code == 2 and "stopped for good" in err
    assert len(messages(project)) == 11
    assert list((project / ".cij" / "answers").iterdir()) == []
