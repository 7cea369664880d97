"""A tale: one random journey with its customers and all that happens to them, of one seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Any

from cij.grammar import syntax
from cij.grammar.parser import parse


@dataclass(frozen=True)
class Happening:
    """An event that arrives at one instant and happened at another, maybe later one.

    `seq` orders events that happen at one instant; `about` picks one of the messages that the
    customer has got by then.
    """

    arrives: datetime
    at: datetime
    name: str
    seq: int
    fields: Mapping[str, Any]
    about: int | None = None


@dataclass(frozen=True)
class Change:
    """What a refresh of the data makes of a customer."""

    at: datetime
    fields: Mapping[str, Any]
    consents: Mapping[tuple[str, str], bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Customer:
    id: str
    fields: Mapping[str, Any]
    consents: Mapping[tuple[str, str], bool]
    happenings: Sequence[Happening]
    changes: Sequence[Change]


@dataclass(frozen=True)
class Order:
    """What is said about a journey from outside: pause, resume or stop."""

    at: datetime
    journey: str
    word: str


@dataclass(frozen=True)
class Tale:
    """`text` declares what the seed adds to the vocabulary that all seeds share, `head`."""

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

    def of_kind(self, kind: str) -> list[syntax.Declaration]:
        found = [n for n in self.nodes if isinstance(n, syntax.Declaration)]
        return [n for n in found if n.kind.text == kind]


def together(tales: Sequence[Tale]) -> Tale:
    """Return the tales of one store as one: what writes and raises reaches all segments."""
    customers = [c for tale in tales for c in tale.customers]
    orders = [order for tale in tales for order in tale.orders]
    text = "\n".join(t.text for t in tales)
    return replace(tales[0], text=text, customers=customers, orders=orders)


@cache
def _parsed(text: str) -> syntax.File:
    return parse("tale", text)[0]
