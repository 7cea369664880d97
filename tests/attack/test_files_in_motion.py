"""Exports that are being written, replaced or removed while a run looks at them (S24)."""

import os
import time
from pathlib import Path

import pytest

from cij.compiler.program import Source
from cij.compiler.sql import query
from cij.runtime.clock import LiveClock
from cij.runtime.delivery import Defaults
from cij.runtime.engine import open_engine
from cij.runtime.runner import Runner, StepReport, open_runner, step
from cij.runtime.sources import KINDS, standing_still
from cij.runtime.store.aside import reasons
from tests.attack.outbox_bed import JOURNEY, NOW
from tests.testbed import program_of

PEOPLE = 60
_COUNT = query("SELECT COUNT(*) FROM customer AS c")


def rows(count: int) -> str:
    lines = [f"c{i},c{i}@example.com,,,,,,yes\n" for i in range(count)]
    return "person,email,phone,zone,plan,points,born_on,told\n" + "".join(lines)


def settle(file: Path) -> None:
    """Let a file be one that nobody has written to for a while."""
    long_ago = time.time() - 60
    os.utime(file, (long_ago, long_ago))


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    engine = open_engine(None, threads=1)
    return open_runner(engine, program_of(JOURNEY), tmp_path, {}, Defaults(), NOW)[0]


def look(runner: Runner) -> StepReport:
    """Look at the sources as a run does that goes on."""
    return step(runner, LiveClock().now(), with_refresh=True, slice_s=0.0)


def customers(runner: Runner) -> int:
    return int(runner.world.engine.rows(_COUNT)[0][0])


@pytest.mark.slow
def test_a_file_that_is_being_written_is_taken_when_it_stands_still(
    runner: Runner, tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    file.write_text(rows(PEOPLE))
    settle(file)
    look(runner)
    assert customers(runner) == PEOPLE
    whole = rows(PEOPLE + 5)
    for end in (200, 900, len(whole)):
        file.write_text(whole[:end])
        found = look(runner)
        assert found.refresh is not None and not found.refresh.failed
        assert customers(runner) == PEOPLE
    # The same in two looks.
    look(runner)
    assert customers(runner) == PEOPLE + 5


@pytest.mark.slow
def test_a_broken_file_stays_broken_while_it_is_being_mended(
    runner: Runner, tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    file.write_text(rows(PEOPLE))
    settle(file)
    look(runner)
    file.write_text("")
    settle(file)
    first = look(runner).refresh
    assert first is not None and "is empty" in first.failed["people"]
    file.write_text(rows(PEOPLE + 2))
    # The same words as before, so a run says them once, and `cij status` goes on showing them.
    second = look(runner).refresh
    assert second is not None and second.failed == first.failed
    assert reasons(runner.world.engine, "source") == first.failed
    look(runner)
    assert reasons(runner.world.engine, "source") == {}


@pytest.mark.slow
def test_a_new_file_in_the_place_of_the_old_is_another_one(runner: Runner, tmp_path: Path) -> None:
    file, draft = tmp_path / "people.csv", tmp_path / "draft.csv"
    file.write_text(rows(PEOPLE))
    settle(file)
    look(runner)
    draft.write_text(rows(PEOPLE + 1))
    draft.replace(file)
    look(runner)
    look(runner)
    assert customers(runner) == PEOPLE + 1


@pytest.mark.slow
def test_a_file_that_changes_while_it_is_read_is_not_taken(
    runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "people.csv"
    file.write_text(rows(PEOPLE))
    settle(file)
    look(runner)
    file.write_text(rows(PEOPLE - 2))
    settle(file)
    kind = KINDS["csv"]

    def grows(source: Source, root: Path) -> str:
        found = kind.fingerprint(source, root)
        # After the stamp, and before the rows are read.
        with file.open("a") as more:
            more.write("x,x@example.com,,,,,,yes\n")
        return found

    before = standing_still.stamp_of

    def stamped(source: Source, root: Path) -> standing_still.Stamp:
        found = before(source, root)
        grows(source, root)
        return found

    monkeypatch.setattr("cij.runtime.sources.load.stamp_of", stamped)
    found = look(runner)
    assert found.refresh is not None
    assert "changed while it was read" in found.refresh.failed["people"]
    monkeypatch.undo()
    settle(file)
    look(runner)
    assert customers(runner) == PEOPLE - 2 + 1


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before the stamp", "before reading", "loop", "folder"])
def test_a_file_that_vanishes_is_a_failure_of_its_source_alone(
    runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    file = tmp_path / "people.csv"
    file.write_text(rows(PEOPLE))
    settle(file)
    look(runner)
    file.write_text(rows(PEOPLE + 1))
    settle(file)

    def vanishing(source: Source, root: Path) -> standing_still.Stamp:
        file.unlink(missing_ok=True)
        return None

    if when == "before the stamp":
        file.unlink()
    elif when == "before reading":
        monkeypatch.setattr("cij.runtime.sources.load.stamp_of", vanishing)
    else:
        file.unlink()
        file.symlink_to(file) if when == "loop" else file.mkdir()
    found = look(runner)
    assert found.refresh is not None and list(found.refresh.failed) == ["people"]
    assert customers(runner) == PEOPLE


def test_a_single_run_waits_a_moment_for_a_file_that_is_being_written(
    runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, whole = tmp_path / "people.csv", rows(PEOPLE)
    file.write_text(whole[:300])
    ends = iter((700, len(whole)))

    def sleep(seconds: float) -> None:
        if (end := next(ends, None)) is not None:
            file.write_text(whole[:end])

    monkeypatch.setattr("cij.runtime.sources.standing_still.time.sleep", sleep)
    step(runner, LiveClock().now(), with_refresh=True)
    assert customers(runner) == PEOPLE


def test_a_single_run_tells_what_never_stands_still(
    runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "people.csv"
    file.write_text(rows(1))
    counts = iter(range(2, 1000))
    monkeypatch.setattr(
        "cij.runtime.sources.standing_still.time.sleep",
        lambda seconds: file.write_text(rows(next(counts))),
    )
    found = step(runner, LiveClock().now(), with_refresh=True)
    assert found.refresh is not None and "being written" in found.refresh.failed["people"]
    assert customers(runner) == 0
