"""Nothing stops the world (S28): what fails at a boundary is put aside with its reason, and all else goes on.

`docs/containment.md` lists the boundaries, and for each the test here that injects a fault.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from cij.cli.exits import Exit
from cij.compiler.sql import Statement, load, query
from cij.runtime import control
from cij.runtime.containment import contained_tick
from cij.runtime.due import next_tick
from cij.runtime.inbox import hand_in
from cij.runtime.report import report
from tests.broken_bed import BREAK, FRAGILE, MEND, NOW, STURDY, broken_bed, failed, run_to
from tests.example import copy_example, inside, messages, run_once, status
from tests.testbed import DAY, HOUR, TestBed

# --- a statement of one journey ---------------------------------------------------------------

# One of each kind; what is put aside does not depend on the way.
WAYS_TRIED = ["plain", "all for few", "all for many", "as a small store"]


@pytest.mark.parametrize("way", WAYS_TRIED)
def test_a_statement_that_fails_puts_its_journey_aside_and_no_other(way: str) -> None:
    bed = broken_bed(way)
    run_to(bed, NOW + 2 * DAY)
    assert bed.sent() == [("ana", "third", NOW + DAY)]
    assert list(failed(bed)) == ["fragile"] and "points" in failed(bed)["fragile"]
    states = {s.journey: s.state for s in report(bed.world, bed.start).states}
    assert states == {"fragile": "failed", "sturdy": "live"}
    assert next_tick(bed.world) is None


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS_TRIED)
def test_a_journey_goes_on_where_it_stood_after_the_cause_is_mended(way: str) -> None:
    bed = broken_bed(way)
    run_to(bed, NOW + 2 * DAY)
    bed.engine.execute(MEND)
    bed.change("ana", points=20)
    run_to(bed, NOW + 2 * DAY + HOUR)
    assert "fragile" in failed(bed), "only a deploy or an order tries again"
    done = bed.order("resume", "fragile", NOW + 3 * DAY)
    assert (done.changed, done.state, done.inside) == (True, "live", 1)
    bed.start = NOW + 3 * DAY
    run_to(bed, NOW + 5 * DAY)
    sent = [(message, at) for _, message, at in bed.sent() if message != "third"]
    assert sent == [("first", NOW + 3 * DAY), ("second", NOW + 4 * DAY)]
    assert failed(bed) == {}


def test_a_deploy_tries_again() -> None:
    bed = broken_bed()
    run_to(bed, NOW + 2 * DAY)
    # Preparing the tables for the program brings the column back.
    bed.deploy(FRAGILE + STURDY, NOW + 3 * DAY)
    assert failed(bed) == {}
    run_to(bed, NOW + 3 * DAY)
    assert {message for _, message, _ in bed.sent()} == {"second", "third"}
    assert control.held(bed.engine) == {}


def test_what_fails_again_is_put_aside_again() -> None:
    bed = broken_bed()
    run_to(bed, NOW + 2 * DAY)
    bed.order("resume", "fragile", NOW + 2 * DAY)
    run_to(bed, NOW + 3 * DAY)
    assert list(failed(bed)) == ["fragile"]


def test_events_of_a_failure_count_when_it_is_mended() -> None:
    bed = broken_bed()
    run_to(bed, NOW + DAY)
    # Bob comes, and Ana reaches the goal, while nothing of the journey runs.
    bed.engine.execute(MEND)
    bed.people("bob", points=1)
    bed.event("visit", "bob", NOW + DAY + HOUR)
    bed.event("purchase", "ana", NOW + DAY + 2 * HOUR)
    run_to(bed, NOW + 2 * DAY)
    assert [p.entered for p in report(bed.world, bed.start).entries if p.journey == "fragile"] == [
        1
    ]
    bed.order("resume", "fragile", NOW + 2 * DAY)
    run_to(bed, NOW + 2 * DAY + HOUR)
    entries = {e.journey: (e.entered, e.inside) for e in report(bed.world, bed.start).entries}
    assert entries["fragile"] == (2, 1)
    assert bed.rows("SELECT v.goal FROM conversion AS v") == [("bought",)]


RESTING = """
journey fragile {
  enter on visit
  goal bought on purchase where customer.points > 10
  steps {
    rest: wait 1 day
    send email first
  }
}
"""


def paused_bed() -> TestBed:
    """Ana and Bob are in both journeys; one is paused, and then a goal of it fails."""
    bed = TestBed(RESTING + STURDY, NOW)
    bed.people("ana", "bob", points=20)
    for name in ("ana", "bob"):
        bed.event("visit", name, NOW)
    run_to(bed, NOW)
    bed.order("pause", "fragile", NOW + HOUR)
    bed.engine.execute(BREAK)
    bed.event("purchase", "ana", NOW + 2 * HOUR)
    run_to(bed, NOW + 2 * DAY)
    return bed


def test_a_journey_that_fails_in_a_pause_is_put_aside_and_stays_paused() -> None:
    bed = paused_bed()
    assert list(failed(bed)) == ["fragile"] and "points" in failed(bed)["fragile"]
    assert {message for _, message, _ in bed.sent()} == {"third"}
    bed.deploy(RESTING + STURDY, NOW + 2 * DAY)
    bed.change("ana", points=20)
    bed.change("bob", points=20)
    run_to(bed, NOW + 3 * DAY)
    assert failed(bed) == {}
    states = {s.journey: s.state for s in report(bed.world, bed.start).states}
    assert states["fragile"] == "paused"
    assert {message for _, message, _ in bed.sent()} == {"third"}, "it is paused still"


@pytest.mark.parametrize("is_deployed", [True, False])
def test_events_of_a_failure_in_a_pause_count_when_it_is_mended(is_deployed: bool) -> None:
    bed = paused_bed()
    bed.engine.execute(MEND)
    bed.change("ana", points=20)
    bed.change("bob", points=20)
    # Nothing of the journey runs now, and this counts as well.
    bed.event("purchase", "bob", NOW + 2 * DAY)
    run_to(bed, NOW + 2 * DAY)
    if is_deployed:
        bed.deploy(RESTING + STURDY, NOW + 3 * DAY)
    else:
        bed.order("resume", "fragile", NOW + 3 * DAY)
    bed.start = NOW + 3 * DAY
    run_to(bed, NOW + 3 * DAY)
    # In a pause goals count.
    goals = "SELECT v.goal FROM conversion AS v"
    assert bed.rows(goals) == [("bought",), ("bought",)]
    bed.order("resume", "fragile", NOW + 4 * DAY)
    bed.start = NOW + 4 * DAY
    run_to(bed, NOW + 5 * DAY)
    assert bed.rows(goals) == [("bought",), ("bought",)]
    assert {message for _, message, _ in bed.sent()} == {"third"}, "both had left"


SEGMENTED = """
segment rich {
  where points > 10
}
journey welcome {
  enter from segment rich
  steps {
    send email first
  }
}
"""


def test_a_segment_that_fails_keeps_its_members_and_stops_nobody() -> None:
    bed = TestBed(SEGMENTED + STURDY, NOW)
    bed.people("ana", points=20)
    run_to(bed, NOW)
    bed.engine.execute(BREAK)
    bed.people("bob")
    bed.event("visit", "bob", NOW + HOUR)
    run_to(bed, NOW + 2 * DAY)
    assert ("bob", "third", NOW + DAY + HOUR) in bed.sent()
    assert list(failed(bed)) == ["rich"]
    bed.deploy(SEGMENTED + STURDY, NOW + 2 * DAY)
    bed.change("bob", points=30)
    run_to(bed, NOW + 2 * DAY)
    assert ("bob", "first", NOW + 2 * DAY) in bed.sent() and failed(bed) == {}


def test_a_failure_of_nobody_is_told_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    bed = broken_bed()
    bed.engine.execute(query("DROP TABLE tick_ready"))
    with pytest.raises(Exception, match="tick_ready"):
        contained_tick(bed.world, NOW + DAY)
    assert failed(bed) == {}


def test_a_report_lacks_only_the_number_that_fails() -> None:
    bed = broken_bed()
    found = report(bed.world, NOW)
    assert dict(found.segments)["keen"] is None
    assert [(f.kind, f.name) for f in found.failed] == [("report", "segment keen")]


# --- a source ---------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return copy_example(tmp_path / "loyalty")


def _vanish(file: Path) -> None:
    file.unlink()


def _point_at_itself(file: Path) -> None:
    file.unlink()
    file.symlink_to(file)


def _garble(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00\xd8\x00" * 50)


@pytest.mark.slow
@pytest.mark.parametrize("harm", [_vanish, _point_at_itself, _garble])
def test_a_source_that_fails_stops_nothing_else(
    project: Path, harm: Callable[[Path], None]
) -> None:
    run_once(project)
    before = status(project)
    shop = project / "data" / "shop_customers.csv"
    good = shop.read_bytes()
    harm(shop)
    # Another source has news, and an event comes.
    with closing(sqlite3.connect(project / "data" / "loyalty.db")) as other, other:
        other.execute("UPDATE cards SET points = 5000 WHERE card_no = 'K-002'")
    hand_in(project, [{"event": "nothing", "customer": "shop:C-01"}])
    code, _, err = inside("run", str(project), "--once")
    assert code == Exit.DATA and "bug" not in err, err
    found = status(project)
    assert dict(found["segments"])["loyal"] == dict(before["segments"])["loyal"] + 1
    assert [(f["kind"], f["name"]) for f in found["failed"]] == [("source", "shop")]
    assert found["put_aside"] == [{"reason": "there is no event nothing", "count": 1}]
    shop.unlink(missing_ok=True)
    shop.write_bytes(good)
    run_once(project)
    assert status(project)["failed"] == []


@pytest.mark.slow
def test_a_source_that_fails_while_it_is_written_is_undone_alone(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Statement:
        raise RuntimeError("the disk is odd")

    with monkeypatch.context() as patched:
        patched.setattr(load, "drop", broken)
        code, _, err = inside("run", str(project), "--once")
    assert code == Exit.DATA and "source shop: the disk is odd" in err
    assert status(project)["sources"] == []
    run_once(project)
    assert status(project)["failed"] == [] and status(project)["profiles"] == 19


@pytest.mark.slow
def test_a_source_that_was_never_loaded_makes_no_customers(project: Path) -> None:
    shop = project / "data" / "shop_customers.csv"
    good = shop.read_bytes()
    shop.unlink()
    code, _, _ = inside("run", str(project), "--once")
    assert code == Exit.DATA
    # Without what the shop knows of them, as that they refuse, nobody is a customer yet.
    assert status(project)["profiles"] == 0 and messages(project) == {}
    shop.write_bytes(good)
    run_once(project)
    assert status(project)["profiles"] == 19
