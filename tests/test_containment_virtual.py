"""Simulations, backtests and tests of journeys: what fails is told, and all else goes on (S28)."""

import json
import logging
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cij.cli.exits import Exit
from cij.compiler.sql import query
from cij.runtime import simulate as simulation
from cij.runtime.clock import LiveClock
from cij.runtime.scheduler import Scheduler
from cij.runtime.simulate import simulate
from cij.runtime.tick import TickReport, tick
from cij.runtime.world import World
from tests.broken_bed import NOW, broken_bed
from tests.calling import MAIL_TOML, journey, project
from tests.conftest import Cij

REST = """
topic service {
  channels = [email]
  consent = none
}

message email hello {
  topic = service
  locale "en" {
    subject = "Hello"
    body = "Of 10: {{ 10 | divided_by: points }}"
  }
}

message email plain {
  topic = service
  locale "en" {
    subject = "Hello"
    body = "Hello"
  }
}

segment counted {
  where points is known
}
"""
STEPS = "    mail: send email hello", "    after: send email plain"
PEOPLE = "id,email,points,spent,share,rate,born_on,seen_at,opens,is_vip,tags,sizes,plan\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(LiveClock, "now", lambda self: NOW)
    made = project(tmp_path / "p", REST + journey(*STEPS, enter="from segment counted"), MAIL_TOML)
    rows = (f"{n},a{n}@example.com,{n % 3},,,,,,,,,,\n" for n in range(9))
    (made / "customers.csv").write_text(PEOPLE + "".join(rows))
    return made


@pytest.mark.slow
def test_a_simulation_tells_which_template_fails(cij: Cij, folder: Path) -> None:
    done = cij("simulate", folder, "--days", "2")
    assert done.code == Exit.DELIVERY
    [line] = [line for line in done.err.splitlines() if "cannot be written" in line]
    assert line.startswith("cij: 3 messages of hello cannot be written")
    # The passages go on, as in a run.
    assert "9 plain (delivered)" in done.out and "6 hello (delivered)" in done.out


@pytest.mark.slow
def test_it_says_what_a_run_says(cij: Cij, folder: Path) -> None:
    simulated = json.loads(cij("simulate", folder, "--days", "1", "--json").out)
    [not_sent] = simulated["not_sent"]
    assert cij("run", folder, "--once").code == Exit.DELIVERY
    told = cij("timeline", "shop:0", "--project", folder).out
    assert not_sent["outcome"] == "failed" and not_sent["count"] == 3
    assert not_sent["reason"] in told


@pytest.mark.slow
def test_what_is_mended_ends_well(cij: Cij, folder: Path) -> None:
    text = (folder / "a.journey").read_text()
    mended = text.replace("{{ 10 | divided_by: points }}", "{{ points }}")
    (folder / "a.journey").write_text(mended)
    assert cij("simulate", folder, "--days", "2").code == Exit.OK


@pytest.mark.slow
def test_a_backtest_tells_it_too(cij: Cij, folder: Path) -> None:
    cij("run", folder, "--once")
    day = (NOW - timedelta(days=1)).date().isoformat()
    done = cij("backtest", "--from", day, "--to", day, "--project", folder)
    assert done.code == Exit.DELIVERY and "messages of hello cannot be written" in done.err


@pytest.mark.slow
def test_a_simulation_goes_on_without_a_journey_that_fails() -> None:
    bed = broken_bed()
    found = simulate(bed.world, NOW, NOW + timedelta(days=3), lambda at: None)
    [failed] = found.failed
    assert (failed.kind, failed.name) == ("journey", "fragile") and "points" in failed.reason
    assert [(c.journey, c.name) for c in found.days if c.what == "sent"] == [
        ("sturdy", "third (delivered)")
    ]


@pytest.mark.slow
def test_a_source_that_fails_leaves_the_simulation_of_the_rest(cij: Cij, folder: Path) -> None:
    more = REST.replace("segment counted", "segment other")
    assert more
    cij("run", folder, "--once")
    (folder / "customers.csv").write_text("id,email\n")
    done = cij("simulate", folder, "--days", "1")
    assert done.code == Exit.DATA and "source shop" in done.err


TESTS = """
test "one" for {name} {{
  clock 2026-03-02 10:00
  given customer "ana" {{
    email = "ana@example.com"
    points = 3
  }}
  expect sent email plain to "ana"
}}
"""


@pytest.mark.slow
def test_a_journey_that_fails_is_a_failed_test_and_the_others_are_played(
    cij: Cij, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = journey(*STEPS, enter="from segment counted").replace("journey calls", "journey b")
    tests = TESTS.format(name="calls") + TESTS.format(name="b") + TESTS.format(name="calls")
    with (folder / "a.journey").open("a") as file:
        file.write(second + tests.replace('"one"', '"two"', 1))

    def breaks(world: World, now: datetime) -> TickReport:
        if world.program.journeys[0].name == "calls":
            world.engine.execute(query("SELECT x.nothing FROM customer AS x"))
        return tick(world, now)

    monkeypatch.setattr(simulation, "tick", breaks)
    done = cij("test", folder)
    assert done.code == Exit.ERRORS
    assert "3 tests: 1 passed, 2 failed" in done.out
    assert done.out.count("the journey fails: ") == 2 and "nothing" in done.out
    monkeypatch.undo()
    assert cij("test", folder).code == Exit.OK


def test_the_log_of_the_scheduler_stays_inside(capfd: pytest.CaptureFixture[str]) -> None:
    Scheduler()
    logging.getLogger("apscheduler.scheduler").error("a job began late")
    assert capfd.readouterr() == ("", "")
