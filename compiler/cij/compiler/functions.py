"""The functions that a value may call: one row each. `cij.compiler.sql.functions` has their SQL."""

from dataclasses import dataclass

from cij.compiler.types import DATE, DECIMAL, INTEGER, TEXT, Kind, Type


@dataclass(frozen=True, slots=True)
class Function:
    """`result` None means the type of the first argument; all are missing if an argument is."""

    name: str
    parameters: tuple[tuple[Kind, ...], ...]
    result: Type | None
    summary: str


_NUMBER: tuple[Kind, ...] = ("integer", "decimal", "percent", "money")

_ALL = (
    Function("lower", (("text",),), TEXT, "the text in lower case, code point by code point"),
    Function("upper", (("text",),), TEXT, "the text in upper case, code point by code point"),
    Function(
        "trim",
        (("text",),),
        TEXT,
        "the text without white space at its ends (spaces of any width, tabs, line ends)",
    ),
    Function(
        "replace",
        (("text",), ("text",), ("text",)),
        TEXT,
        "the text with every occurrence of the second argument replaced by the third",
    ),
    Function("length", (("text",),), INTEGER, "the number of code points"),
    Function("round", (_NUMBER,), None, "the nearest whole number, halves away from zero"),
    Function("abs", (_NUMBER,), None, "the number without its sign"),
    Function("year", (("date",),), INTEGER, "the year of a date"),
    Function("month", (("date",),), INTEGER, "the month of a date, 1 to 12"),
    Function("day", (("date",),), INTEGER, "the day of the month of a date"),
    Function("date", (("datetime",),), DATE, "the customer's local date of an instant"),
    Function(
        "number",
        (("text", "integer"),),
        DECIMAL,
        "the number that a text such as `-12.50` holds, to six places",
    ),
    Function("text", (("integer", "boolean"),), TEXT, "the value as text"),
)

FUNCTIONS: dict[str, Function] = {f.name: f for f in _ALL}
assert len(FUNCTIONS) == len(_ALL), "two functions share a name"
