"""`cij why` and `cij timeline`: what is told of people who have lived through the example."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cij.app.compile import compiled
from cij.compiler.sql import query
from cij.runtime.activity import Course
from cij.runtime.clock import SimulatedClock
from cij.runtime.deploy import deploy
from cij.runtime.engine import open_engine
from cij.runtime.insight import timeline, why
from cij.runtime.intake import take_in
from cij.runtime.runner import refresh_data
from cij.runtime.simulate import run_to, simulate
from cij.runtime.world import World
from tests.conftest import Golden
from tests.example import copy_example, inside, replace
from tests.testbed import ZONE, TestBed

START = datetime(2026, 3, 2, 9, 0)
_KEY = query("SELECT o.key FROM outbox AS o WHERE o.customer = $customer")
_WHO = query("SELECT c.id FROM customer AS c WHERE c.email = $email")
_COUNTS = query("SELECT (SELECT COUNT(*) FROM moment), (SELECT COUNT(*) FROM move)")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The example after two weeks: Ana opened, Chloé left, Bob never was loyal."""
    folder = copy_example(tmp_path_factory.mktemp("insight"))
    (folder / ".cij").mkdir()
    _, program = compiled(folder)
    with closing(open_engine(folder / ".cij" / "state.duckdb")) as engine:
        world = deploy(engine, program, START)
        refresh_data(world, folder, START)
        clock = SimulatedClock(START)
        run_to(world, clock, START + timedelta(hours=1), lambda at: None)
        _did(world, clock, "ana.garcia@example.com", {"event": "opened"})
        unsubscribed = {"event": "unsubscribed", "channel": "email", "fields": {"topic": "rewards"}}
        _did(world, clock, "chloe.dubois@example.com", unsubscribed)
        run_to(world, clock, START + timedelta(days=14), lambda at: None)
    yield folder


def _did(world: World, clock: SimulatedClock, email: str, event: dict[str, Any]) -> None:
    customer = world.engine.rows(_WHO, {"email": email})[0][0]
    row = {**event, "customer": customer, "at": clock.now(), "id": f"{event['event']} {email}"}
    if event["event"] == "opened":
        row["message_key"] = world.engine.rows(_KEY, {"customer": customer})[0][0]
    taken = take_in(world.engine, world.program, [row], clock.now())
    assert taken.accepted == 1, taken.refused


def _told(*arguments: str) -> str:
    code, out, err = inside(*arguments)
    assert code == 0, err
    return out


_AT = ("--at", "2026-03-16 10:00")


# --- why --------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "person"),
    [("ana", "ana.garcia@example.com"), ("bob", "shop:C-02"), ("chloe", "C-03")],
)
def test_why_takes_each_rule_apart(project: Path, golden: Golden, name: str, person: str) -> None:
    out = _told("why", person, "loyalty_reward", "--project", str(project), *_AT)
    golden(f"insight/why_{name}.txt", out)


def test_why_of_an_entry_by_an_event(project: Path, golden: Golden) -> None:
    out = _told("why", "C-01", "coupon_thanks", "--project", str(project), *_AT)
    golden("insight/why_event.txt", out)


def test_why_as_json_has_the_rows_of_the_sources(project: Path) -> None:
    out = _told("why", "C-02", "loyalty_reward", "--project", str(project), *_AT, "--json")
    found = json.loads(out)
    assert found["verdict"].startswith("has not entered, because this is false: points > 1000")
    segment = next(node for node in found["entering"] if node["text"] == "in segment loyal")
    points = segment["parts"][0]["parts"][0]
    assert (points["text"], points["holds"]) == ("points > 1000", False)
    sources = [row["source"] for row in points["parts"][0]["parts"]]
    assert {"source": "cards", "key": "K-002"}.items() <= sources[0].items()
    assert sources[0]["loaded_at"] == "2026-03-02T09:00:00Z"


