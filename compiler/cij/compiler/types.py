"""The types of values. `semantics.md` S1 to S3 say what they mean."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

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
]


class Type(BaseModel, frozen=True):
    """One type. `currency` is there for money only: two currencies are two types (S2)."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    kind: Kind
    currency: str | None = None

    def __str__(self) -> str:
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
LIST = Type(kind="list")


def money(currency: str) -> Type:
    """Return the type of an amount in `currency`, an ISO 4217 code."""
    return Type(kind="money", currency=currency)


# What an author may write as the type of a column; money takes its currency: `money(EUR)`.
NAMED: dict[str, Type] = {
    t.kind: t for t in (TEXT, INTEGER, DECIMAL, BOOLEAN, DATE, DATETIME, TIME, PERCENT)
}
