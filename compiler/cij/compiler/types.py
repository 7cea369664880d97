"""The types of values. `semantics.md` S1 to S3 say what they mean."""

from collections.abc import Iterable
from typing import Literal

from cij.compiler.base_node import BaseNode

Kind = Literal[
    "text",
    "integer",
    "decimal",
    "boolean",
    "date",
    "datetime",
    "time",
    "duration",
    "percent",
    "money",
    "list",
    "entity",
]


class Type(BaseNode):
    """One type.

    `currency` is there for money only: two currencies are two types (S2). `values` are there for an
    enum, which is a text that has no others. `item` is the type of what a list holds. `entity` names
    what a relation leads to; its value is the key.
    """

    kind: Kind
    currency: str | None = None
    values: tuple[str, ...] | None = None
    item: "Type | None" = None
    entity: str | None = None

    def __str__(self) -> str:
        if self.values is not None:
            return "enum(" + ", ".join(f'"{v}"' for v in self.values) + ")"
        if self.kind == "list":
            return f"list({self.item})"
        if self.entity is not None:
            return self.entity
        return f"{self.kind} {self.currency}" if self.currency else self.kind

    @property
    def is_number(self) -> bool:
        return self.kind in ("integer", "decimal", "percent")


TEXT = Type(kind="text")
INTEGER = Type(kind="integer")
DECIMAL = Type(kind="decimal")
BOOLEAN = Type(kind="boolean")
DATE = Type(kind="date")
DATETIME = Type(kind="datetime")
TIME = Type(kind="time")
DURATION = Type(kind="duration")
PERCENT = Type(kind="percent")


def money(currency: str) -> Type:
    """Return the type of an amount in `currency`, an ISO 4217 code."""
    return Type(kind="money", currency=currency)


def enum(*values: str) -> Type:
    """Return the type of texts that are one of `values`."""
    return Type(kind="text", values=values)


def list_of(item: Type) -> Type:
    """Return the type of lists of `item`."""
    return Type(kind="list", item=item)


def relation(entity: str) -> Type:
    """Return the type of what leads to a row of an entity."""
    return Type(kind="entity", entity=entity)


def join(left: Type, right: Type) -> Type | None:
    """Return the type of values that are of either type, None where none fits both."""
    if left == right:
        return left
    if left.kind == right.kind == "text":
        if left.values is None or right.values is None:
            return TEXT
        return enum(*dict.fromkeys((*left.values, *right.values)))
    return DECIMAL if left.is_number and right.is_number else None


# What an author may write as the type of a column; money takes its currency: `money(EUR)`.
NAMED: dict[str, Type] = {
    t.kind: t for t in (TEXT, INTEGER, DECIMAL, BOOLEAN, DATE, DATETIME, TIME, PERCENT)
}
# What a list may hold: their text is the same on every engine.
IN_LISTS: tuple[Kind, ...] = ("text", "integer", "date")

# A list is kept as text: this sign, which no item holds, before, between and after its items.
LIST_SIGN = "\u241f"


def list_text(items: Iterable[str]) -> str:
    """Return the text that a list is kept as; items are texts, whole numbers or ISO dates."""
    return "".join(LIST_SIGN + item for item in items) + LIST_SIGN


def list_items(text: str) -> list[str]:
    """Return the items of a list that is kept as text."""
    return [item for item in text.split(LIST_SIGN) if item]