def test_why_reads_as_of_an_instant(project: Path) -> None:
    arguments = ("why", "C-01", "loyalty_reward", "--project", str(project), "--json", "--at")
    early = json.loads(_told(*arguments, "2026-03-01"))
    assert "the journey is open" in early["verdict"]
    assert early["passages"] == []
    within = json.loads(_told(*arguments, "2026-03-02 10:30"))
    assert within["verdict"] == "is inside since 2026-03-02 10:00"


def test_looking_changes_nothing(project: Path) -> None:
    before = _counts(project)
    _told("why", "C-01", "loyalty_reward", "--project", str(project))
    assert _counts(project) == before


def _counts(project: Path) -> object:
    with closing(open_engine(project / ".cij" / "state.duckdb")) as engine:
        return engine.rows(_COUNTS)


# --- timeline ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "person"), [("ana", "C-01"), ("chloe", "C-03")])
def test_the_timeline_is_in_the_order_of_time(
    project: Path, golden: Golden, name: str, person: str
) -> None:
    golden(f"insight/timeline_{name}.txt", _told("timeline", person, "--project", str(project)))


def test_the_timeline_as_json(project: Path) -> None:
    out = _told("timeline", "C-01", "--project", str(project), "--json")
    entries = json.loads(out)["entries"]
    assert [e["at"] for e in entries] == sorted(e["at"] for e in entries)
    message = next(e for e in entries if e["kind"] == "message")
    assert message["details"]["message"] == "loyal20"
    assert message["details"]["address"] == "ana.garcia@example.com"


@pytest.mark.slow
def test_the_timeline_of_one_journey(project: Path) -> None:
    arguments = ("timeline", "C-01", "--project", str(project), "--json", "--journey")
    mine = json.loads(_told(*arguments, "loyalty_reward"))["entries"]
    assert {e["journey"] for e in mine} == {None, "loyalty_reward"}
    # Of a journey in which the customer never was, only what is about the customer is left.
    other = json.loads(_told(*arguments, "coupon_thanks"))["entries"]
    assert other == [e for e in mine if e["journey"] is None] != []


# --- what can go wrong ------------------------------------------------------------------------


@pytest.mark.parametrize("command", [("why", "X", "loyalty_reward"), ("timeline", "X")])
def test_nobody_is_told_of_somebody_unknown(project: Path, command: tuple[str, ...]) -> None:
    code, _, err = inside(*command, "--project", str(project))
    assert code == 2
    assert "nobody is known as `X`" in err


@pytest.mark.slow
def test_several_who_are_meant_are_named(project: Path, tmp_path: Path) -> None:
    folder = copy_example(tmp_path)
    (folder / ".cij").mkdir()
    with closing(open_engine(folder / ".cij" / "state.duckdb")) as engine:
        _, program = compiled(folder)
        world = deploy(engine, program, START)
        refresh_data(world, folder, START)
        add = query(
            "INSERT INTO customer_key (source, key, customer) VALUES ('x', 'C-01', 'other')"
        )
        engine.execute(add)
    code, _, err = inside("timeline", "C-01", "--project", str(folder))
    assert code == 2
    assert "(shop:C-01)" in err and "(x:C-01)" in err
    assert inside("timeline", "shop:C-01", "--project", str(folder))[0] == 0


def test_an_unknown_journey_has_a_suggestion(project: Path) -> None:
    code, _, err = inside("why", "C-01", "loyalty_rewards", "--project", str(project))
    assert code == 2
    assert "loyalty_reward" in err


def test_nothing_has_run_yet(tmp_path: Path) -> None:
    folder = copy_example(tmp_path)
    code, _, err = inside("why", "C-01", "loyalty_reward", "--project", str(folder))
    assert code == 3
    assert "nothing has run here yet" in err


_HOLD = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"


