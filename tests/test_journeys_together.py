"""Journeys that start each other: by events they raise, and by fields they write."""

from datetime import datetime, timedelta

import pytest

from cij.app.compile import compiled_stories
from cij.compiler.sql import query
from cij.runtime.deploy import deploy
from cij.runtime.engine import open_engine
from cij.runtime.refresh import take_in
from cij.runtime.tick import tick
from cij.runtime.world import World
from tests.conftest import FIXTURES

START = datetime(2026, 3, 2, 9)
_SENT = query("SELECT o.journey, o.step, o.created_at FROM outbox AS o ORDER BY o.journey")
_MEMBERS = query(
    "SELECT s.customer, s.since FROM segment_member AS s JOIN name AS l ON l.id = s.segment "
    "WHERE l.text = 'vips'"
)
_AUDIT = query("SELECT COUNT(*) - COUNT(DISTINCT w.key) FROM field_write AS w")


def _world() -> World:
    program, _ = compiled_stories(FIXTURES / "stories" / "passing")
    names = ("writing", "prizes", "vip_club")
    kept = tuple(j for j in program.journeys if j.name in names)
    world = deploy(open_engine(None), program.model_copy(update={"journeys": kept}), START)
    columns: dict[str, list[object]] = {
        "id": ["ana", "bob"],
        "zone": ["Europe/Madrid"] * 2,
        "email": ["ana@example.com", "bob@example.com"],
        "phone": ["+34600000001", None],
        "consent.news.sms": [True, True],
        "consent.tips.email": [True, True],
    }
    world.engine.append("customer", columns)
    return world


def _visit(world: World, customer: str, at: datetime) -> None:
    row = {"event": "visit", "customer": customer, "at": at, "id": f"{customer} {at}"}
    assert take_in(world.engine, world.program, [row], at).accepted == 1


def test_an_event_that_is_raised_and_a_field_that_is_written_start_other_journeys() -> None:
    world = _world()
    tick(world, START)
    _visit(world, "ana", START + timedelta(hours=1))
    for minutes in (60, 60, 119, 120):
        tick(world, START + timedelta(minutes=minutes))
    assert world.engine.rows(_MEMBERS) == [("ana", START + timedelta(hours=1))]
    assert world.engine.rows(_SENT) == [
        ("prizes", "congratulate", START + timedelta(hours=2)),
        ("vip_club", "welcome", START + timedelta(hours=1)),
    ]


@pytest.mark.slow
def test_what_was_written_outlives_a_tick_and_is_written_once() -> None:
    world = _world()
    tick(world, START)
    for hour in (1, 2, 3):
        _visit(world, "ana", START + timedelta(hours=hour))
        tick(world, START + timedelta(hours=hour))
    seen = query("SELECT c.seen, c.is_vip FROM customer AS c WHERE c.id = 'ana'")
    assert world.engine.rows(seen) == [(3, True)]
    assert world.engine.rows(_AUDIT) == [(0,)]
