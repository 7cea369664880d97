"""Literals, names, and expressions made of them."""

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Union

from cij.grammar.syntax.nodes import Name, Node

__all__ = [
    "AnyOf",
    "Argument",
    "AtEntry",
    "Between",
    "Binary",
    "Boolean",
    "Call",
    "Cases",
    "Date",
    "DateTime",
    "Duration",
    "Expression",
    "InList",
    "InSegment",
    "InTop",
    "Known",
    "ListOf",
    "Money",
    "Number",
    "Path",
    "Percent",
    "Rate",
    "Since",
    "Text",
    "Time",
    "TimeRange",
    "Unary",
    "Window",
    "WindowBetween",
    "WithinLast",
]


@dataclass(frozen=True, slots=True)
class Text(Node):
    """`"…"` or dedented `\"\"\"…\"\"\"`, escapes resolved, in NFC."""

    value: str


@dataclass(frozen=True, slots=True)
class Number(Node):
    """`1_000` or `0.92`. `is_integer` means that it is written without a decimal point."""

    value: Decimal
    is_integer: bool


@dataclass(frozen=True, slots=True)
class Boolean(Node):
    value: bool


@dataclass(frozen=True, slots=True)
class Duration(Node):
    """`7 days`. `unit` is singular: second, minute, hour, day, week, month or year.

    `rest` is the second step of `2 days 3 hours`.
    """

    count: int
    unit: str
    rest: tuple[int, str] | None = None

    @property
    def lengths(self) -> tuple[tuple[int, str], ...]:
        """The counts and units of the steps, in the order in which they are taken."""
        first = (self.count, self.unit)
        return (first,) if self.rest is None else (first, self.rest)


@dataclass(frozen=True, slots=True)
class Money(Node):
    """`50 EUR`."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Percent(Node):
    """`20%`, as written: `value` is 20."""

    value: Decimal


@dataclass(frozen=True, slots=True)
class Date(Node):
    value: date


@dataclass(frozen=True, slots=True)
class DateTime(Node):
    """`2026-12-31 09:00`, a local time without a zone."""

    value: datetime


@dataclass(frozen=True, slots=True)
class Time(Node):
    value: time


@dataclass(frozen=True, slots=True)
class TimeRange(Node):
    """`21:00..08:00`. It may pass midnight."""

    start: time
    end: time


@dataclass(frozen=True, slots=True)
class Path(Node):
    """`points`, `shop.email`, `trigger.total`."""

    parts: tuple[str, ...]

    @property
    def text(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class WithinLast(Node):
    """`within last 90 days`."""

    duration: Duration


@dataclass(frozen=True, slots=True)
class Since(Node):
    """`since EXPRESSION`."""

    moment: "Expression"


@dataclass(frozen=True, slots=True)
class WindowBetween(Node):
    """`between A and B`, inside an aggregate."""

    start: "Expression"
    end: "Expression"


Window = Union[WithinLast, Since, WindowBetween]


@dataclass(frozen=True, slots=True)
class Argument(Node):
    """One argument of a call. Only aggregates accept a window and a filter."""

    value: "Expression"
    window: Window | None = None
    where: "Expression | None" = None
    is_distinct: bool = False


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`lower(trim(email))`, `count(purchase within last 90 days where channel = "web")`."""

    function: Path
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class ListOf(Node):
    """`[a, b]`."""

    items: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Rate(Node):
    """`1_000 per day`; `unit` as in Duration."""

    count: int
    unit: str


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """`operator` is `-` or `not`."""

    operator: str
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """`operator` is one of or, and, =, !=, <, <=, >, >=, contains, starts with, matches, ??, +, -, *, /."""

    operator: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Cases(Node):
    """`when C then V when … else V`: conditions with their values, and the value of all others."""

    cases: tuple[tuple["Expression", "Expression"], ...]
    otherwise: "Expression"


@dataclass(frozen=True, slots=True)
class InList(Node):
    """`x in [a, b]`, `x not in [a, b]`."""

    value: "Expression"
    items: ListOf
    is_negated: bool


@dataclass(frozen=True, slots=True)
class AnyOf(Node):
    """`x starts with any of [a, b]`, `x contains any of [a, b]`."""

    value: "Expression"
    operator: str
    items: ListOf


@dataclass(frozen=True, slots=True)
class InSegment(Node):
    """`in segment employees`, `not in segment employees`."""

    segment: Name
    is_negated: bool


@dataclass(frozen=True, slots=True)
class InTop(Node):
    """`lifetime_value in top 10%`."""

    value: "Expression"
    percent: Percent
    is_negated: bool


@dataclass(frozen=True, slots=True)
class Between(Node):
    """`x between 1 and 5`, both ends included."""

    value: "Expression"
    low: "Expression"
    high: "Expression"
    is_negated: bool


@dataclass(frozen=True, slots=True)
class Known(Node):
    """`x is known`, or with `is_negated` `x is unknown`."""

    value: "Expression"
    is_negated: bool


@dataclass(frozen=True, slots=True)
class AtEntry(Node):
    """`at entry points`: the value kept at entry."""

    path: Path


Expression = Union[
    Text,
    Number,
    Boolean,
    Duration,
    Money,
    Percent,
    Date,
    DateTime,
    Time,
    TimeRange,
    Path,
    Call,
    ListOf,
    Rate,
    Unary,
    Binary,
    Cases,
    AnyOf,
    InList,
    InSegment,
    InTop,
    Between,
    Known,
    AtEntry,
]
