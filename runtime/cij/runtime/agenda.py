"""The agenda: when those are due whose timers come soonest, and how many at each instant.

To find the next timer is a look at all who wait. The agenda is filled by one such look, which takes
hardly longer than that for the first alone, and then follows those who move.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from cij.compiler.sql import query
from cij.runtime.crowd import count_customers
from cij.runtime.engine import Engine, Row

# Nobody waits, as far as anybody knows.
NEVER = datetime.max

# In a smaller store the look costs less than to follow.
_CUSTOMERS_MIN = 2_000_000
_TIMERS = 1_024
# An agenda that has grown to more instants is cut to as many as a new one has timers.
_INSTANTS_MAX = 4_096

# Who has left has no timer any more.
_NEXT = query("SELECT MIN(p.wake_at) FROM passage_row AS p")
_SOONEST = query(
    "SELECT p.wake_at FROM passage_row AS p WHERE NOT p.wake_at IS NULL "
    "ORDER BY p.wake_at LIMIT $timers"
)
_MOVES = query(
    """
SELECT t.wake_at, SUM(t.people) AS people
FROM (
  SELECT r.wake_at, -1 AS people FROM tick_taken AS r JOIN tick_move AS m ON m.passage = r.id
  UNION ALL
  SELECT m.wake_at, 1 AS people FROM tick_move AS m
) AS t
WHERE t.wake_at <= $until
GROUP BY t.wake_at
HAVING SUM(t.people) <> 0
"""
)
# Of those who were set aside.
MOVES_ASIDE = _MOVES.over({"tick_taken r": "tick_ws_passage"})


@dataclass(slots=True)
class Agenda:
    """`people` has how many are due at each instant before `until`. There may be more at `until`
    itself, and later ones are not known.
    """

    people: Counter[datetime] = field(default_factory=Counter)
    until: datetime = NEVER

    @property
    def next(self) -> datetime | None:
        """The instant of the next timer, NEVER where nobody waits; None where it is not known."""
        return min(self.people, default=NEVER if self.until == NEVER else None)

    def follow(self, changes: Iterable[Row]) -> None:
        """Count who has come to each instant, less who has left it."""
        for at, change in changes:
            self.people[at] += int(change)
            if self.people[at] <= 0:
                del self.people[at]
        if len(self.people) > _INSTANTS_MAX:
            kept = sorted(self.people)[:_TIMERS]
            self.people = Counter({at: self.people[at] for at in kept})
            self.until = kept[-1]


def soonest(engine: Engine) -> Agenda:
    """Return the agenda of a store, by a look at all who wait."""
    if count_customers(engine) < _CUSTOMERS_MIN:
        first = engine.rows(_NEXT)[0][0]
        return Agenda() if first is None else Agenda(Counter([first]), first)
    found = [at for (at,) in engine.rows(_SOONEST, {"timers": _TIMERS})]
    return Agenda(Counter(found), found[-1] if len(found) == _TIMERS else NEVER)


def moves(engine: Engine, agenda: Agenda, *, is_aside: bool) -> list[Row]:
    """Return how many more are due at each instant of the agenda after those in `tick_move` have moved.

    They stand in `tick_ws_passage`, else in `tick_taken`, as they were before.
    """
    return engine.rows(MOVES_ASIDE if is_aside else _MOVES, {"until": agenda.until})


def is_followed(engine: Engine) -> bool:
    """Tell whether the store has so many customers that following is less than looking."""
    return count_customers(engine) >= _CUSTOMERS_MIN
