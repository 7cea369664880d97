"""The functions that a value may call: one row each. `cij.compiler.sql.functions` has their SQL."""

from dataclasses import dataclass

from cij.compiler.types import DATE, DECIMAL, INTEGER, TEXT, Kind, Type


@dataclass(frozen=True, slots=True)
class Function:
    """`result` None means the type of the first argument; all are missing if an argument is.

    With `repeats` the last argument may come again, up to `ARGUMENTS_MAX` in all. With `is_partial`
    it may also be missing where all arguments are known.
    """

    name: str
    parameters: tuple[tuple[Kind, ...], ...]
    result: Type | None
    summary: str
    repeats: bool = False
    is_partial: bool = False


ARGUMENTS_MAX = 9

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
        "hour",
        (("datetime", "time"),),
        INTEGER,
        "the hour of a time, or of an instant on the customer's clock, 0 to 23",
    ),
    Function(
        "minute",
        (("datetime", "time"),),
        INTEGER,
        "the minute of a time, or of an instant on the customer's clock, 0 to 59",
    ),
    Function(
        "mod",
        (("integer",), ("integer",)),
        INTEGER,
        "what is left when the first number is divided by the second, with the sign of the first; "
        "missing if the second is 0",
        is_partial=True,
    ),
    Function(
        "concat",
        (("text",), ("text",)),
        TEXT,
        f"up to {ARGUMENTS_MAX} texts, one behind the other",
        repeats=True,
    ),
    Function(
        "number",
        (("text", "integer"),),
        DECIMAL,
        "the number that a text such as `-12.50` holds, to six places",
        is_partial=True,
    ),
    Function("text", (("integer", "boolean"),), TEXT, "the value as text"),
)

FUNCTIONS: dict[str, Function] = {f.name: f for f in _ALL}
PARTIAL = frozenset(f.name for f in _ALL if f.is_partial)
assert len(FUNCTIONS) == len(_ALL), "two functions share a name"
