"""The outcome `delivered` and the event `delivered` are one thing."""

from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cij.app.compile import compiled
from cij.app.open_store import store_path
from cij.cli.exits import Exit
from cij.compiler.sql import query
from cij.runtime.backtest import backtest
from cij.runtime.clock import LiveClock
from cij.runtime.engine import open_copy
from tests.calling import MAIL, MAIL_TOML, journey, project
from tests.conftest import Cij

NOW = datetime(2026, 3, 2, 9, 0)
WAITS = journey(
    "    mail: send email hello",
    "    w: wait for delivered(mail) up to 1 day {\n      end arrived\n    }",
)
_ENDED = query("SELECT p.outcome, p.ended_at FROM passage AS p WHERE p.customer LIKE '%'")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(LiveClock, "now", lambda self: NOW)
    return project(tmp_path / "p", MAIL + WAITS, MAIL_TOML)


def ends(folder: Path) -> set[tuple[str | None, datetime | None]]:
    opened, _ = compiled(folder)
    with closing(open_copy(store_path(opened))) as engine:
        return {(outcome, at) for outcome, at in engine.rows(_ENDED)}


@pytest.mark.slow
def test_a_wait_for_it_ends_in_the_run_that_delivers(cij: Cij, folder: Path) -> None:
    assert cij("run", folder, "--once").code in (Exit.OK, Exit.DELIVERY)
    assert ("arrived", NOW) in ends(folder)


@pytest.mark.slow
def test_a_report_of_the_provider_says_nothing_new(cij: Cij, folder: Path) -> None:
    (folder / "a.journey").write_text(
        (folder / "a.journey").read_text() + "segment twice {\n  where count(delivered) > 1\n}\n"
    )
    cij("run", folder, "--once")
    assert (
        cij("event", "delivered", "shop:1", "--message", "mail", "--project", folder).code
        == Exit.OK
    )
    cij("run", folder, "--once")
    opened, _ = compiled(folder)
    with closing(open_copy(store_path(opened))) as engine:
        assert engine.rows(query("SELECT COUNT(*) FROM event_delivered")) == [(1,)]


@pytest.mark.slow
def test_what_was_delivered_before_anybody_asked_counts(cij: Cij, folder: Path) -> None:
    text = (folder / "a.journey").read_text()
    (folder / "a.journey").write_text(text.replace(WAITS, journey("    mail: send email hello")))
    cij("run", folder, "--once")
    asks = 'segment reached {\n  where any(delivered where channel = "email")\n}\n'
    (folder / "a.journey").write_text((folder / "a.journey").read_text() + asks)
    done = cij("run", folder, "--once")
    assert "reached" in done.out
    [line] = [line for line in done.out.splitlines() if " reached " in f" {line} "]
    assert line.split()[-1] == "1"


@pytest.mark.slow
def test_it_holds_in_simulations_and_backtests(cij: Cij, folder: Path) -> None:
    assert "arrived" in cij("simulate", folder, "--days", "2").out
    cij("run", folder, "--once")
    opened, program = compiled(folder)
    with closing(open_copy(store_path(opened))) as engine:
        end = NOW + timedelta(days=2)
        backtest(engine, program, folder, NOW - timedelta(days=1), end, lambda at: None, {})
        outcomes = {outcome for outcome, _ in engine.rows(_ENDED)}
    assert "arrived" in outcomes


@pytest.mark.slow
def test_the_timeline_says_it_once(cij: Cij, folder: Path) -> None:
    cij("run", folder, "--once")
    told = cij("timeline", "shop:1", "--project", folder).out
    assert told.count("delivered") == 2 and "delivered(mail)" not in told
