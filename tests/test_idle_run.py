"""A run with nothing to do is known without the store, and only while nothing has changed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cij.app import running as run_module
from cij.runtime.clock import LiveClock
from tests.example import cij_alone, copy_example, environment, inside, keep_parse_table, replace

JOURNEY = "journeys/loyalty.journey"
HOLDER = """
import sys, time
from cij.runtime.engine import open_engine
from pathlib import Path
engine = open_engine(Path(sys.argv[1]))
print("open", flush=True)
time.sleep(float(sys.argv[2]))
engine.close()
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project that was run, with the cache on and in a folder of the test's own."""
    monkeypatch.delenv("CIJ_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CIJ_TEST_FOLDER", "outbox")
    keep_parse_table()
    found = copy_example(tmp_path)
    replace(found / "cij.toml", 'folder = "outbox"', 'folder = "env:CIJ_TEST_FOLDER"')
    assert once(found)[0] == 0
    return found


def once(project: Path, *options: str) -> tuple[int, str, str]:
    return inside("run", str(project), "--once", *options)


class Whole:
    """Counts whole runs."""

    def __init__(self) -> None:
        self.count = 0


@pytest.fixture
def whole(project: Path, monkeypatch: pytest.MonkeyPatch) -> Whole:
    counted, real = Whole(), run_module.open_run

    def spy(*arguments: object, **named: object) -> object:
        counted.count += 1
        return real(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(run_module, "open_run", spy)
    return counted


def later(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    at = LiveClock().now() + by
    monkeypatch.setattr(LiveClock, "now", lambda self: at)


def without_instant(report: str) -> dict[str, object]:
    return {**json.loads(report), "at": None}


@pytest.mark.slow
def test_it_says_what_a_whole_run_says(
    project: Path, whole: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    short, short_json = once(project), once(project, "--json")
    assert whole.count == 0 and "nothing was due; the next thing is at" in short[2]
    monkeypatch.setenv("CIJ_CACHE", "off")
    assert once(project) == short
    long_json = once(project, "--json")
    assert whole.count == 2
    assert without_instant(long_json[1]) == without_instant(short_json[1])
    assert long_json[2] == short_json[2]


@pytest.mark.slow
def test_the_status_file_is_of_now(project: Path, whole: Whole) -> None:
    file = project / ".cij" / "status.json"
    before = datetime.fromisoformat(json.loads(file.read_text())["at"])
    once(project)
    assert whole.count == 0
    assert datetime.fromisoformat(json.loads(file.read_text())["at"]) > before


def append(file: str, text: str) -> Callable[[Path], object]:
    def change(project: Path) -> None:
        with (project / file).open("a", encoding="utf-8") as opened:
            opened.write(text)

    return change


CHANGES: dict[str, Callable[[Path], object]] = {
    "a journey": append(JOURNEY, "\n# a comment\n"),
    "the settings": append("cij.toml", "\n[run]\ntick_seconds_max = 5\n"),
    "a source": append("data/shop_customers.csv", "\n"),
    "an event": lambda p: inside("event", "unsubscribed", "ana@example.com", "--project", str(p)),
    "an order": lambda p: inside("pause", "loyalty_reward", "--project", str(p)),
    "a variable": lambda p: os.environ.__setitem__("CIJ_TEST_FOLDER", "elsewhere"),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", CHANGES)
def test_what_changed_makes_a_whole_run(project: Path, whole: Whole, what: str) -> None:
    once(project)
    assert whole.count == 0
    CHANGES[what](project)
    once(project)
    assert whole.count == 1


@pytest.mark.slow
@pytest.mark.parametrize("by", [timedelta(days=-1), timedelta(days=60)])
def test_so_does_a_clock_outside_of_what_is_known(
    project: Path, whole: Whole, monkeypatch: pytest.MonkeyPatch, by: timedelta
) -> None:
    later(monkeypatch, by)
    once(project)
    assert whole.count == 1


@pytest.mark.slow
def test_so_does_a_wish_to_send_again(project: Path, whole: Whole) -> None:
    once(project, "--resend-uncertain")
    assert whole.count == 1


@pytest.mark.slow
def test_a_segment_that_time_changes_is_counted_anew(project: Path, whole: Whole) -> None:
    append(JOURNEY, "\nsegment recent { where any(purchase within last 30 days) }\n")(project)
    assert once(project)[0] == 0
    once(project)
    assert whole.count == 2


@pytest.mark.slow
def test_a_store_that_another_process_has_is_waited_for(project: Path, whole: Whole) -> None:
    state = project / ".cij" / "state.duckdb"
    command = [sys.executable, "-c", HOLDER, str(state), "1.5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "open\n"
        assert once(project)[0] == 0
    assert whole.count == 1


@pytest.mark.slow
def test_what_is_due_is_done(project: Path, whole: Whole, monkeypatch: pytest.MonkeyPatch) -> None:
    later(monkeypatch, timedelta(days=4))
    assert "nothing was due" not in once(project)[2]
    assert whole.count == 1


@pytest.mark.slow
def test_a_project_elsewhere_is_not_this_one(project: Path, whole: Whole, tmp_path: Path) -> None:
    other = tmp_path / "moved"
    project.rename(other)
    once(other)
    assert whole.count == 1


@pytest.mark.slow
def test_the_engine_is_not_loaded(project: Path) -> None:
    code = (
        "import sys; sys.argv = ['cij', 'run', sys.argv[1], '--once']\n"
        "from cij.cli import failures, main\n"
        "code = failures.run(main.cli, sys.argv[1:])\n"
        "heavy = {'duckdb', 'sqlglot', 'lark', 'pydantic', 'liquid'} & sys.modules.keys()\n"
        "print(code, sorted(heavy))"
    )
    # The cache is of the very code, and where it lies: this process finds it by another path.
    assert cij_alone("run", project, "--once").returncode == 0
    done = subprocess.run(
        [sys.executable, "-c", code, str(project)],
        capture_output=True,
        text=True,
        check=True,
        env=environment(),
    )
    assert done.stdout.endswith("0 []\n")
