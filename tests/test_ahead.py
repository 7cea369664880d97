"""Work ahead: what a tick says is made before, changes nothing, and is not made again."""

from datetime import datetime, timedelta

import pytest
from cij.runtime.ahead import make_ready
from sqlglot import exp

from cij.compiler.sql import template
from cij.compiler.sql.dialects import portable
from cij.runtime import agenda, aside
from cij.runtime.intake import take_in
from cij.runtime.tick import tick
from cij.runtime.timers import next_timer
from cij.runtime.world import World
from tests.test_waves import CUSTOMERS, START, _event, _kept, _program, _world

_JOURNEYS = """
journey a { enter on visit  steps { day: wait 1 day  first: send email hello  end done } }
journey b { enter on visit  steps { day: wait 1 day  first: send email hello  end done } }
"""


def _waiting(monkeypatch: pytest.MonkeyPatch) -> tuple[World, datetime]:
    """Return a large store in which a few wait, and when they are due."""
    program = _program(_JOURNEYS)
    world = _world(program)
    rows = [_event(n, "visit", START, page="x") for n in range(CUSTOMERS)]
    take_in(world.engine, program, rows, START)
    tick(world, START)
    for part, name in ((aside, "_CUSTOMERS_MIN"), (agenda, "_CUSTOMERS_MIN")):
        monkeypatch.setattr(part, name, 0)
    monkeypatch.setattr(aside, "_SHARE_MAX", 1_000)
    # As in a tick before that, which had nothing to do.
    tick(world, START + timedelta(hours=1))
    due = START + timedelta(days=1)
    assert next_timer(world) == due
    return world, due


def _said(world: World, due: datetime, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return how many statements a tick makes that were not made before."""
    made = list[exp.Expr]()

    def counted(tree: exp.Expr, dialect: str) -> exp.Expr:
        made.append(tree)
        return portable(tree, dialect)

    with monkeypatch.context() as patch:
        patch.setattr(template, "portable", counted)
        tick(world, due)
    return len(made)


def test_what_is_made_ahead_is_not_made_in_the_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    # What is the same for all journeys is made once in a process, so the first counts for nothing.
    _said(*_waiting(monkeypatch), monkeypatch)
    without = _said(*_waiting(monkeypatch), monkeypatch)
    world, due = _waiting(monkeypatch)
    before = _kept(world.engine)
    assert make_ready(world, due)
    assert _kept(world.engine) == before and next_timer(world) == due
    assert _said(world, due, monkeypatch) <= without / 3
    assert len(_kept(world.engine)[1]) == 2 * CUSTOMERS, "each was sent both messages"


def test_where_nobody_is_due_or_few_are_many_nothing_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, due = _waiting(monkeypatch)
    assert not make_ready(world, due + timedelta(hours=1))
    monkeypatch.setattr(aside, "_SHARE_MAX", 1.1 / CUSTOMERS)
    assert not make_ready(world, due)
    monkeypatch.setattr(aside, "_CUSTOMERS_MIN", CUSTOMERS + 1)
    assert not make_ready(world, due)
