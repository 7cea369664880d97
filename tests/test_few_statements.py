"""What a small tick costs is the number of its statements: each is planned anew.

The bounds are numbers of statements, the same on every machine. Who lowers one lowers it here.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bench.stories.__main__ import JOURNEY, TOML
from cij.app.compile import compiled_stories
from cij.compiler.sql import query
from cij.runtime import zones
from cij.runtime.deploy import deploy
from cij.runtime.due import next_work
from cij.runtime.engine import Engine, open_engine
from cij.runtime.engine.duckdb.connection import DuckEngine
from cij.runtime.intake import take_in
from cij.runtime.moving.strategic import StrategicMover
from cij.runtime.moving.strategies.timer_cache import TimerCache
from cij.runtime.story import StoryPlayer
from cij.runtime.tick import tick
from cij.runtime.world import World

IDLE_TICK = 1
NEXT_WORK = 3
EVENT_TICK = 23
STORY = 89

START = datetime(2026, 3, 2, 9)
_COUNT = query("SELECT COUNT(*) FROM counter AS k WHERE k.name = $name")
_REMOVE = query("DELETE FROM counter WHERE name = $name")


class _Counted:
    def __init__(self) -> None:
        self.texts: list[str] = []

    def __len__(self) -> int:
        return len(self.texts)

    def __str__(self) -> str:
        return "\n".join(self.texts)


@contextmanager
def _counting(engine: Engine) -> Iterator[_Counted]:
    """Count the statements that an engine is given, but for the bounds of transactions."""
    assert isinstance(engine, DuckEngine)
    found, guard = _Counted(), engine.run_text

    def counted(text: str, bound: object) -> object:
        found.texts.append(text)
        return guard(text, bound)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "run_text", counted)
        yield found


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    (tmp_path / "cij.toml").write_text(TOML)
    (tmp_path / "month.journey").write_text(JOURNEY)
    return tmp_path


def _world(folder: Path) -> World:
    program, _ = compiled_stories(folder)
    world = deploy(open_engine(None, is_tiny=True), program, START)
    zones.ensure(world.engine, ["Europe/Madrid"])
    customer = {"zone": "Europe/Madrid", "points": 20, "consent.news.email": True}
    columns = {name: [value] * 2 for name, value in customer.items()}
    world.engine.append("customer", {"id": ["ana", "bob"], **columns})
    tick(world, START)
    return world


def _visit(world: World, at: datetime, who: str = "ana") -> None:
    take_in(world.engine, world.program, [{"event": "visit", "customer": who, "at": at}], at)


def test_a_tick_in_which_nothing_is_due(folder: Path) -> None:
    world = _world(folder)
    _visit(world, START)
    tick(world, START)
    with _counting(world.engine) as asked:
        next_work(world)
    with _counting(world.engine) as done:
        tick(world, START + timedelta(hours=1))
    assert len(done) <= IDLE_TICK, f"{done}"
    assert len(asked) <= NEXT_WORK, f"{asked}"


def test_a_tick_with_one_event(folder: Path) -> None:
    world = _world(folder)
    _visit(world, START, "bob")
    # It learns which tables are empty.
    tick(world, START)
    _visit(world, START)
    with _counting(world.engine) as done:
        assert tick(world, START).moves == 1
    assert len(done) <= EVENT_TICK, f"{done}"


def test_a_story_of_thirty_days(folder: Path) -> None:
    program, stories = compiled_stories(folder)
    with closing(StoryPlayer(program, is_telling=False)) as player:
        assert player.play(stories[0]).is_ok
        with _counting(player._worlds["month"].engine) as done:
            assert player.play(stories[0]).is_ok
    assert len(done) <= STORY, f"{done}"


def test_what_changes_no_row_forgets_nothing(folder: Path) -> None:
    engine = _world(folder).engine
    parameters = {"name": "passage"}
    engine.rows(_COUNT, parameters)
    engine.execute(_REMOVE, {"name": "there is none"})
    with _counting(engine) as done:
        assert engine.rows(_COUNT, parameters) == [(1,)]
        assert not len(done)
        engine.execute(_REMOVE, parameters)
        assert engine.rows(_COUNT, parameters) == [(0,)]
    assert len(done) == 2, f"{done}"


def test_a_tick_that_breaks_off_leaves_nothing_known_of_timers(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = _world(folder)
    _visit(world, START)
    tick(world, START)
    due = next_work(world)
    assert isinstance(world.mover, StrategicMover)
    (timers,) = [each for each in world.mover.strategies if isinstance(each, TimerCache)]
    assert due is not None and timers.first == due

    def broken(*_: object, **__: object) -> int:
        raise ValueError("broken")

    with monkeypatch.context() as patch:
        patch.setattr(world.mover, "advance", broken)
        with pytest.raises(ValueError, match="broken"):
            tick(world, due)
    assert timers.first is None
    assert next_work(world) == due
