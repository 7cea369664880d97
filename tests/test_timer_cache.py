"""The timer cache tells the next timer as a scan of all who wait does, or that it does not know; and
what is prepared for a timer is not made again in the tick."""

from collections import Counter
from datetime import datetime, timedelta
from functools import cache

import pytest
from hypothesis import given, settings, strategies as st
from sqlglot import exp

from cij.compiler.sql import template
from cij.compiler.sql.dialects import portable
from cij.runtime.intake import take_in
from cij.runtime.moving.strategies.few_of_many import FewOfMany
from cij.runtime.moving.strategies.shared_plans import SharedPlans
from cij.runtime.moving.strategies.timer_cache import NEVER, TimerCache
from cij.runtime.tick import tick
from cij.runtime.world import World
from tests.six_days import CUSTOMERS, JOURNEYS, START, compiled, event, kept, six_days, world_of
from tests.ways import ALL_PASSES, PLAIN, Way

_TIMERS = 3

_WHEN = st.integers(0, 9).map(lambda n: START + timedelta(hours=n))
# Who leaves, by their place among those who wait, and when others are due.
_MOVES = st.lists(st.tuples(st.lists(st.integers(0, 30), max_size=4), st.lists(_WHEN, max_size=4)))


def _filled(waiting: list[datetime]) -> TimerCache:
    found = TimerCache(0, timers=_TIMERS, instants_max=_TIMERS + 1)
    first = waiting[:_TIMERS]
    found.people = Counter(first)
    found.until = first[-1] if len(first) == _TIMERS else NEVER
    return found


@given(st.lists(_WHEN, max_size=8), _MOVES)
@settings(deadline=None)
def test_it_knows_what_it_tells(
    waiting: list[datetime], moves: list[tuple[list[int], list[datetime]]]
) -> None:
    found = _filled(sorted(waiting))
    for gone, come in moves:
        found = _filled(sorted(waiting)) if found.first is None else found
        left = [waiting.pop(n % len(waiting)) for n in gone if waiting]
        waiting += come
        changes = Counter(come)
        changes.subtract(left)
        found.follow([(at, n) for at, n in changes.items() if n and at <= found.until])
        assert found.first in (None, min(waiting, default=NEVER))


def test_it_lasts_for_those_it_knows() -> None:
    found = _filled([START + timedelta(hours=n) for n in range(9)])
    for n in range(_TIMERS):
        assert found.first == START + timedelta(hours=n)
        found.follow([(START + timedelta(hours=n), -1)])
    assert found.first is None


# All of them go where they can be noted.
_NOTED = """
journey short { enter on visit  again always  exit bought on bought where amount > 50
  steps { hour: wait 9 hours
          if points > 12 { day: wait 1 day }
          first: send email hello
          later: wait 20 hours
          end done } }
journey long { enter on visit  again always
  steps { rest: wait 3 days
          set stage = "rich"
          week: wait 7 days
          end done } }
"""


class _Counted(TimerCache):
    """Counts how often it reads the timers of all who wait."""

    reads = 0

    def read(self, world: World) -> None:
        self.reads += 1
        super().read(world)


def _reads(journeys: str, timers: TimerCache) -> None:
    """Run six days, which compare the next timer with a scan after each tick."""
    way = Way(lambda: [SharedPlans(), FewOfMany(0, 1_000), timers], ALL_PASSES)
    assert six_days(compiled(journeys), way, hours=8) == _plainly(journeys)


@cache
def _plainly(journeys: str) -> object:
    return six_days(compiled(journeys), PLAIN, hours=8)


@pytest.mark.slow
@pytest.mark.parametrize(("journeys", "few"), [(_NOTED, 1), (JOURNEYS, 12)])
def test_moves_of_few_are_followed(journeys: str, few: int) -> None:
    without = _Counted(10**9)
    _reads(journeys, without)
    for timers, most in ((1_024, few), (_TIMERS, without.reads - 1)):
        found = _Counted(0, timers=timers)
        _reads(journeys, found)
        assert 0 < found.reads <= most


# --- prepared ahead ---------------------------------------------------------------------------

_TWO = """
journey a { enter on visit  steps { day: wait 1 day  first: send email hello  end done } }
journey b { enter on visit  steps { day: wait 1 day  first: send email hello  end done } }
"""


def _waiting(few: FewOfMany) -> tuple[World, datetime]:
    """Return a store that counts as large, in which a few wait, and when they are due."""
    program = compiled(_TWO)
    world = world_of(program, Way(lambda: [SharedPlans(), few, TimerCache(0)], ALL_PASSES))
    rows = [event(n, "visit", START, page="x") for n in range(CUSTOMERS)]
    take_in(world.engine, program, rows, START)
    tick(world, START)
    # As in a tick before that, which had nothing to do.
    tick(world, START + timedelta(hours=1))
    due = START + timedelta(days=1)
    assert world.mover.next_timer(world) == due
    return world, due


def _printed(world: World, due: datetime, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return how many statements a tick prints that were not printed before."""
    made = list[exp.Expr]()

    def counted(tree: exp.Expr, dialect: str) -> exp.Expr:
        made.append(tree)
        return portable(tree, dialect)

    with monkeypatch.context() as patch:
        patch.setattr(template, "portable", counted)
        tick(world, due)
    return len(made)


@pytest.mark.slow
def test_what_is_prepared_is_not_printed_in_the_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    # Statements that are the same for all journeys are printed once in a process.
    _printed(*_waiting(FewOfMany(0, 1_000)), monkeypatch)
    without = _printed(*_waiting(FewOfMany(0, 1_000)), monkeypatch)
    world, due = _waiting(FewOfMany(0, 1_000))
    before = kept(world.engine)
    assert world.mover.prepare(world, due)
    assert kept(world.engine) == before and world.mover.next_timer(world) == due
    assert _printed(world, due, monkeypatch) <= without / 3
    assert len(kept(world.engine)[1]) == 2 * CUSTOMERS, "each was sent both messages"


def test_where_nobody_is_due_or_few_are_many_nothing_is_prepared() -> None:
    few = FewOfMany(0, 1_000)
    world, due = _waiting(few)
    assert not world.mover.prepare(world, due + timedelta(hours=1))
    few.share_max = 1.1 / CUSTOMERS
    assert not world.mover.prepare(world, due)
    few.customers_min = CUSTOMERS + 1
    assert not world.mover.prepare(world, due)
