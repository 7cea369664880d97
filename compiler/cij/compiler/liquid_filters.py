"""The filters of messages, and the arguments that each takes.

The runtime has the same filters (`cij.runtime.delivery.dialect`). An argument that is written as a literal is
checked here; what a name stands for is known only when a message is written.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from liquid.builtin.expressions.arguments import KeywordArgument, PositionalArgument
from liquid.builtin.expressions.filtered import Filter
from liquid.builtin.expressions.primitive import (
    FalseLiteral,
    FloatLiteral,
    IntegerLiteral,
    StringLiteral,
    TrueLiteral,
)
from liquid.expression import Expression

Kind = Literal["any value", "a number", "a whole number", "a text"]


@dataclass(frozen=True, slots=True)
class Arguments:
    """The kinds of the arguments, the first `least` of which are needed."""

    kinds: tuple[Kind, ...] = ()
    least: int = 0
    names: tuple[str, ...] = ()


_NONE = Arguments()
_ONE = Arguments(("any value",), 1)
_MAY_BE_ONE = Arguments(("any value",))
_NUMBER = Arguments(("a number",), 1)
_TRUNCATE = Arguments(("a whole number", "any value"))

ARGUMENTS: dict[str, Arguments] = {
    **dict.fromkeys(("abs", "capitalize", "ceil", "downcase", "first", "floor", "last"), _NONE),
    **dict.fromkeys(("lstrip", "reverse", "rstrip", "size", "squish", "strip"), _NONE),
    **dict.fromkeys(("strip_newlines", "upcase", "url_encode"), _NONE),
    **dict.fromkeys(("append", "prepend", "remove", "remove_first", "remove_last", "split"), _ONE),
    **dict.fromkeys(("at_least", "at_most", "divided_by", "minus", "modulo"), _NUMBER),
    **dict.fromkeys(("plus", "times"), _NUMBER),
    **dict.fromkeys(("join", "sort", "uniq"), _MAY_BE_ONE),
    **dict.fromkeys(("replace", "replace_first"), Arguments(("any value",) * 2, 1)),
    **dict.fromkeys(("truncate", "truncatewords"), _TRUNCATE),
    "date": Arguments(("a text",), 1),
    "default": Arguments(("any value",), 0, ("allow_false",)),
    "replace_last": Arguments(("any value",) * 2, 2),
    "round": Arguments(("a whole number",)),
    "slice": Arguments(("a whole number",) * 2, 1),
}
FILTERS = frozenset(ARGUMENTS)

_WHOLE = re.compile(r"\s*[+-]?[0-9]+\s*")
_NUMERIC = re.compile(r"\s*[+-]?[0-9]+(\.[0-9]+)?\s*")
_COUNTS = ("no argument", "one argument", "two arguments")


def argument_fault(one: Filter) -> str | None:
    """Say what is wrong with the arguments of a filter that there is; None if nothing is."""
    takes = ARGUMENTS[one.name]
    named = [
        a.name for a in one.args if isinstance(a, KeywordArgument) if a.name not in takes.names
    ]
    if named:
        return f"`{one.name}` has no argument `{named[0]}`"
    given = [a.value for a in one.args if isinstance(a, PositionalArgument)]
    if not takes.least <= len(given) <= len(takes.kinds):
        return f"`{one.name}` takes {_count(takes)}, and has {len(given)} here"
    return _of_kind(one.name, given, takes.kinds)


def _count(takes: Arguments) -> str:
    most = len(takes.kinds)
    if most == takes.least:
        return _COUNTS[most]
    return f"{'up to' if not takes.least else 'one or'} {_COUNTS[most]}"


def _of_kind(name: str, given: Sequence[Expression], kinds: Sequence[Kind]) -> str | None:
    for value, kind in zip(given, kinds, strict=False):
        if not _fits(value, kind):
            return f"`{name}` takes {kind} here, and `{value}` is none"
    return None


def _fits(value: Expression, kind: Kind) -> bool:
    """Tell whether a value is of a kind, or may be, because it is no literal."""
    if kind == "any value":
        return True
    if isinstance(value, (TrueLiteral, FalseLiteral)):
        return False
    if isinstance(value, (IntegerLiteral, FloatLiteral)):
        return kind == "a number" or (
            kind == "a whole number" and isinstance(value, IntegerLiteral)
        )
    if isinstance(value, StringLiteral):
        pattern = {"a number": _NUMERIC, "a whole number": _WHOLE}.get(kind)
        return pattern is None or pattern.fullmatch(value.value) is not None
    return True
