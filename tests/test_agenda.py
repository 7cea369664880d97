"""The agenda: it tells the next timer as a look at all who wait does, or that it does not know."""

from collections import Counter
from datetime import datetime, timedelta

import pytest
from cij.runtime.agenda import NEVER, Agenda, soonest
from hypothesis import given, settings, strategies as st

from cij.runtime import agenda, aside
from cij.runtime.engine import Engine
from tests.test_waves import JOURNEYS, _lived, _program

_START = datetime(2026, 3, 2, 9)
_TIMERS = 3

_WHEN = st.integers(0, 9).map(lambda n: _START + timedelta(hours=n))
# Who leaves, told by his place among those who wait, and when others are due.
_MOVES = st.lists(st.tuples(st.lists(st.integers(0, 30), max_size=4), st.lists(_WHEN, max_size=4)))


@given(st.lists(_WHEN, max_size=8), _MOVES)
@settings(deadline=None)
def test_it_knows_what_it_tells(waiting: list[datetime], moves: object) -> None:
    assert isinstance(moves, list)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(agenda, "_TIMERS", _TIMERS)
        patch.setattr(agenda, "_INSTANTS_MAX", _TIMERS + 1)
        found = _filled(sorted(waiting))
        for gone, come in moves:
            found = _filled(sorted(waiting)) if found.next is None else found
            left = [waiting.pop(n % len(waiting)) for n in gone if waiting]
            waiting += come
            changes = Counter(come)
            changes.subtract(left)
            found.follow([(at, n) for at, n in changes.items() if n and at <= found.until])
            assert found.next in (None, min(waiting, default=NEVER))


def _filled(waiting: list[datetime]) -> Agenda:
    first = waiting[:_TIMERS]
    return Agenda(Counter(first), first[-1] if len(first) == _TIMERS else NEVER)


def test_it_lasts_for_those_it_knows() -> None:
    found = _filled([_START + timedelta(hours=n) for n in range(9)])
    for n in range(_TIMERS):
        assert found.next == _START + timedelta(hours=n)
        found.follow([(_START + timedelta(hours=n), -1)])
    assert found.next is None


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


@pytest.mark.parametrize(("journeys", "few"), [(_NOTED, 1), (JOURNEYS, 12)])
def test_waves_are_followed(monkeypatch: pytest.MonkeyPatch, journeys: str, few: int) -> None:
    """`_lived` compares with a look at all who wait, after each tick."""
    program, looks = _program(journeys), list[Agenda]()
    alone = _lived(program)

    def counted(engine: Engine) -> Agenda:
        looks.append(soonest(engine))
        return looks[-1]

    monkeypatch.setattr(aside, "_CUSTOMERS_MIN", 0)
    monkeypatch.setattr(aside, "_SHARE_MAX", 1_000)
    monkeypatch.setattr("cij.runtime.timers.soonest", counted)
    assert _lived(program) == alone
    each = len(looks)
    monkeypatch.setattr(agenda, "_CUSTOMERS_MIN", 0)
    for timers, most in ((1_024, few), (_TIMERS, each - 1)):
        looks.clear()
        monkeypatch.setattr(agenda, "_TIMERS", timers)
        assert _lived(program) == alone
        assert 0 < len(looks) <= most
