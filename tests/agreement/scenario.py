"""A scenario: the journeys of one draw, their customers, and all that happens to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from cij.grammar import syntax
from cij.grammar.parser import parse


@dataclass(frozen=True)
class Arrival:
    """An event that arrives at one instant and happens at another, which may be later.

    `seq` orders the events of one instant. `about` picks one of the messages that the customer
    has got by then.
    """

    arrives: datetime
    at: datetime
    name: str
    seq: int
    fields: Mapping[str, Any]
    about: int | None = None


@dataclass(frozen=True)
class Change:
    """New values of a customer, as a refresh of the data brings them."""

    at: datetime
    fields: Mapping[str, Any]
    consents: Mapping[tuple[str, str], bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Customer:
    """`comes` is when a refresh of the data brings the customer; None is before the start."""

    id: str
    fields: Mapping[str, Any]
    consents: Mapping[tuple[str, str], bool]
    arrivals: Sequence[Arrival]
    changes: Sequence[Change]
    comes: datetime | None = None


@dataclass(frozen=True)
class Order:
    """An order of an operator about a journey: `word` is pause, resume or stop."""

    at: datetime
    journey: str
    word: str


@dataclass(frozen=True)
class Scenario:
    """`text` declares what this scenario adds to `head`, the vocabulary that all share."""

    seed: int
    head: str
    text: str
    customers: Sequence[Customer]
    start: datetime
    end: datetime
    zone: str
    orders: Sequence[Order] = ()

    @property
    def nodes(self) -> list[Any]:
        return [n for text in (self.head, self.text) for n in _parsed(text).declarations]

    @property
    def parting(self) -> set[datetime]:
        """Return instants between the time of each late event and its arrival.

        With ticks that follow what is due, each is one of a tick. Else it would depend on the other
        scenarios of a store which tick was the last one, and an event of its instant is not late (S25).
        """
        late = [h.arrives for c in self.customers for h in c.arrivals if h.at < h.arrives]
        return {arrives - timedelta(seconds=1) for arrives in late}

    def of_kind(self, kind: str) -> list[syntax.Declaration]:
        found = [n for n in self.nodes if isinstance(n, syntax.Declaration)]
        return [n for n in found if n.kind.text == kind]


def in_one_store(scenarios: Sequence[Scenario]) -> Scenario:
    """Return the scenarios of one store as one: what one sets or emits can reach the segments of all."""
    customers = [c for scenario in scenarios for c in scenario.customers]
    orders = [order for scenario in scenarios for order in scenario.orders]
    text = "\n".join(t.text for t in scenarios)
    return replace(scenarios[0], text=text, customers=customers, orders=orders)


@cache
def _parsed(text: str) -> syntax.File:
    return parse("scenario", text)[0]