@pytest.mark.slow
@pytest.mark.parametrize("command", [("why", "C-01", "loyalty_reward"), ("timeline", "C-01")])
def test_while_another_has_the_state_it_says_what_to_do(
    project: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    folder = copy_example(tmp_path)
    (folder / ".cij").mkdir()
    state = folder / ".cij" / "state.duckdb"
    state.write_bytes((project / ".cij" / "state.duckdb").read_bytes())
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(state)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        code, _, err = inside(*command, "--project", str(folder))
        other.communicate(b"\n")
    assert code == 5
    assert "stop it, or wait" in err


def test_it_tells_of_what_ran_and_not_of_what_is_written(project: Path, tmp_path: Path) -> None:
    folder = copy_example(tmp_path)
    replace(folder / "journeys" / "loyalty.journey", "points > 1000", "points >")
    (folder / ".cij").mkdir()
    (folder / ".cij" / "state.duckdb").write_bytes((project / ".cij" / "state.duckdb").read_bytes())
    out = _told("why", "C-02", "loyalty_reward", "--project", str(folder), *_AT)
    assert "points > 1000: no" in out


# --- policies ---------------------------------------------------------------------------------

_POLICY = """
policy contact {
  quiet 21:00..08:00
  at most 1 email per 7 days
}
"""


@pytest.mark.slow
@pytest.mark.parametrize("command", ["why", "timeline"])
def test_who_is_held_by_a_policy_is_told_so(tmp_path: Path, golden: Golden, command: str) -> None:
    folder = copy_example(tmp_path)
    (folder / "policy.journey").write_text(_POLICY)
    (folder / ".cij").mkdir()
    _, program = compiled(folder)
    night = datetime(2026, 3, 2, 21, 30)
    out = []
    for until in (night, night + timedelta(days=14)):
        with closing(open_engine(folder / ".cij" / "state.duckdb")) as engine:
            world = deploy(engine, program, night)
            refresh_data(world, folder, night)
            run_to(world, SimulatedClock(night), until, lambda at: None)
        arguments = ["ana.garcia@example.com"]
        if command == "why":
            arguments += ["loyalty_reward", "--at", f"{until + timedelta(hours=1):%Y-%m-%d %H:%M}"]
        out.append(_told(command, *arguments, "--project", str(folder)))
    golden(f"insight/{command}_held.txt", "\n".join(out))


@pytest.mark.slow
def test_a_simulation_tells_what_policies_do(tmp_path: Path) -> None:
    folder = copy_example(tmp_path)
    (folder / "policy.journey").write_text(_POLICY)
    _, program = compiled(folder)
    night = datetime(2026, 3, 2, 21, 30)
    with closing(open_engine(None)) as engine:
        world = deploy(engine, program, night)
        refresh_data(world, folder, night)
        found = simulate(world, night, night + timedelta(days=10), lambda at: None)
    effects = {(str(e.day), e.effect, e.rule): e.times for e in found.effects}
    held = effects["2026-03-02", "held", "quiet hours"]
    late = {(s.step, s.held): s.people for s in found.standing if str(s.day) == "2026-03-02"}
    assert held > 0
    assert late["reward", "quiet hours"] == held
    capped = {day: n for (day, effect, _), n in effects.items() if effect == "capped"}
    assert capped == _capped_by_day(found)
    assert {e.effect for e in found.effects} == {"held", "capped"}


def _capped_by_day(found: Course) -> dict[str, int]:
    counts = Counter[str]()
    for count in found.days:
        if count.name.endswith("(capped)"):
            counts[str(count.day)] += count.count
    return counts


# --- what the store says of steps that are not told as others are ---------------------------------

_NOON = datetime(2026, 3, 4, 11)
_LUCKY = """
journey lucky { enter on visit
  steps { first 2 places { end won } else { end lost } } }
"""
_BEFORE = """
journey series { enter on visit
  steps { hello: send email first
          week: wait 7 days
          end done } }
"""
_AFTER = _BEFORE.replace("week:", "seven:").replace(
    "enter on visit", "enter on visit  in_flight = adopt  renamed week to seven"
)


def _visited(bed: TestBed, *names: str) -> None:
    bed.people(*names)
    for name in names:
        bed.event("visit", name, _NOON)
    bed.tick(_NOON)


def test_a_place_of_the_first_is_told() -> None:
    bed = TestBed(_LUCKY, _NOON)
    _visited(bed, "ana", "bob", "cem")
    for name, branch, outcome in (
        ("ana", "branch 1", "won"),
        ("bob", "branch 1", "won"),
        ("cem", "else", "lost"),
    ):
        told = timeline.lines(timeline.timeline(bed.engine, bed.world.program, name), ZONE)
        assert any(f"first places: takes {branch}" in line for line in told), told
        answer = why.why(bed.engine, bed.world.program, name, "lucky", _NOON)
        lines = "\n".join(why.lines(answer, ZONE))
        assert f"first places: took {branch}" in lines and f"leaves as {outcome}" in lines


_BEST = """
message sms short { topic = news  locale "en" { text = "a" } }
message email long { topic = news  locale "en" { subject = "a"  body = "a" } }
journey choice { enter on visit
  steps { best: send best of (long, short) } }
"""


def test_a_choice_is_not_made_again_after_its_message_was_delivered() -> None:
    bed = TestBed(_BEST, _NOON)
    bed.people("ana", phone="+34600000001", **{"consent.news.sms": True})
    bed.event("visit", "ana", _NOON)
    bed.tick(_NOON)
    for outcome in ("delivered", "failed"):
        bed.engine.execute(query("UPDATE outbox_row SET outcome = $o"), {"o": outcome})
        lines = list(
            why.lines(why.why(bed.engine, bed.world.program, "ana", "choice", _NOON), ZONE)
        )
        (place,) = (n for n, line in enumerate(lines) if line.endswith("is the best: yes"))
        assert "took branch 1" in lines[place - 1]
        assert "best: email long" in lines[place + 1], "nothing speaks against the choice"


def test_who_was_lost_in_a_pause_is_told_so() -> None:
    bed = TestBed(_BEFORE, _NOON)
    bed.people("ana")
    bed.order("pause", "series", _NOON, drops_entries=True)
    bed.event("visit", "ana", _NOON)
    bed.tick(_NOON)
    bed.order("resume", "series", _NOON + timedelta(hours=1))
    bed.tick(_NOON + timedelta(hours=1))
    answer = why.why(bed.engine, bed.world.program, "ana", "series", _NOON + timedelta(hours=2))
    assert answer.verdict.startswith(
        "has not entered, because they were turned away 2026-03-04 12:00"
    )
    assert answer.verdict.endswith(": the journey was paused")


def test_who_was_taken_over_is_told_by_the_version_in_which_he_stood() -> None:
    bed = TestBed(_BEFORE, _NOON)
    _visited(bed, "ana")
    bed.deploy(_AFTER, _NOON + timedelta(hours=1))
    told = timeline.lines(timeline.timeline(bed.engine, bed.world.program, "ana"), ZONE)
    assert any("week: waits 7 days" in line for line in told), told
    assert "waits at seven until 2026-03-11" in told[-1]
    answer = why.why(bed.engine, bed.world.program, "ana", "series", _NOON + timedelta(hours=2))
    assert "week: waits 7 days" in "\n".join(why.lines(answer, ZONE))


_READS_THE_TRIGGER = """
journey shops {
  enter on cart
  again always
  exit bought when any(purchase where amount = trigger.total)
  goal paid when count(purchase where amount >= trigger.total) >= 2
  steps {
    mail: send email tip
    look: wait 1 day
    if any(opened(mail)) and sum(purchase.amount where amount <= trigger.total) > 5 EUR {
      end opened
    }
  }
}
"""


def test_why_reads_the_entering_event_inside_an_aggregate() -> None:
    bed = TestBed(_READS_THE_TRIGGER, _NOON)
    bed.people("ana")
    euros = {"total": "50", "cart_id": "b1"}
    bed.event("purchase", "ana", _NOON - timedelta(hours=1), fields={"amount": "7"})
    bed.event("cart", "ana", _NOON, fields=euros)
    bed.run_to(_NOON + timedelta(days=2))
    answer = why.why(bed.engine, bed.world.program, "ana", "shops", _NOON + timedelta(days=2))
    told = "\n".join(why.lines(answer, ZONE))
    assert "sum(purchase.amount where amount <= trigger.total)" in told
    assert "= 7 EUR" in told and "no such opened" in told
