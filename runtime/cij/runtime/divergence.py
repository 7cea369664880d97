"""Where two programs first differ for each customer, over the events of a past period.

    copy --backtest of the program that runs--> what happened --\\
    copy --backtest of the new program-------> what happened ----> first difference of each customer, by kind

Both run over the same events, so a difference is one of the programs and not of the data.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from cij.runtime.engine import Engine
from cij.runtime.store import divergence as statements

Kind = Literal["more", "less", "other", "earlier", "later"]


@dataclass(frozen=True, slots=True)
class Divergence:
    """The customers of a journey who first differ in one way.

    `was` and `now_is` are what happens at that place with each program; empty for nothing. `example` is one of
    the customers, with the instants.
    """

    journey: str
    kind: Kind
    was: str
    now_is: str
    customers: int
    example: str
    was_at: datetime | None
    is_at: datetime | None


@dataclass(frozen=True, slots=True)
class Divergences:
    """`compared` is the number of customers in journeys; a customer in two journeys counts twice."""

    compared: int
    found: tuple[Divergence, ...]

    @property
    def differ(self) -> int:
        """How many of the compared first differ somewhere."""
        return sum(each.customers for each in self.found)


def divergences(older: Engine, newer: Engine, start: datetime, tolerance: timedelta) -> Divergences:
    """Compare two stores after the backtest of a period that begins at `start`.

    Instants that differ by at most `tolerance` are the same: a backtest rounds events. `newer` is changed.
    """
    newer.execute(statements.OLDER)
    newer.append("replay_older", older.stream(statements.HAPPENED, {"start": start}))
    with newer.transaction():
        newer.execute(statements.NEWER, {"start": start})
        compared = newer.rows(statements.COUNTED)[0][0]
        return Divergences(compared, tuple(_found(newer, tolerance)))


def _found(engine: Engine, tolerance: timedelta) -> Iterator[Divergence]:
    asked: dict[str, object] = {"tolerance_s": tolerance.total_seconds()}
    for row in engine.rows(statements.DIVERGED, asked):
        journey, kind, was, now_is, customers, example, was_at, is_at = row
        yield Divergence(
            journey, kind, was.strip(), now_is.strip(), customers, example, was_at, is_at
        )
