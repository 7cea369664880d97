"""Typed expressions: the one form in which the model and the program hold conditions and values.

Every name in them is resolved, every node carries its type and whether its value can be missing.
A node of type boolean is a condition: it is true or false, never missing (S1); what is missing
makes the atom false before anything is negated.
"""

from typing import Annotated, Literal, Union

from pydantic import Field as PydanticField
from typing_extensions import TypeAliasType

from cij.compiler.base_node import BaseNode
from cij.compiler.expression_atoms import (
    ELAPSED_S as ELAPSED_S,
    Again as Again,
    AtEntry as AtEntry,
    Best as Best,
    Cap as Cap,
    Choice as Choice,
    Column as Column,
    ColumnBefore as ColumnBefore,
    Consent as Consent,
    Constant as Constant,
    EnteredAt as EnteredAt,
    EventField as EventField,
    Expired as Expired,
    Field as Field,
    FirstCome as FirstCome,
    HashShare as HashShare,
    HeldUntil as HeldUntil,
    Hours as Hours,
    InQuiet as InQuiet,
    Listed as Listed,
    MeasureValue as MeasureValue,
    Member as Member,
    Noted as Noted,
    Now as Now,
    OfMessage as OfMessage,
    OverCap as OverCap,
    Period as Period,
    Remainder as Remainder,
    Result as Result,
    SendOutcome as SendOutcome,
    Today as Today,
    TriggerField as TriggerField,
    Typed as Typed,
    Unit as Unit,
    Winner as Winner,
)
from cij.compiler.types import BOOLEAN, Type

Aggregation = Literal[
    "any",
    "count",
    "count distinct",
    "sum",
    "avg",
    "min",
    "max",
    "first",
    "last",
    "last known",
]
Comparison = Literal["=", "!=", "<", "<=", ">", ">=", "contains", "starts with", "matches"]


class Related(Typed):
    """`product.category`: a field of the row of an entity that `base`, a relation, leads to.

    Nulls: missing where the relation is missing, where it leads to no row, and where the row has
    no such value.
    """

    op: Literal["related"] = "related"
    is_nullable: bool = True
    base: "Expression"
    entity: str
    name: str


class Last(BaseNode):
    """`within last D`: the half-open interval (now - D, now] (S5)."""

    op: Literal["last"] = "last"
    period: Period


class Range(BaseNode):
    """`since A` (no end) or `between A and B`; both ends are inside, a missing one matches nothing.

    An end that is a date is the whole local day.
    """

    op: Literal["range"] = "range"
    start: "Expression"
    end: "Expression | None" = None


class Aggregate(Typed):
    """One value over a customer's events. `value` is missing for `any` and for `count` of rows.

    Nulls: `count`, `count distinct` and `any` are never missing, `sum` over no known value is 0, the others are
    missing; values that are missing count nowhere. `first` and `last` go by the time an event
    happened, then by its number, and take that event also where its value is missing; `last known` takes the last
    one that has a value (S5).
    Time: what happens after now counts never, with or without a window.
    Numbers: `sum` is exact. `avg` is the exact quotient, rounded to 6 decimal places, halves away
    from zero, whatever the type of the values.
    """

    op: Literal["aggregate"] = "aggregate"
    function: Aggregation
    event: str
    value: "Expression | None" = None
    window: Annotated[Last | Range, PydanticField(discriminator="op")] | None = None
    where: "Expression | None" = None


class Compare(Typed):
    """Two values of one type. False when either is missing; `!=` is the negation of `=` (S1)."""

    op: Literal["compare"] = "compare"
    type: Type = BOOLEAN
    operator: Comparison
    left: "Expression"
    right: "Expression"


class InSet(Typed):
    """`x in [a, b]`; false when x is missing."""

    op: Literal["in_set"] = "in_set"
    type: Type = BOOLEAN
    value: "Expression"
    items: tuple["Expression", ...]


class TopShare(Typed):
    """`x in top 10%` of the customers whose x is known, rounded up; ties go to the smaller id."""

    op: Literal["top_share"] = "top_share"
    type: Type = BOOLEAN
    value: "Expression"
    share: str


class Known(Typed):
    """`x is known`."""

    op: Literal["known"] = "known"
    type: Type = BOOLEAN
    value: "Expression"


class And(Typed):
    op: Literal["and"] = "and"
    type: Type = BOOLEAN
    items: tuple["Expression", ...]


class Or(Typed):
    op: Literal["or"] = "or"
    type: Type = BOOLEAN
    items: tuple["Expression", ...]


class Not(Typed):
    op: Literal["not"] = "not"
    type: Type = BOOLEAN
    item: "Expression"


class Arithmetic(Typed):
    """Numbers, money, dates and durations; missing when a part is missing or the divisor is 0.

    Numbers: sums and differences are exact, and so is the product of two whole numbers. Any other
    product and every quotient is rounded from the exact value to 6 decimal places, halves away
    from zero: `2 / 3` is 0.666667, and `-0.0000005 * 1.0` is -0.000001. There is no floating
    point in it, so all engines agree. A value has 38 digits at most, 6 of them after the point.
    Time: the difference of two instants is exact, that of two dates is whole days of 24 hours.
    """

    op: Literal["arithmetic"] = "arithmetic"
    operator: Literal["+", "-", "*", "/"]
    left: "Expression"
    right: "Expression"


class Coalesce(Typed):
    """`x ?? default`."""

    op: Literal["coalesce"] = "coalesce"
    value: "Expression"
    default: "Expression"


class Case(BaseNode):
    """A condition, and the value where it is the first that holds."""

    condition: "Expression"
    value: "Expression"


class Cases(Typed):
    """The value of the first case whose condition holds, else of `otherwise`."""

    op: Literal["cases"] = "cases"
    cases: tuple[Case, ...]
    otherwise: "Expression"


class Call(Typed):
    """A function of the table in `cij.compiler.functions`."""

    op: Literal["call"] = "call"
    function: str
    arguments: tuple["Expression", ...]


Expression = TypeAliasType(
    "Expression",
    Annotated[
        Union[
            Constant,
            Period,
            Now,
            Today,
            Field,
            Column,
            ColumnBefore,
            EventField,
            TriggerField,
            Related,
            Consent,
            Member,
            MeasureValue,
            HashShare,
            Again,
            AtEntry,
            EnteredAt,
            Result,
            Noted,
            SendOutcome,
            OfMessage,
            FirstCome,
            Winner,
            Best,
            Expired,
            Listed,
            InQuiet,
            OverCap,
            HeldUntil,
            Aggregate,
            Compare,
            InSet,
            TopShare,
            Known,
            And,
            Or,
            Not,
            Arithmetic,
            Coalesce,
            Cases,
            Call,
        ],
        PydanticField(discriminator="op"),
    ],
)
